package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// sealed begins a sealed hash: "$sealed$" and the box in base64. In the box are
// the setting, a zero byte and the output of an imported hash that is too fast
// to be kept by itself. It is what such a hash is until there was time to wrap
// it: who has the database and not the key file has nothing to guess against.
const sealed = "sealed"

// sealedPurpose binds a box to this use. It is bound to no row: a hash of our
// own is not either, and who can write the database puts in one of those.
const sealedPurpose = "imported password hash"

var errNoKeys = errors.New("a sealed hash cannot be opened without the key file")

// WithKeys lets h seal hashes, and verify sealed ones. It is called before h is
// used, and returns h.
func (h *Hasher) WithKeys(keys *Keys) *Hasher {
	h.keys = keys
	return h
}

// Sealable reports whether Hasher.Seal keeps f. Where only the beginning of a
// password counts it does not: after a sign-in with a longer one nothing would
// tell that the hash that replaces the sealed one is of the same password.
func (f Foreign) Sealable() bool {
	return f.clear.Empty() && f.recipe.of != nil && !f.recipe.slow && f.recipe.takes == 0
}

// Seal returns a stored form of f that takes no run of Argon2id to make: f
// sealed under the current key. It is meant for the time until Wrap. It fails
// where f is not Sealable, and without keys.
func (h *Hasher) Seal(f Foreign, random io.Reader) (Text, error) {
	switch {
	case h.invalid != nil:
		return Text{}, h.invalid
	case h.keys == nil:
		return Text{}, errNoKeys
	case !f.Sealable():
		return Text{}, errRecipe
	}
	plain := append([]byte(f.recipe.setting+"\x00"), f.output...)
	box, err := h.keys.Seal(random, sealedPurpose, "", plain)
	if err != nil {
		return Text{}, fmt.Errorf("sealing a password hash: %w", err)
	}
	return NewText("$" + sealed + "$" + base64.RawURLEncoding.EncodeToString(box)), nil
}

// Wrap returns the wrapped form of a stored hash that Seal made, by one run of
// Argon2id, which waits for its turn among the others. It fails as Hash does,
// and for a hash that is not sealed or cannot be opened.
func (h *Hasher) Wrap(ctx context.Context, stored Text, random io.Reader) (Text, error) {
	s, err := parseStored(stored.Reveal())
	if err == nil && s.box == nil {
		err = errors.New("the stored hash is not sealed")
	}
	if err == nil {
		s, err = h.open(s)
	}
	if err != nil {
		return Text{}, fmt.Errorf("reading a password hash: %w", err)
	}
	return h.Import(ctx, Foreign{recipe: s.recipe, output: s.want}, random)
}

// Waiting is how many runs are under way or wait for their turn.
func (h *Hasher) Waiting() int { return len(h.places) }

func parseSealed(rest string) (storedHash, error) {
	box, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil || len(box) == 0 {
		return storedHash{}, errors.New("the stored sealed hash is malformed")
	}
	return storedHash{box: box}, nil
}

// open turns a sealed hash into what was sealed, and leaves others as they are.
func (h *Hasher) open(s storedHash) (storedHash, error) {
	if s.box == nil {
		return s, nil
	}
	if h.keys == nil {
		return storedHash{}, errNoKeys
	}
	plain, err := h.keys.Open(sealedPurpose, "", s.box)
	if err != nil {
		return storedHash{}, err
	}
	setting, output, ok := bytes.Cut(plain, []byte{0})
	if !ok {
		return storedHash{}, ErrNotOpened
	}
	f, err := cooked(string(setting), string(output))
	return storedHash{recipe: f.recipe, want: f.output}, err
}

// read reads a stored password hash, whatever its kind.
func (h *Hasher) read(stored Text) (storedHash, error) {
	s, err := parseStored(stored.Reveal())
	if err == nil {
		s, err = h.open(s)
	}
	if err != nil {
		return storedHash{}, fmt.Errorf("reading a password hash: %w", err)
	}
	return s, nil
}
