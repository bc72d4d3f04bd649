package secret

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// storedHash is a stored password hash, taken apart. There are four kinds:
//
//   - our own: Argon2id of the password;
//   - wrapped: Argon2id of what a recipe makes of the password, for imported
//     hashes that are too fast to be kept by themselves;
//   - taken over: what a recipe makes of the password. Verifying one takes a
//     run of Argon2id beside it, so that every attempt takes exactly one;
//   - sealed: what is to be wrapped and was not yet. Opened, it is verified like
//     one that was taken over.
type storedHash struct {
	argon  argon2Hash
	recipe recipe // none for our own
	want   []byte // what the recipe has to make; nil for a wrapped one
	box    []byte // of a sealed one that was not opened, and nothing else is known
}

// maxStored is the longest stored hash in bytes.
const maxStored = 384

// wrapped begins a wrapped hash: "$wrapped$setting$argon2id$v=19$…", with the
// recipe's setting in base64.
const wrapped = "wrapped"

// parseStored reads a stored password hash. Its errors do not repeat it.
func parseStored(stored string) (storedHash, error) {
	if len(stored) > maxStored {
		return storedHash{}, fmt.Errorf("the stored hash is longer than %d bytes", maxStored)
	}
	name, rest, ok := scheme(stored)
	if !ok {
		return storedHash{}, errors.New("the stored hash is not a PHC string")
	}
	switch name {
	case "argon2id":
		argon, err := parseArgon2id(rest)
		return storedHash{argon: argon}, err
	case wrapped:
		return parseWrapped(rest)
	case sealed:
		return parseSealed(rest)
	}
	f, err := readCrypt(stored)
	if err != nil || f.Work() || f.kept().Reveal() != stored {
		return storedHash{}, errors.New("the stored hash is of a scheme that is not known")
	}
	return storedHash{recipe: f.recipe, want: f.output}, nil
}

func parseWrapped(rest string) (s storedHash, err error) {
	encoded, rest, _ := strings.Cut(rest, "$")
	setting, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return storedHash{}, errors.New("the stored wrapped hash is malformed")
	}
	if s.recipe, err = readRecipe(string(setting)); err != nil {
		return storedHash{}, fmt.Errorf("the stored wrapped hash: %w", err)
	}
	argon, ok := strings.CutPrefix(rest, "argon2id$")
	if !ok {
		return storedHash{}, errors.New("the stored wrapped hash is malformed")
	}
	s.argon, err = parseArgon2id(argon)
	return s, err
}

// String is the stored form.
func (s storedHash) String() string {
	switch {
	case s.recipe.of == nil:
		return s.argon.String()
	case s.want != nil:
		return Foreign{recipe: s.recipe, output: s.want}.kept().Reveal()
	}
	return "$" + wrapped + "$" + base64.RawURLEncoding.EncodeToString([]byte(s.recipe.setting)) + s.argon.String()
}

// matches says whether password is behind s. It takes one run of Argon2id
// whatever s is: where s has none, dummy's.
func (s storedHash) matches(password string, dummy argon2Hash) (bool, error) {
	if s.recipe.of == nil {
		return s.argon.matches(s.argon.of(password)), nil
	}
	output, err := s.recipe.of([]byte(password))
	if err != nil {
		return false, err
	}
	if s.want == nil {
		return s.argon.matches(s.argon.of(string(output))), nil
	}
	dummy.of(password)
	return subtle.ConstantTimeCompare(s.want, output) == 1, nil
}

// stale says whether the hash of password, which is right, should be replaced
// by one of cost. One of which only the beginning of a long password went into
// it is not: the rest was never proved.
func (s storedHash) stale(password string, cost Argon2) bool {
	if s.recipe.of == nil {
		return !s.argon.current(cost)
	}
	return s.recipe.takes == 0 || len(password) <= s.recipe.takes
}

// Import returns the stored form of f, which takes a run of Argon2id where
// f.Work says so. It fails as Hash does.
func (h *Hasher) Import(ctx context.Context, f Foreign, random io.Reader) (Text, error) {
	switch {
	case h.invalid != nil:
		return Text{}, h.invalid
	case !f.clear.Empty():
		return h.Hash(ctx, f.clear, random)
	case f.native.Empty() && f.recipe.of == nil:
		return Text{}, errRecipe
	case !f.Work():
		return f.kept(), nil
	}
	argon, err := h.make(ctx, string(f.output), random)
	if err != nil {
		return Text{}, err
	}
	return NewText(storedHash{argon: argon, recipe: f.recipe}.String()), nil
}

// Likeness is the answer of Compare. The zero value is Unlike.
type Likeness uint8

const (
	Unlike  Likeness = iota // stored is of another password or hash
	Same                    // stored was made of this one
	Renewed                 // stored is our own: what it was made of cannot be known
)

// Compare says whether stored was made of f. It takes a run of Argon2id where
// nothing less tells, and fails as Verify does.
func (h *Hasher) Compare(ctx context.Context, stored Text, f Foreign) (Likeness, error) {
	if stored.Empty() {
		return Unlike, nil
	}
	if clear, ok := f.Clear(); ok {
		ok, _, err := h.Verify(ctx, stored, clear)
		return likeness(ok), err
	}
	s, err := h.read(stored)
	if err != nil {
		return Unlike, err
	}
	switch {
	case !f.Work() && f.kept().Equal(stored):
		return Same, nil
	case s.recipe.of == nil && s.argon.current(h.cost):
		return renewedFrom(f, h.cost), nil
	case f.recipe.of == nil || s.recipe.setting != f.recipe.setting:
		return Unlike, nil
	case s.want != nil:
		return likeness(bytes.Equal(s.want, f.output)), nil
	case !f.unsalted():
		return Same, nil // nobody's salt is another's
	}
	var same bool
	err = h.run(ctx, func() { same = s.argon.matches(s.argon.of(string(f.output))) })
	return likeness(same), err
}

func likeness(same bool) Likeness {
	if same {
		return Same
	}
	return Unlike
}

// renewedFrom is the likeness of a hash of our own to f: it may be what became
// of f at a sign-in, unless f is such a hash itself.
func renewedFrom(f Foreign, cost Argon2) Likeness {
	if s, err := parseStored(f.native.Reveal()); err == nil && s.argon.current(cost) {
		return Unlike
	}
	return Renewed
}
