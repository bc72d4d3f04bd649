package secret

import (
	"encoding/hex"
	"fmt"
)

// KeyID names the key a digest, MAC or sealed value was made with: the first
// four bytes of a hash of the key. It is no secret.
type KeyID [4]byte

// String returns the id in hexadecimal.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// Digest is what is stored of an app password: the key's id, then
// HMAC-SHA-256 of a version tag and the canonical password. It is unique.
type Digest [36]byte

// Key names the key the digest was made with.
func (d Digest) Key() KeyID { return KeyID(d[:4]) }

// Format writes a constant, whatever the verb: digests are kept out of logs.
func (Digest) Format(s fmt.State, _ rune) { redact(s) }

// String returns a constant.
func (Digest) String() string { return redacted }

// MarshalText returns a constant.
func (Digest) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MAC authenticates a stored row: the key's id, then HMAC-SHA-256.
type MAC [36]byte

// Key names the key the MAC was made with.
func (m MAC) Key() KeyID { return KeyID(m[:4]) }

// Format writes a constant, whatever the verb: MACs are kept out of logs.
func (MAC) Format(s fmt.State, _ rune) { redact(s) }

// String returns a constant.
func (MAC) String() string { return redacted }

// MarshalText returns a constant.
func (MAC) MarshalText() ([]byte, error) { return []byte(redacted), nil }
