package secret

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
)

// Foreign is a password as another directory kept it: a hash of its making, or
// the password itself. The zero Foreign is neither.
type Foreign struct {
	clear  Text
	native Text // an Argon2id PHC string
	recipe recipe
	output []byte // of recipe.of
}

// ErrClear says that a value is a password in clear where a hash is asked for.
var ErrClear = errors.New("this is a password in clear and no hash")

// ReadForeignHash reads what may stand for a password hash: "{SCHEME}value"
// with the schemes of RFC 2307 and its followers, in any case, or a string of
// crypt(3) or PHC form. The errors do not repeat the value.
func ReadForeignHash(value Text) (Foreign, error) {
	f, err := ReadForeign(value)
	if err == nil && !f.clear.Empty() {
		return Foreign{}, ErrClear
	}
	return f, err
}

// ReadForeign reads a value of userPassword (RFC 2307 §5.3): what
// ReadForeignHash takes, or without a scheme the password itself.
func ReadForeign(value Text) (Foreign, error) {
	s := value.Reveal()
	if s == "" {
		return Foreign{}, errRecipe
	}
	if strings.HasPrefix(s, "{") {
		name, rest, ok := strings.Cut(s[1:], "}")
		if !ok || rest == "" {
			return Foreign{}, errRecipe
		}
		return readScheme(strings.ToUpper(name), rest)
	}
	if name, _, ok := scheme(s); ok && hashLike(name) {
		return readCrypt(s)
	}
	return inClear(value)
}

// inClear is the password itself. One that could never be verified is refused
// where it is read, so that its line can be named.
func inClear(password Text) (Foreign, error) {
	if password.Len() > maxPassword {
		return Foreign{}, ErrTooLong
	}
	return Foreign{clear: password}, nil
}

// hashLike reports whether a string of that scheme is a hash: broken perhaps,
// but nobody's password.
func hashLike(name string) bool {
	return outputLen("$"+name+"$") > 0 || strings.HasPrefix(name, "argon2") || strings.HasPrefix(name, "pbkdf2")
}

// readScheme reads what stands behind "{NAME}".
func readScheme(name, rest string) (Foreign, error) {
	switch name {
	case "CLEARTEXT", "CLEAR", "PLAIN":
		return inClear(NewText(rest))
	case "CRYPT", "BCRYPT", "BLF-CRYPT", "MD5-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "ARGON2", "ARGON2I", "ARGON2ID":
		return readCrypt(rest)
	case "PBKDF2", "PBKDF2-SHA1":
		return readPBKDF2("sha1", rest)
	case "PBKDF2-SHA256", "PBKDF2-SHA512":
		return readPBKDF2(strings.ToLower(strings.TrimPrefix(name, "PBKDF2-")), rest)
	case "PBKDF2_SHA256":
		return read389(rest)
	}
	if digests[name] != nil {
		return readDigest(name, false, rest)
	}
	if plain, ok := strings.CutPrefix(name, "S"); ok && digests[plain] != nil {
		return readDigest(plain, true, rest)
	}
	return Foreign{}, errRecipe
}

// readDigest reads base64 of a digest and, where it is salted, of the salt
// behind it.
func readDigest(name string, salted bool, encoded string) (Foreign, error) {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	size := digests[name]().Size()
	if err != nil || len(raw) < size || salted != (len(raw) > size) {
		return Foreign{}, errRecipe
	}
	return cooked("{"+name+"}"+base64.RawStdEncoding.EncodeToString(raw[size:]), string(raw[:size]))
}

// readCrypt reads a string of crypt(3) or a PHC string.
func readCrypt(s string) (Foreign, error) {
	name, _, ok := scheme(s)
	switch {
	case !ok || len(s) > maxStored:
		return Foreign{}, errRecipe
	case name == "argon2id":
		// Other programs may write the same in ways that ours would not.
		_, err := parseStored(s)
		return Foreign{native: NewText(s)}, err
	case strings.HasPrefix(name, "2"):
		if len(s) != 60 {
			return Foreign{}, errRecipe
		}
		return cooked(s[:29], s[29:])
	case strings.HasPrefix(name, "pbkdf2"):
		return readPassLib(name, s)
	}
	end := strings.LastIndexByte(s, '$')
	return cooked(s[:end], s[end+1:])
}

