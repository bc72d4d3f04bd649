package secret

import (
	"errors"
	"fmt"
	"io"
)

// plainAlphabet has letters and digits that no font confuses: no 0, O, 1, l
// or I.
const plainAlphabet = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// plainLength makes 116 bits of it. Neither shape of app password has this
// many letters, so a generated password is never taken for one.
const plainLength = 20

// NewRandomPassword returns a primary password nobody has chosen: 116 bits
// read from random, which should be crypto/rand.Reader.
func NewRandomPassword(random io.Reader) (Text, error) {
	b, err := pick(random, plainLength, plainAlphabet)
	if err != nil {
		return Text{}, err
	}
	return NewText(string(b)), nil
}

// pick draws n characters of alphabet, each as likely as any other: bytes
// beyond the largest multiple of the alphabet's length are thrown away. It
// gives up on a source that yields nothing else.
func pick(random io.Reader, n int, alphabet string) ([]byte, error) {
	limit := 256 - 256%len(alphabet)
	out := make([]byte, 0, n)
	var chunk [32]byte
	defer clear(chunk[:])
	for range 64 {
		if _, err := io.ReadFull(random, chunk[:]); err != nil {
			return nil, fmt.Errorf("reading randomness for a password: %w", err)
		}
		for _, b := range chunk {
			if int(b) < limit {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
			if len(out) == n {
				return out, nil
			}
		}
	}
	return nil, errors.New("the source of randomness repeats itself: no password can be made from it")
}
