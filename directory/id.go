package directory

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// NewID returns a random UUID (version 4, RFC 9562 §5.4) read from random,
// which should be crypto/rand.Reader.
func NewID(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("reading randomness for an id: %w", err)
	}
	return UUID(b).of(4).String(), nil
}

// NewTimedID returns a UUID that sorts by at, to the millisecond (version 7,
// RFC 9562 §5.7); the rest of it is read from random, which should be
// crypto/rand.Reader. Rows whose ids come in order cost an index a fraction of
// what random ones do. It tells when it was made to whoever sees it.
func NewTimedID(at time.Time, random io.Reader) (string, error) {
	u, err := NewTimedUUID(at, random)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// UUID is an id in the 16 bytes of RFC 9562. The zero value is none.
type UUID [16]byte

// NewTimedUUID is NewTimedID for who keeps many of them.
func NewTimedUUID(at time.Time, random io.Reader) (u UUID, err error) {
	if _, err := io.ReadFull(random, u[6:]); err != nil {
		return UUID{}, fmt.Errorf("reading randomness for an id: %w", err)
	}
	ms := uint64(at.UnixMilli())
	binary.BigEndian.PutUint16(u[:], uint16(ms>>32))
	binary.BigEndian.PutUint32(u[2:], uint32(ms))
	return u.of(7), nil
}

// of is u with the bits that say its version.
func (u UUID) of(version byte) UUID {
	u[6] = u[6]&0x0f | version<<4
	u[8] = u[8]&0x3f | 0x80
	return u
}

// String spells u as everywhere: in hex, in five groups.
func (u UUID) String() string {
	var text [36]byte
	at := 0
	for i, part := range []int{4, 6, 8, 10, 16} {
		from := []int{0, 4, 6, 8, 10}[i]
		at += hex.Encode(text[at:], u[from:part])
		if part < len(u) {
			text[at] = '-'
			at++
		}
	}
	return string(text[:])
}
