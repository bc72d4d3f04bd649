package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// redacted is all that a Text ever shows.
const redacted = "[secret]"

// Text is a secret string. No verb of fmt, no logger and no encoder prints
// it, not even from inside an unexported field of another value: fmt reads
// such fields without calling their methods, so the content sits behind a
// pointer, of which fmt shows the address at most. The zero Text is empty.
//
// A Text may be copied and used concurrently. Compare with Equal: == compares
// addresses.
type Text struct{ p *string }

// NewText takes s into keeping.
func NewText(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{&s}
}

// Reveal returns the secret. Every call is a place to look at in a review.
func (t Text) Reveal() string {
	if t.p == nil {
		return ""
	}
	return *t.p
}

// Empty reports whether there is no secret in it.
func (t Text) Empty() bool { return t.p == nil }

// Len is the length in bytes.
func (t Text) Len() int { return len(t.Reveal()) }

// Equal compares in a time that depends on the lengths only.
func (t Text) Equal(u Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(u.Reveal())) == 1
}

// Format writes a constant, whatever the verb.
func (t Text) Format(s fmt.State, _ rune) { redact(s) }

// String returns a constant.
func (t Text) String() string { return redacted }

// GoString returns a constant.
func (t Text) GoString() string { return redacted }

// MarshalText returns a constant, so that JSON, XML, TOML and slog show it.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalBinary returns a constant, so that gob shows it.
func (t Text) MarshalBinary() ([]byte, error) { return []byte(redacted), nil }

// redact writes the constant. A fmt.State has nobody to report an error to.
func redact(w io.Writer) { _, _ = io.WriteString(w, redacted) }
