package secret

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// keySize is the length of a key of the key file, in bytes.
const keySize = 32

// Keys are what digests, row MACs and sealed values are made with: one
// current key, and older ones that are still recognised. For each purpose
// there is a sub-key of its own, by HKDF-SHA-256 (RFC 5869), computed once.
//
// Keys come from OpenKeyFile or NewKeys and may be used concurrently. Without
// a key nothing can be made: the zero Keys recognise nothing, and panic where
// they would have to make something.
type Keys struct{ all []*key }

// key is one key of the file with its sub-keys.
type key struct {
	id                                       KeyID
	password, row, login, session, code, own *keyedHash
	seal                                     cipher.AEAD
}

// NewKeys takes keys of 32 random bytes, the current one first.
func NewKeys(current []byte, older ...[]byte) (*Keys, error) {
	keys := new(Keys)
	for _, master := range append([][]byte{current}, older...) {
		k, err := newKey(master)
		if err != nil {
			return nil, err
		}
		if keys.find(k.id) != nil {
			return nil, fmt.Errorf("key %v stands there twice: remove one of the two", k.id)
		}
		keys.all = append(keys.all, k)
	}
	return keys, nil
}

// newKey derives the sub-keys. The labels must never change: everything
// stored depends on them.
func newKey(master []byte) (*key, error) {
	if len(master) != keySize {
		return nil, fmt.Errorf("a key has %d bytes, not %d", keySize, len(master))
	}
	var failed error
	sub := func(label string) []byte {
		b, err := hkdf.Key(sha256.New, master, nil, "postern/v1/"+label, keySize)
		failed = errors.Join(failed, err)
		return b
	}
	hashed := func(label string) *keyedHash { return newKeyedHash(sub(label)) }
	k := &key{
		id:       KeyID(sub("key-id")[:4]),
		password: hashed("app-password"),
		row:      hashed("row-mac"),
		login:    hashed("unknown-login"),
		session:  hashed("session"),
		code:     hashed("code"),
		own:      hashed("check-value"),
	}
	seal, err := chacha20poly1305.NewX(sub("seal"))
	if err := errors.Join(failed, err); err != nil {
		return nil, fmt.Errorf("deriving the sub-keys of a key: %w", err)
	}
	k.seal = seal
	return k, nil
}

// find returns the key with that id, nil where there is none.
func (k *Keys) find(id KeyID) *key {
	for _, one := range k.all {
		if one.id == id {
			return one
		}
	}
	return nil
}

// Current names the key that new values are made with.
func (k *Keys) Current() KeyID { return k.all[0].id }

// Known reports whether values made with that key can be recognised.
func (k *Keys) Known(id KeyID) bool { return k.find(id) != nil }

// mark puts the key's id in front of a sum.
func (k *key) mark(sum [sha256.Size]byte) (marked [4 + sha256.Size]byte) {
	copy(marked[:], k.id[:])
	copy(marked[4:], sum[:])
	return marked
}

// Digest returns what is stored of an app password, under the current key.
func (k *Keys) Digest(canonical Text) Digest { return k.all[0].digest(canonical) }

// Digests returns the app password's digest under every key, the current one
// first: one of them is stored where the password was issued.
func (k *Keys) Digests(canonical Text) []Digest {
	all := make([]Digest, len(k.all))
	for i, one := range k.all {
		all[i] = one.digest(canonical)
	}
	return all
}

func (k *key) digest(canonical Text) Digest {
	s := k.password.begin()
	s.text("app-password/1:")
	s.text(canonical.Reveal())
	return k.mark(k.password.finish(s))
}

// RowMAC authenticates the fields of a stored row for a purpose, under the
// current key. Each field counts with its length: ("ab", "c") and ("a", "bc")
// have different MACs.
func (k *Keys) RowMAC(purpose string, fields ...[]byte) MAC {
	return k.all[0].rowMAC(purpose, fields)
}

// RowMACValid reports whether m is the MAC of these fields under any known
// key. It compares in constant time.
func (k *Keys) RowMACValid(m MAC, purpose string, fields ...[]byte) bool {
	one := k.find(m.Key())
	if one == nil {
		return false
	}
	want := one.rowMAC(purpose, fields)
	return hmac.Equal(m[:], want[:])
}

func (k *key) rowMAC(purpose string, fields [][]byte) MAC {
	s := k.row.begin()
	s.fieldText(purpose)
	for _, f := range fields {
		s.field(f)
	}
	return k.mark(k.row.finish(s))
}

// LoginDigest stands for a login nobody has, in hexadecimal: the same name
// gives the same digest as long as the current key stays. Who types a
// password into the name field does not leave it in the events.
func (k *Keys) LoginDigest(login string) string {
	one := k.all[0]
	s := one.login.begin()
	s.text(login)
	marked := one.mark(one.login.finish(s))
	return hex.EncodeToString(marked[:4+16])
}

// SessionDigest is what is stored of a session's token, in hexadecimal, under
// the current key: a new key ends all sessions.
func (k *Keys) SessionDigest(token Text) string {
	one := k.all[0]
	s := one.session.begin()
	s.text(token.Reveal())
	marked := one.mark(one.session.finish(s))
	return hex.EncodeToString(marked[:])
}

// CodeDigest is what is stored of a recovery or enrolment code, bound to its
// purpose and its row, under the current key. Spelling is the caller's.
func (k *Keys) CodeDigest(purpose, row string, code Text) Digest {
	return k.all[0].codeDigest(purpose, row, code)
}

// CodeDigests is CodeDigest under every known key, the current one first: a
// code that was made before the key changed is found by them.
func (k *Keys) CodeDigests(purpose, row string, code Text) []Digest {
	digests := make([]Digest, len(k.all))
	for i, one := range k.all {
		digests[i] = one.codeDigest(purpose, row, code)
	}
	return digests
}

// CodeValid reports whether d is the digest of this code under any known key.
// It compares in constant time.
func (k *Keys) CodeValid(d Digest, purpose, row string, code Text) bool {
	one := k.find(d.Key())
	if one == nil {
		return false
	}
	want := one.codeDigest(purpose, row, code)
	return hmac.Equal(d[:], want[:])
}

func (k *key) codeDigest(purpose, row string, code Text) Digest {
	s := k.code.begin()
	s.fieldText(purpose)
	s.fieldText(row)
	s.fieldText(code.Reveal())
	return k.mark(k.code.finish(s))
}

// CheckValue is stored in the database, so that a start with the wrong key
// file can be refused. It tells nothing about the key.
func (k *Keys) CheckValue() []byte { return k.all[0].checkValue() }

// CheckValid reports whether stored is the check value of any known key.
// Where it is not that of the current one, the key file was given a new first
// key since, and the caller stores CheckValue afresh.
func (k *Keys) CheckValid(stored []byte) bool {
	for _, one := range k.all {
		if bytes.Equal(one.checkValue(), stored) {
			return true
		}
	}
	return false
}

func (k *key) checkValue() []byte {
	s := k.own.begin()
	s.text("check-value/1")
	marked := k.mark(k.own.finish(s))
	return marked[:]
}
