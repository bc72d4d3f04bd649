package directory

import (
	"bytes"
	"crypto/rand"
	"io"
	"regexp"
	"testing"
	"time"
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

func TestATimedIDSortsByItsTime(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	at, last := time.Date(2022, 2, 22, 19, 22, 22, 0, time.UTC), ""
	seen := map[string]bool{}
	for n := range 1000 {
		id, err := NewTimedID(at.Add(time.Duration(n)*time.Millisecond), rand.Reader)
		if err != nil || !form.MatchString(id) || id <= last {
			t.Fatalf("%q after %q, %v: not a later version 7 UUID", id, last, err)
		}
		again, err := NewTimedID(at, rand.Reader)
		if err != nil || seen[again] {
			t.Fatalf("%q, %v: twice in one millisecond", again, err)
		}
		seen[again], last = true, id
	}
	// RFC 9562 appendix A.6
	const want = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
	if got, err := NewTimedID(at, bytes.NewReader([]byte{0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f})); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if id, err := NewTimedID(at, io.LimitReader(rand.Reader, 9)); err == nil || id != "" {
		t.Errorf("%q, %v from too little randomness", id, err)
	}
}

func TestNoIDWithoutRandomness(t *testing.T) {
	if id, err := NewID(io.LimitReader(rand.Reader, 15)); err == nil || id != "" {
		t.Errorf("%q, %v from too little randomness", id, err)
	}
}
