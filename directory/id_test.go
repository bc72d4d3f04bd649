package directory

import (
	"bytes"
	"crypto/rand"
	"io"
	"regexp"
	"testing"
)

func TestAnIDIsARandomUUID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id, err := NewID(rand.Reader)
		if err != nil || !form.MatchString(id) || seen[id] {
			t.Fatalf("%q, %v: not a new version 4 UUID", id, err)
		}
		seen[id] = true
	}
}

func TestAnIDHoldsItsRandomBits(t *testing.T) {
	for in, want := range map[byte]string{
		0x00: "00000000-0000-4000-8000-000000000000",
		0xff: "ffffffff-ffff-4fff-bfff-ffffffffffff",
	} {
		if got, err := NewID(bytes.NewReader(bytes.Repeat([]byte{in}, 16))); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

func TestNoIDWithoutRandomness(t *testing.T) {
	if id, err := NewID(io.LimitReader(rand.Reader, 15)); err == nil || id != "" {
		t.Errorf("%q, %v from too little randomness", id, err)
	}
}
