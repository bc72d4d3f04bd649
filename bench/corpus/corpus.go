// Package corpus makes up hostile messages for LDAP and RADIUS servers. They
// are the same in every run: what is random comes from a fixed seed.
//
// The classes for LDAP are those of the PROTOS test suite for LDAPv3 (lengths
// of lengths, indefinite and huge lengths, integers out of range, long strings,
// deep nesting), every message cut off at every byte, and random changes. Those
// for RADIUS are what packets, attributes and proofs can get wrong.
package corpus

import "math/rand/v2"

// Class is one way to be wrong.
type Class struct {
	Name     string
	Messages [][]byte
}

// Mutations is how many random changes of each message a corpus has.
type Mutations int

// Of returns so many changes of each message: bits turned, bytes replaced,
// pieces cut out, doubled or put in.
func (m Mutations) Of(messages [][]byte) (out [][]byte) {
	random := rand.New(rand.NewChaCha8([32]byte{7}))
	for _, message := range messages {
		for range m {
			b := append([]byte(nil), message...)
			for range 1 + random.IntN(4) {
				b = change(random, b)
			}
			out = append(out, b)
		}
	}
	return out
}

// interesting are bytes that mean much in BER and in attributes.
var interesting = []byte{0x00, 0x01, 0x02, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x88, 0xfe, 0xff}

func change(random *rand.Rand, b []byte) []byte {
	if len(b) == 0 {
		return []byte{byte(random.Uint32())}
	}
	at := random.IntN(len(b))
	switch random.IntN(6) {
	case 0:
		b[at] ^= 1 << random.IntN(8)
	case 1:
		b[at] = byte(random.Uint32())
	case 2:
		b[at] = interesting[random.IntN(len(interesting))]
	case 3:
		b = append(b[:at], b[min(len(b), at+1+random.IntN(8)):]...)
	case 4:
		piece := append([]byte(nil), b[at:min(len(b), at+1+random.IntN(16))]...)
		b = append(b[:at], append(piece, b[at:]...)...)
	case 5:
		b = append(b[:at], append([]byte{interesting[random.IntN(len(interesting))]}, b[at:]...)...)
	}
	return b
}

// cuts are all beginnings of the messages, each shorter than the whole.
func cuts(messages [][]byte) (out [][]byte) {
	for _, m := range messages {
		for n := range m {
			out = append(out, m[:n])
		}
	}
	return out
}
