package secret

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2 is the cost of an Argon2id hash (RFC 9106 §3.1).
type Argon2 struct {
	Memory  uint32 // in KiB
	Time    uint32 // passes over the memory
	Threads uint8  // lanes
}

// DefaultArgon2 is the least that OWASP recommends.
var DefaultArgon2 = Argon2{Memory: 19456, Time: 2, Threads: 1}

// What a stored hash may ask for. Whoever can write the database could else
// stop the machine with one row.
const (
	maxMemory  = 256 << 10 // KiB
	maxWork    = 1 << 20   // KiB times passes
	maxThreads = 16

	minSalt, maxSalt = 8, 64
	minTag, maxTag   = 16, 64
	saltLen, tagLen  = 16, 32
)

// Validate reports a cost that is impossible (RFC 9106 §3.1) or beyond what
// any one sign-in may cost: 256 MiB, 1 GiB times passes, 16 lanes.
func (a Argon2) Validate() error {
	switch {
	case a.Time < 1 || a.Threads < 1 || a.Memory < 8*uint32(a.Threads):
		return errors.New("an Argon2id cost needs at least one pass, one lane and 8 KiB a lane")
	case a.Memory > maxMemory || uint64(a.Memory)*uint64(a.Time) > maxWork || a.Threads > maxThreads:
		return fmt.Errorf("an Argon2id cost of m=%d,t=%d,p=%d is more than one sign-in may cost", a.Memory, a.Time, a.Threads)
	}
	return nil
}

// argon2Hash is a stored Argon2id hash, taken apart.
type argon2Hash struct {
	cost      Argon2
	salt, tag []byte
}

// of computes the tag that password has under h's cost and salt.
func (h argon2Hash) of(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.cost.Time, h.cost.Memory, h.cost.Threads, uint32(len(h.tag)))
}

// matches compares in constant time.
func (h argon2Hash) matches(tag []byte) bool {
	return subtle.ConstantTimeCompare(h.tag, tag) == 1
}

// current reports whether a hash made today would have this cost and lengths.
func (h argon2Hash) current(cost Argon2) bool {
	return h.cost == cost && len(h.salt) == saltLen && len(h.tag) == tagLen
}

// String is the PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$tag.
func (h argon2Hash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.cost.Memory, h.cost.Time, h.cost.Threads, b64.EncodeToString(h.salt), b64.EncodeToString(h.tag))
}

// scheme splits a stored hash into the name of its scheme and the rest:
// "$argon2id$v=19$…" into "argon2id" and "v=19$…".
func scheme(stored string) (name, rest string, ok bool) {
	if stored, ok = strings.CutPrefix(stored, "$"); !ok {
		return "", "", false
	}
	return strings.Cut(stored, "$")
}

// parseArgon2id reads "v=19$m=…,t=…,p=…$salt$tag" and nothing else: no other
// order, no other base64, no leading zeros.
func parseArgon2id(rest string) (h argon2Hash, err error) {
	malformed := errors.New("the stored Argon2id hash is malformed")
	part := strings.Split(rest, "$")
	if len(part) != 4 || part[0] != "v="+strconv.Itoa(argon2.Version) {
		return argon2Hash{}, malformed
	}
	if h.cost, err = parseCost(part[1]); err != nil {
		return argon2Hash{}, err
	}
	b64 := base64.RawStdEncoding.Strict()
	salt, saltErr := b64.DecodeString(part[2])
	tag, tagErr := b64.DecodeString(part[3])
	h.salt, h.tag = salt, tag
	switch {
	case saltErr != nil || len(salt) < minSalt || len(salt) > maxSalt,
		tagErr != nil || len(tag) < minTag || len(tag) > maxTag,
		"$argon2id$"+rest != h.String():
		return argon2Hash{}, malformed
	}
	return h, nil
}

// parseCost reads "m=…,t=…,p=…".
func parseCost(s string) (Argon2, error) {
	var value [3]uint64
	part := strings.Split(s, ",")
	if len(part) != len(value) {
		return Argon2{}, errors.New("the stored Argon2id hash names no cost")
	}
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(part[i], name)
		n, err := strconv.ParseUint(digits, 10, []int{32, 32, 8}[i])
		if !ok || err != nil {
			return Argon2{}, errors.New("the stored Argon2id hash has a malformed cost")
		}
		value[i] = n
	}
	cost := Argon2{Memory: uint32(value[0]), Time: uint32(value[1]), Threads: uint8(value[2])}
	if err := cost.Validate(); err != nil {
		return Argon2{}, fmt.Errorf("the stored hash: %w", err)
	}
	return cost, nil
}
