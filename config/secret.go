package config

// Secret is a secret written into the file. It cannot print itself: the
// content sits behind a pointer, of which fmt shows the address at most.
type Secret struct{ p *string }

// Reveal returns the secret, "" where there is none.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// String returns a constant.
func (Secret) String() string { return "[secret]" }

// GoString returns a constant.
func (Secret) GoString() string { return "[secret]" }

// MarshalText returns a constant, so that encoders and slog show it.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }
