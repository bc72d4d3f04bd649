package secret

import (
	"bytes"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"strconv"
	"strings"

	cryptbcrypt "github.com/go-crypt/x/bcrypt"
	"github.com/go-crypt/x/crypt"
	"github.com/go-crypt/x/yescrypt"
	"golang.org/x/crypto/argon2"
)

// A recipe says how another system made its hash of a password: scheme, cost
// and salt, without the hash itself. The zero recipe is none.
type recipe struct {
	// setting is the recipe written down: what crypt(3) calls so, or for plain
	// digests "{SHA}" and the salt in base64.
	setting string
	// of computes the hash in the form the other system writes it.
	of func(password []byte) ([]byte, error)
	// slow says that a guess costs enough for the hash to be kept as it is.
	slow bool
	// takes is how many bytes of a password count; 0: all.
	takes int
}

// What an imported hash may ask for, so that one row cannot stop the machine,
// and from where on it counts as slow.
const (
	maxBcrypt      = 14        // 2^14 rounds
	minSHACrypt    = 1000      // crypt(3) itself makes no fewer
	maxSHACrypt    = 1_000_000 // rounds
	slowSHACrypt   = 5000
	maxPBKDF2      = 2_000_000 // iterations
	slowPBKDF2     = 10_000
	maxForeignSalt = 64 // bytes
	bcryptTakes    = 72 // bytes of a password
)

var errRecipe = errors.New("the hash is malformed, or of a scheme that is not known")

var errCost = errors.New("the hash asks for more work than one sign-in may cost")

// digests are the schemes of RFC 2307 and its followers: one digest over the
// password and the salt behind it.
var digests = map[string]func() hash.Hash{
	"MD5": md5.New, "SHA": sha1.New, "SHA256": sha256.New, "SHA384": sha512.New384, "SHA512": sha512.New,
}

// readRecipe reads a setting.
func readRecipe(setting string) (recipe, error) {
	if rest, ok := strings.CutPrefix(setting, "{"); ok {
		return digestRecipe(rest)
	}
	name, rest, ok := scheme(setting)
	if !ok {
		return recipe{}, errRecipe
	}
	switch name {
	case "1":
		return md5Recipe(rest)
	case "5":
		return shaRecipe(name, sha256.New, rest)
	case "6":
		return shaRecipe(name, sha512.New, rest)
	case "2a", "2b", "2y":
		return bcryptRecipe(name, rest)
	case "y":
		return yescryptRecipe(setting)
	case "argon2i":
		return argon2iRecipe(rest)
	}
	if digest, ok := strings.CutPrefix(name, "pbkdf2-"); ok {
		return pbkdf2Recipe(digest, rest)
	}
	return recipe{}, errRecipe
}

// digestRecipe reads "SHA256}salt".
func digestRecipe(rest string) (recipe, error) {
	name, encoded, _ := strings.Cut(rest, "}")
	digest := digests[name]
	salt, err := base64.RawStdEncoding.Strict().DecodeString(encoded)
	if digest == nil || err != nil || len(salt) > maxForeignSalt {
		return recipe{}, errRecipe
	}
	of := func(password []byte) ([]byte, error) {
		h := digest()
		h.Write(password)
		h.Write(salt)
		return h.Sum(nil), nil
	}
	return recipe{setting: "{" + rest, of: of}, nil
}

func md5Recipe(salt string) (recipe, error) {
	if !cryptSalt(salt, 8) {
		return recipe{}, errRecipe
	}
	of := func(password []byte) ([]byte, error) { return crypt.KeyMD5Crypt(password, []byte(salt)), nil }
	return recipe{setting: "$1$" + salt, of: of}, nil
}

// shaRecipe reads "salt" or "rounds=N$salt".
func shaRecipe(name string, digest func() hash.Hash, rest string) (recipe, error) {
	rounds, salt := slowSHACrypt, rest
	if after, ok := strings.CutPrefix(rest, "rounds="); ok {
		digits, tail, _ := strings.Cut(after, "$")
		n, err := strconv.Atoi(digits)
		if err != nil || strconv.Itoa(n) != digits || n < minSHACrypt {
			return recipe{}, errRecipe
		}
		rounds, salt = n, tail
	}
	switch {
	case !cryptSalt(salt, 16):
		return recipe{}, errRecipe
	case rounds > maxSHACrypt:
		return recipe{}, errCost
	}
	of := func(password []byte) ([]byte, error) {
		return crypt.KeySHACrypt(digest, password, []byte(salt), rounds), nil
	}
	return recipe{setting: "$" + name + "$" + rest, of: of, slow: rounds >= slowSHACrypt}, nil
}

