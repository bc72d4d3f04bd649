package secret

import "errors"

// ErrBusy says that the queue of passwords to be hashed is full.
var ErrBusy = errors.New("too many passwords are being verified")

// KeyID names the key a digest, MAC or sealed value was made with: the first
// four bytes of a hash of the key.
type KeyID [4]byte

// Digest is what is stored of an app password: the key's id, then
// HMAC-SHA-256 of a version tag and the canonical password. It is unique.
type Digest [36]byte

// MAC authenticates a stored row: the key's id, then HMAC-SHA-256.
type MAC [36]byte

// String returns a constant: digests are kept out of logs.
func (Digest) String() string { return redacted }

// String returns a constant: MACs are kept out of logs.
func (MAC) String() string { return redacted }
