package secret

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

// TestArgon2idGivesTheReferenceTags has the vectors of the reference
// implementation's test.c (phc-winner-argon2, version 0x13, Argon2id).
func TestArgon2idGivesTheReferenceTags(t *testing.T) {
	for _, c := range []struct{ password, stored, tag string }{
		{"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
			"09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
		{"password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
			"9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
		{"password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
			"6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
		{"password", "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg",
			"f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
		{"differentpassword", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94",
			"0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
		{"password", "$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw",
			"bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"},
	} {
		h, err := parseStored(c.stored)
		if err != nil {
			t.Errorf("%s: %v", c.stored, err)
			continue
		}
		tag := h.argon.of(c.password)
		if got := hex.EncodeToString(tag); got != c.tag || !h.argon.matches(tag) {
			t.Errorf("%s: tag %s, want %s, matches %v", c.stored, got, c.tag, h.argon.matches(tag))
		}
		if h.argon.String() != c.stored {
			t.Errorf("written again: %s, want %s", h.argon, c.stored)
		}
	}
}

// phc writes a stored hash that need not make sense.
func phc(head string, salt, tag int) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return head + "$" + b64(make([]byte, salt)) + "$" + b64(make([]byte, tag))
}

func TestAHostileStoredHashIsRefusedBeforeAnyWork(t *testing.T) {
	const good = "$argon2id$v=19$m=19456,t=2,p=1"
	for name, stored := range map[string]string{
		"memory":              phc("$argon2id$v=19$m=4294967295,t=2,p=1", 16, 32),
		"memory by one":       phc("$argon2id$v=19$m=262145,t=2,p=1", 16, 32),
		"time":                phc("$argon2id$v=19$m=19456,t=4294967295,p=1", 16, 32),
		"memory times time":   phc("$argon2id$v=19$m=262144,t=5,p=1", 16, 32),
		"product overflows":   phc("$argon2id$v=19$m=65536,t=65536,p=1", 16, 32),
		"overflow":            phc("$argon2id$v=19$m=4294967296,t=2,p=1", 16, 32),
		"lanes":               phc("$argon2id$v=19$m=19456,t=2,p=17", 16, 32),
		"lanes overflow":      phc("$argon2id$v=19$m=19456,t=2,p=257", 16, 32),
		"no memory":           phc("$argon2id$v=19$m=0,t=2,p=1", 16, 32),
		"less than a lane":    phc("$argon2id$v=19$m=15,t=2,p=2", 16, 32),
		"no time":             phc("$argon2id$v=19$m=19456,t=0,p=1", 16, 32),
		"no lanes":            phc("$argon2id$v=19$m=19456,t=2,p=0", 16, 32),
		"negative":            phc("$argon2id$v=19$m=-1,t=2,p=1", 16, 32),
		"leading zero":        phc("$argon2id$v=19$m=019456,t=2,p=1", 16, 32),
		"plus":                phc("$argon2id$v=19$m=+19456,t=2,p=1", 16, 32),
		"another order":       phc("$argon2id$v=19$t=2,m=19456,p=1", 16, 32),
		"a part too many":     phc("$argon2id$v=19$m=19456,t=2,p=1,x=1", 16, 32),
		"no cost":             phc("$argon2id$v=19", 16, 32),
		"old version":         phc("$argon2id$v=16$m=19456,t=2,p=1", 16, 32),
		"no version":          phc("$argon2id$m=19456,t=2,p=1", 16, 32),
		"Argon2d":             phc("$argon2d$v=19$m=19456,t=2,p=1", 16, 32),
		"no salt":             phc(good, 0, 32),
		"short salt":          phc(good, 7, 32),
		"long salt":           phc(good, 65, 32),
		"no tag":              phc(good, 16, 0),
		"short tag":           phc(good, 16, 15),
		"long tag":            phc(good, 16, 65),
		"no base64":           good + "$c29tZXNhbHQ!$" + strings.Repeat("A", 43),
		"padded":              good + "$c29tZXNhbHQ=$" + strings.Repeat("A", 43),
		"loose bits":          good + "$c29tZXNhbHR$" + strings.Repeat("A", 43),
		"newline":             good + "$c29tZXNh\nbHQ$" + strings.Repeat("A", 43),
		"something behind":    phc(good, 16, 32) + "$",
		"a space in front":    " " + phc(good, 16, 32),
		"bcrypt of a day":     "$2b$31$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
		"LDAP scheme":         "{SSHA}c2FsdGVkIGhhc2ggb2Ygc29tZXRoaW5n",
		"a dollar":            "$",
		"clear text":          "hunter2",
		"a megabyte":          good + "$" + strings.Repeat("A", 1<<20),
		"a megabyte of digit": "$argon2id$v=19$m=" + strings.Repeat("9", 1<<20),
	} {
		_, err := parseStored(stored)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if mayBeKept(NewText(stored)) == nil {
			t.Errorf("%s: may be kept", name)
		}
		if len(stored) > maxStored && !strings.Contains(err.Error(), "longer than") {
			t.Errorf("%s: it was looked at: %v", name, err)
		}
		if len(err.Error()) > 200 || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error repeats the hash", name)
		}
	}
}

func TestTheDearestAndTheCheapestHashAreRead(t *testing.T) {
	for _, stored := range []string{
		phc("$argon2id$v=19$m=262144,t=4,p=16", 64, 64),
		phc("$argon2id$v=19$m=8,t=1,p=1", 8, 16),
		phc("$argon2id$v=19$m=65536,t=3,p=4", 16, 32),
	} {
		if h, err := parseStored(stored); err != nil || h.argon.String() != stored || mayBeKept(NewText(stored)) != nil {
			t.Errorf("%s: %v, may be kept: %v", stored, err, mayBeKept(NewText(stored)))
		}
	}
}

func TestTheDefaultCostIsValidAndTheZeroCostIsNot(t *testing.T) {
	if err := DefaultArgon2.Validate(); err != nil {
		t.Error(err)
	}
	if (Argon2{}).Validate() == nil {
		t.Error("the zero cost is valid")
	}
}

func FuzzParseStored(f *testing.F) {
	f.Add(phc("$argon2id$v=19$m=19456,t=2,p=1", 16, 32))
	f.Add(phc("$argon2id$v=19$m=4294967295,t=4294967295,p=255", 64, 64))
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add("{SSHA}c2FsdA==")
	f.Add("$wrapped$e1NIQX0$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW")
	f.Fuzz(func(t *testing.T, stored string) {
		h, err := parseStored(stored)
		if err != nil {
			return
		}
		if h.String() != stored {
			t.Fatalf("%q is written again as %q", stored, h)
		}
		a := h.argon
		if err := a.cost.Validate(); h.want == nil && (err != nil || len(a.salt) > maxSalt || len(a.tag) > maxTag) {
			t.Fatalf("%q costs too much: %v, salt %d, tag %d", stored, err, len(a.salt), len(a.tag))
		}
	})
}

// mayBeKept says whether stored is a password hash as it may be kept.
func mayBeKept(stored Text) error {
	_, err := parseStored(stored.Reveal())
	return err
}