// cryptSalt holds for what crypt(3) takes as a salt.
func cryptSalt(salt string, longest int) bool {
	return len(salt) <= longest && !strings.ContainsFunc(salt, func(r rune) bool { return r <= ' ' || r > '~' || r == '$' || r == ':' })
}

// bcryptRecipe reads "10$" and 22 characters of salt. Of a password the first
// 72 bytes count: no more ever went into such a hash.
func bcryptRecipe(name, rest string) (recipe, error) {
	digits, encoded, _ := strings.Cut(rest, "$")
	cost, err := strconv.Atoi(digits)
	if err != nil || len(digits) != 2 || cost < 4 || len(encoded) != 22 {
		return recipe{}, errRecipe
	}
	salt, err := cryptbcrypt.Base64Decode([]byte(encoded))
	if err != nil || len(salt) != 16 {
		return recipe{}, errRecipe
	}
	if cost > maxBcrypt {
		return recipe{}, errCost
	}
	of := func(password []byte) ([]byte, error) {
		key, err := cryptbcrypt.Key(password[:min(len(password), bcryptTakes)], bytes.Clone(salt), cost)
		if err != nil {
			return nil, errRecipe
		}
		return key, nil // written already
	}
	return recipe{setting: "$" + name + "$" + rest, of: of, slow: cost >= 8, takes: bcryptTakes}, nil
}

// yescryptRecipe reads "$y$j9T$salt".
func yescryptRecipe(setting string) (recipe, error) {
	part := strings.Split(setting, "$")
	if len(part) != 4 || len(part[2]) != 3 || part[3] == "" || len(part[3]) > 2*maxForeignSalt || yescrypt.Decode64([]byte(part[3])) == nil {
		return recipe{}, errRecipe
	}
	_, log2, r, err := yescrypt.DecodeSetting([]byte(part[2]))
	if err != nil || log2 < 10 || log2 > 18 || r < 1 || r > 32 {
		return recipe{}, errRecipe
	}
	kib := r << log2 / 8 // 128 bytes times N times r
	if kib > maxMemory {
		return recipe{}, errCost
	}
	of := func(password []byte) ([]byte, error) {
		made, err := yescrypt.Hash(password, []byte(setting))
		if err != nil {
			return nil, errRecipe
		}
		return made[bytes.LastIndexByte(made, '$')+1:], nil
	}
	return recipe{setting: setting, of: of, slow: kib >= 4096}, nil
}

// argon2iRecipe reads "v=19$m=…,t=…,p=…$salt". 32 bytes are what OpenLDAP and
// the reference program make.
func argon2iRecipe(rest string) (recipe, error) {
	part := strings.Split(rest, "$")
	if len(part) != 3 || part[0] != "v="+strconv.Itoa(argon2.Version) {
		return recipe{}, errRecipe
	}
	cost, err := parseCost(part[1])
	if err != nil {
		return recipe{}, err
	}
	salt, err := base64.RawStdEncoding.Strict().DecodeString(part[2])
	if err != nil || len(salt) < minSalt || len(salt) > maxSalt {
		return recipe{}, errRecipe
	}
	of := func(password []byte) ([]byte, error) {
		tag := argon2.Key(password, salt, cost.Time, cost.Memory, cost.Threads, tagLen)
		return []byte(base64.RawStdEncoding.EncodeToString(tag)), nil
	}
	return recipe{setting: "$argon2i$" + rest, of: of, slow: cost.Memory >= 1024}, nil
}

// pbkdf2Recipe reads "iterations$salt" with the digest that its name ends in.
// The length of the hash is that of the digest.
func pbkdf2Recipe(name, rest string) (recipe, error) {
	digest := digests[strings.ToUpper(name)]
	if name == "sha1" {
		digest = sha1.New
	}
	digits, encoded, _ := strings.Cut(rest, "$")
	n, err := strconv.Atoi(digits)
	if digest == nil || name == "md5" || name == "sha" || err != nil || strconv.Itoa(n) != digits || n < 1 {
		return recipe{}, errRecipe
	}
	if n > maxPBKDF2 {
		return recipe{}, errCost
	}
	salt, err := base64.RawStdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(salt) == 0 || len(salt) > maxForeignSalt {
		return recipe{}, errRecipe
	}
	of := func(password []byte) ([]byte, error) {
		key, err := pbkdf2.Key(digest, string(password), salt, n, digest().Size())
		if err != nil {
			return nil, errRecipe
		}
		return []byte(base64.RawStdEncoding.EncodeToString(key)), nil
	}
	return recipe{setting: "$pbkdf2-" + name + "$" + rest, of: of, slow: n >= slowPBKDF2}, nil
}
