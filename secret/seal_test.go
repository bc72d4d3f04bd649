package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"testing"
	"testing/iotest"
)

func TestASealedValueOpensWhereItBelongs(t *testing.T) {
	before, after := newKeys(t, 1), newKeys(t, 2, 1)
	for _, plain := range [][]byte{nil, {0}, []byte("JBSWY3DPEHPK3PXP"), bytes.Repeat([]byte{7}, 10_000)} {
		sealed, err := before.Seal(rand.Reader, "totp", "row", plain)
		if err != nil {
			t.Fatal(err)
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Error("the plain text stands in the sealed value")
		}
		for name, keys := range map[string]*Keys{"its own keys": before, "a file with a new first key": after} {
			if got, err := keys.Open("totp", "row", sealed); err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
		again, err := before.Seal(rand.Reader, "totp", "row", plain)
		if err != nil || bytes.Equal(again, sealed) {
			t.Errorf("sealed twice alike: %v", err)
		}
	}
}

func TestASealedValueOpensNowhereElse(t *testing.T) {
	keys := newKeys(t, 1)
	sealed, err := keys.Seal(rand.Reader, "totp", "row", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	for name, where := range map[string][2]string{
		"another purpose": {"nt-hash", "row"},
		"another row":     {"totp", "row2"},
		"a moved border":  {"totpr", "ow"},
		"nothing":         {"", ""},
	} {
		if got, err := keys.Open(where[0], where[1], sealed); !errors.Is(err, ErrNotOpened) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x80
		want := ErrNotOpened
		if i < 4 {
			want = ErrKeyUnknown
		}
		if got, err := keys.Open("totp", "row", changed); !errors.Is(err, want) || got != nil {
			t.Errorf("byte %d changed: %v, want %v", i, err, want)
		}
		if got, err := keys.Open("totp", "row", sealed[:i]); !errors.Is(err, ErrNotOpened) || got != nil {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := newKeys(t, 2).Open("totp", "row", sealed); !errors.Is(err, ErrKeyUnknown) {
		t.Errorf("a foreign key: %v", err)
	}
	if _, err := new(Keys).Open("totp", "row", sealed); !errors.Is(err, ErrKeyUnknown) {
		t.Errorf("no key: %v", err)
	}
}

// firstVersionSealed is "plain" for the purpose totp and the row "row" under a
// key of 32 bytes 01 with the nonce 00 01 … 17, computed apart from Go.
const firstVersionSealed = "c42253b5000102030405060708090a0b0c0d0e0f101112131415161727a8084b" +
	"0e8dfcd804e6d16702bd76c398c5356c6a"

// TestASealedValueOfTheFirstVersionStillOpens holds the format: what is in
// people's databases must open with every later version.
func TestASealedValueOfTheFirstVersionStillOpens(t *testing.T) {
	sealed, err := hex.DecodeString(firstVersionSealed)
	if err != nil {
		t.Fatal(err)
	}
	got, err := newKeys(t, 1).Open("totp", "row", sealed)
	if err != nil || string(got) != "plain" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNothingIsSealedWithoutRandomness(t *testing.T) {
	broken := errors.New("broken")
	if sealed, err := newKeys(t, 1).Seal(iotest.ErrReader(broken), "p", "r", []byte("plain")); !errors.Is(err, broken) || sealed != nil {
		t.Errorf("%d bytes, %v", len(sealed), err)
	}
}
