package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// keyedHash is HMAC-SHA-256 under one sub-key, for any number of goroutines.
// States are kept between uses: one that was used before starts from the
// hashed key instead of hashing it again, and nothing is allocated.
type keyedHash struct{ states sync.Pool }

type hashState struct {
	mac hash.Hash
	in  []byte
	out [sha256.Size]byte
}

func newKeyedHash(subKey []byte) *keyedHash {
	k := new(keyedHash)
	k.states.New = func() any { return &hashState{mac: hmac.New(sha256.New, subKey)} }
	return k
}

// begin returns an empty state, to be given back to finish.
func (k *keyedHash) begin() *hashState { return k.states.Get().(*hashState) }

// text and field append to what is hashed. field puts the length first, so
// that a sequence of fields can be read in one way only.
func (s *hashState) text(t string) { s.in = append(s.in, t...) }

func (s *hashState) field(b []byte) {
	s.in = binary.BigEndian.AppendUint64(s.in, uint64(len(b)))
	s.in = append(s.in, b...)
}

func (s *hashState) fieldText(t string) {
	s.in = binary.BigEndian.AppendUint64(s.in, uint64(len(t)))
	s.in = append(s.in, t...)
}

// finish returns the hash and takes s back, wiped.
func (k *keyedHash) finish(s *hashState) (sum [sha256.Size]byte) {
	s.mac.Reset()
	s.mac.Write(s.in)
	s.mac.Sum(s.out[:0])
	sum = s.out
	clear(s.in)
	clear(s.out[:])
	if s.in = s.in[:0]; cap(s.in) > 4096 {
		s.in = nil
	}
	k.states.Put(s)
	return sum
}
