package secret

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrKeyUnknown says that a sealed value was made with a key that is not in
// the key file.
var ErrKeyUnknown = errors.New("sealed with a key that is not in the key file")

// ErrNotOpened says that a sealed value was changed, cut, or belongs to
// another purpose or row.
var ErrNotOpened = errors.New("the sealed value does not belong here or was changed")

// Seal encrypts plain with XChaCha20-Poly1305 under the current key and binds
// it to its purpose and row: key id, nonce (24 bytes from random, which should
// be crypto/rand.Reader), box.
func (k *Keys) Seal(random io.Reader, purpose, row string, plain []byte) ([]byte, error) {
	one := k.all[0]
	out := make([]byte, 4+chacha20poly1305.NonceSizeX, 4+chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	copy(out, one.id[:])
	if _, err := io.ReadFull(random, out[4:]); err != nil {
		return nil, fmt.Errorf("reading randomness for a nonce: %w", err)
	}
	return one.seal.Seal(out, out[4:], plain, binding(purpose, row, one.id)), nil
}

// Open decrypts what Seal returned for the same purpose and row, under any
// known key. The error is ErrKeyUnknown or ErrNotOpened.
func (k *Keys) Open(purpose, row string, sealed []byte) ([]byte, error) {
	if len(sealed) < 4+chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead {
		return nil, ErrNotOpened
	}
	id, nonce, box := KeyID(sealed[:4]), sealed[4:4+chacha20poly1305.NonceSizeX], sealed[4+chacha20poly1305.NonceSizeX:]
	one := k.find(id)
	if one == nil {
		return nil, ErrKeyUnknown
	}
	plain, err := one.seal.Open(nil, nonce, box, binding(purpose, row, id))
	if err != nil {
		return nil, ErrNotOpened
	}
	return plain, nil
}

// binding is the additional data: purpose, row and key id, each with its
// length.
func binding(purpose, row string, id KeyID) []byte {
	var b []byte
	for _, s := range []string{purpose, row, string(id[:])} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}