// adapted is base64 with a dot for the plus, as OpenLDAP and PassLib write it.
var adapted = strings.NewReplacer(".", "+", "=", "")

// readPBKDF2 reads "iterations$salt$hash", as OpenLDAP writes it.
func readPBKDF2(digest, rest string) (Foreign, error) {
	part := strings.Split(rest, "$")
	if len(part) != 3 {
		return Foreign{}, errRecipe
	}
	return cooked("$pbkdf2-"+digest+"$"+part[0]+"$"+adapted.Replace(part[1]), adapted.Replace(part[2]))
}

// readPassLib reads "$pbkdf2-sha256$iterations$salt$hash"; "$pbkdf2$" alone is
// with SHA-1.
func readPassLib(name, s string) (Foreign, error) {
	_, rest, _ := scheme(s)
	_, digest, ok := strings.Cut(name, "-")
	if !ok {
		digest = "sha1"
	}
	return readPBKDF2(digest, rest)
}

// read389 reads what 389 Directory Server writes: base64 of the iterations in
// four bytes, a salt of 64, and a hash of 256 of which the first 32 are as good
// as all.
func read389(encoded string) (Foreign, error) {
	const iterations, salt, tag = 4, 64, 32
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil || len(raw) < iterations+salt+tag {
		return Foreign{}, errRecipe
	}
	b64 := base64.RawStdEncoding
	n := uint64(binary.BigEndian.Uint32(raw))
	return cooked("$pbkdf2-sha256$"+strconv.FormatUint(n, 10)+"$"+b64.EncodeToString(raw[iterations:][:salt]), b64.EncodeToString(raw[iterations+salt:][:tag]))
}

// cooked is a hash that must be what setting makes.
func cooked(setting, output string) (Foreign, error) {
	r, err := readRecipe(setting)
	if err != nil {
		return Foreign{}, err
	}
	if len(output) != outputLen(setting) || strings.ContainsFunc(output, func(c rune) bool { return c == '$' }) && setting[0] == '$' {
		return Foreign{}, errRecipe
	}
	return Foreign{recipe: r, output: []byte(output)}, nil
}

// outputLen is how long a hash of the setting is, as it is written.
func outputLen(setting string) int {
	if rest, ok := strings.CutPrefix(setting, "{"); ok {
		name, _, _ := strings.Cut(rest, "}")
		return digests[name]().Size()
	}
	name, _, _ := scheme(setting)
	return map[string]int{
		"1": 22, "5": 43, "6": 86, "2a": 31, "2b": 31, "2y": 31, "y": 43, "argon2i": 43,
		"pbkdf2-sha1": 27, "pbkdf2-sha256": 43, "pbkdf2-sha384": 64, "pbkdf2-sha512": 86,
	}[name]
}

// Clear returns the password where that is what was kept.
func (f Foreign) Clear() (password Text, ok bool) { return f.clear, !f.clear.Empty() }

// Work reports whether making the stored form takes a run of Argon2id: for a
// password in clear, and for a hash that is too fast to be kept by itself.
func (f Foreign) Work() bool { return !f.clear.Empty() || f.recipe.of != nil && !f.recipe.slow }

// kept is the stored form of what can be kept as it is.
func (f Foreign) kept() Text {
	switch {
	case !f.native.Empty():
		return f.native
	case strings.HasPrefix(f.recipe.setting, "$2"):
		return NewText(f.recipe.setting + string(f.output))
	}
	return NewText(f.recipe.setting + "$" + string(f.output))
}

// Dear reports whether comparing f with a stored hash takes a run of Argon2id:
// nothing less tells a password in clear, or a digest without salt.
func (f Foreign) Dear() bool { return !f.clear.Empty() || f.unsalted() }

// unsalted reports whether two different passwords may have the recipe of f.
func (f Foreign) unsalted() bool { return strings.HasSuffix(f.recipe.setting, "}") }
