// Package mschap answers for MS-CHAP: whether an NT hash explains a response,
// and what a server shows in return. It knows the arithmetic of RFC 2433, RFC
// 2759 and RFC 3079, and no packet.
//
// It may import policy, and nothing else of Postern's own.
package mschap

import (
	"crypto/sha1" //nolint:gosec // RFC 2759 and RFC 3079 are built on it
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"golang.org/x/crypto/md4" //nolint:staticcheck // RFC 2759 is built on it
	"layeh.com/radius/rfc2759"
	"layeh.com/radius/rfc3079"

	"postern/policy"
)

// hashLen is the length of an NT hash.
const hashLen = 16

// ErrUnexplained says that no candidate has explained the response, so that
// there is nothing to answer it with.
var ErrUnexplained = errors.New("no password explains the MS-CHAP response")

// V1 is an MS-CHAP response (RFC 2433 §A). It is a policy.Proof that keeps the
// candidate that explained it, to make keys of.
type V1 struct {
	Challenge [8]byte
	Response  [24]byte // NT-Response

	hash []byte
}

// Form says that it takes an NT hash.
func (*V1) Form() policy.ProofForm { return policy.ProofNT }

// Explains reports whether the response was made with ntHash.
func (v *V1) Explains(ntHash []byte) bool {
	if len(ntHash) != hashLen {
		return false
	}
	made := rfc2759.ChallengeResponse(v.Challenge[:], ntHash)
	if subtle.ConstantTimeCompare(made, v.Response[:]) != 1 {
		return false
	}
	v.hash = append([]byte(nil), ntHash...)
	return true
}

// Keys are the session keys: eight octets of a LAN Manager hash, which is not
// kept and is zero, and sixteen that encryption of 128 bits is made of (RFC 2548
// §2.4.1; RFC 3079 §2.3). ErrUnexplained: Explains has not said yes.
func (v *V1) Keys() ([]byte, error) {
	if v.hash == nil {
		return nil, ErrUnexplained
	}
	return append(make([]byte, 8), hashOf(v.hash)...), nil
}

// V2 is an MS-CHAP-V2 response (RFC 2759). It is a policy.Proof that keeps the
// candidate that explained it, to answer with.
type V2 struct {
	Authenticator [16]byte // the challenge the server sent
	Peer          [16]byte
	Response      [24]byte
	Name          string // as the peer sent it, perhaps DOMAIN\user

	asked []asked // what was hashed into the response, by form of the name
	hash  []byte  // the candidate that explained it
	name  string  // the form of the name it was explained with
}

// asked is a form of the peer's name and the challenge that it makes.
type asked struct {
	name      string
	challenge []byte
}

// Form says that it takes an NT hash.
func (*V2) Form() policy.ProofForm { return policy.ProofNT }

// Explains reports whether the response was made with ntHash. Peers hash the
// name with its domain or without (RFC 2759 §4 wants it without): where it has
// one both are tried, for every candidate.
func (v *V2) Explains(ntHash []byte) bool {
	if len(ntHash) != hashLen {
		return false
	}
	explained := false
	for _, a := range v.challenges() {
		made := rfc2759.ChallengeResponse(a.challenge, ntHash)
		if subtle.ConstantTimeCompare(made, v.Response[:]) == 1 {
			v.hash, v.name, explained = append([]byte(nil), ntHash...), a.name, true
		}
	}
	return explained
}

// challenges are the same for all candidates.
func (v *V2) challenges() []asked {
	if v.asked == nil {
		for _, name := range slices.Compact([]string{v.Name, bare(v.Name)}) {
			v.asked = append(v.asked, asked{name, rfc2759.ChallengeHash(v.Peer[:], v.Authenticator[:], []byte(name))})
		}
	}
	return v.asked
}

// bare is a name without its domain.
func bare(name string) string { return name[strings.LastIndexByte(name, '\\')+1:] }

var (
	magic1 = []byte("Magic server to client signing constant")
	magic2 = []byte("Pad to make it do more than one iteration")
)

// Success is the authenticator response: "S=" and 40 hexadecimal digits (RFC
// 2759 §8.7). ErrUnexplained: Explains has not said yes.
func (v *V2) Success() (string, error) {
	if v.hash == nil {
		return "", ErrUnexplained
	}
	digest := sum(hashOf(v.hash), v.Response[:], magic1)
	challenge := rfc2759.ChallengeHash(v.Peer[:], v.Authenticator[:], []byte(v.name))
	return "S=" + strings.ToUpper(hex.EncodeToString(sum(digest, challenge, magic2))), nil
}

// Keys are the session keys as the server has them: what it sends with and
// what it receives with, 16 octets each (RFC 3079 §3). ErrUnexplained: as
// Success.
func (v *V2) Keys() (send, receive []byte, err error) {
	if v.hash == nil {
		return nil, nil, ErrUnexplained
	}
	master := rfc3079.GetMasterKey(hashOf(v.hash), v.Response[:])
	if send, err = rfc3079.GetAsymmetricStartKey(master, rfc3079.KeyLength128Bit, true); err != nil {
		return nil, nil, err
	}
	receive, err = rfc3079.GetAsymmetricStartKey(master, rfc3079.KeyLength128Bit, false)
	return send, receive, err
}

// hashOf is the hash of an NT hash (RFC 2759 §8.4).
func hashOf(ntHash []byte) []byte {
	h := md4.New()
	h.Write(ntHash)
	return h.Sum(nil)
}

func sum(parts ...[]byte) []byte {
	h := sha1.New() //nolint:gosec // as above
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
