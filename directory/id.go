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
	return uuid(b, 4), nil
}

// NewTimedID returns a UUID that sorts by at, to the millisecond (version 7,
// RFC 9562 §5.7); the rest of it is read from random, which should be
// crypto/rand.Reader. Rows whose ids come in order cost an index a fraction of
// what random ones do. It tells when it was made to whoever sees it.
func NewTimedID(at time.Time, random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[6:]); err != nil {
		return "", fmt.Errorf("reading randomness for an id: %w", err)
	}
	ms := uint64(at.UnixMilli())
	binary.BigEndian.PutUint16(b[:], uint16(ms>>32))
	binary.BigEndian.PutUint32(b[2:], uint32(ms))
	return uuid(b, 7), nil
}

// uuid spells b as a UUID of that version.
func uuid(b [16]byte, version byte) string {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	at := 0
	for i, part := range []int{4, 6, 8, 10, 16} {
		from := []int{0, 4, 6, 8, 10}[i]
		at += hex.Encode(text[at:], b[from:part])
		if part < len(b) {
			text[at] = '-'
			at++
		}
	}
	return string(text[:])
}
