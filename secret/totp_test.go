package secret

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// rfcSeed is the seed of RFC 6238 appendix B and RFC 4226 appendix D.
var rfcSeed = []byte("12345678901234567890")

func TestTOTPCodesOfRFC6238(t *testing.T) {
	// Appendix B has eight digits; six are the last six of them (§5.3 of RFC
	// 4226 takes the remainder).
	for at, want := range map[int64]string{
		59:          "94287082",
		1111111109:  "07081804",
		1111111111:  "14050471",
		1234567890:  "89005924",
		2000000000:  "69279037",
		20000000000: "65353130",
	} {
		if got := TOTPCode(rfcSeed, at/30); got != want[2:] {
			t.Errorf("at %d: %s, want %s", at, got, want[2:])
		}
		if step, ok := MatchTOTP(rfcSeed, want[2:], time.Unix(at, 0), 0); !ok || step != at/30 {
			t.Errorf("at %d: step %d, %v", at, step, ok)
		}
	}
}

func TestHOTPCodesOfRFC4226(t *testing.T) {
	for step, want := range strings.Fields("755224 287082 359152 969429 338314 254676 287922 162583 399871 520489") {
		if got := TOTPCode(rfcSeed, int64(step)); got != want {
			t.Errorf("count %d: %s, want %s", step, got, want)
		}
	}
}

func TestACodeCountsAStepBeforeAndAfterAndOnce(t *testing.T) {
	const now = int64(50_000_000)
	at := time.Unix(now*30+17, 0)
	for _, c := range []struct {
		name       string
		step, last int64
		want       bool
	}{
		{"two before", now - 2, 0, false},
		{"one before", now - 1, 0, true},
		{"now", now, 0, true},
		{"one after", now + 1, 0, true},
		{"two after", now + 2, 0, false},
		{"used", now, now, false},
		{"older than the used one", now - 1, now, false},
		{"newer than the used one", now + 1, now, true},
		{"the last used, at the far end", now + 1, now + 1, false},
	} {
		step, ok := MatchTOTP(rfcSeed, TOTPCode(rfcSeed, c.step), at, c.last)
		if ok != c.want || ok && step != c.step || !ok && step != 0 {
			t.Errorf("%s: step %d, %v", c.name, step-now, ok)
		}
	}
}

// TestACodeOfTwoStepsUsesUpBoth looks for two neighbouring steps with one
// code: accepted for the first, it would be accepted again for the second.
func TestACodeOfTwoStepsUsesUpBoth(t *testing.T) {
	step := int64(0)
	for TOTPCode(rfcSeed, step) != TOTPCode(rfcSeed, step+1) {
		step++
	}
	got, ok := MatchTOTP(rfcSeed, TOTPCode(rfcSeed, step), time.Unix(step*30, 0), 0)
	if !ok || got != step+1 {
		t.Errorf("code of the steps %d and %d: step %d, %v", step, step+1, got, ok)
	}
	if _, ok := MatchTOTP(rfcSeed, TOTPCode(rfcSeed, step), time.Unix(step*30, 0), got); ok {
		t.Error("accepted again")
	}
}

func TestACodeMayBeTypedWithSpacesAndNothingElse(t *testing.T) {
	code := TOTPCode(rfcSeed, 1000)
	at := time.Unix(30_000, 0)
	for _, typed := range []string{code, code[:3] + " " + code[3:], " " + code + "\r\n", code[:3] + "\u00a0" + code[3:]} {
		if _, ok := MatchTOTP(rfcSeed, typed, at, 0); !ok {
			t.Errorf("%q: refused", typed)
		}
	}
	for _, typed := range []string{"", " ", code[:5], code + "0", "0" + code, code[:5] + "x", "-" + code[1:], "+" + code, code[:3] + "-" + code[3:], "\u0661" + code[1:], code + strings.Repeat(" ", 1<<20)} {
		if _, ok := MatchTOTP(rfcSeed, typed, at, 0); ok {
			t.Errorf("%.20q: accepted", typed)
		}
	}
}

func TestNothingMatchesWithoutASeedOrATime(t *testing.T) {
	for _, seed := range [][]byte{nil, {}, rfcSeed[:15]} {
		if _, ok := MatchTOTP(seed, TOTPCode(seed, 1000), time.Unix(30_000, 0), 0); ok {
			t.Errorf("a seed of %d bytes matches", len(seed))
		}
	}
	if _, ok := MatchTOTP(rfcSeed, TOTPCode(rfcSeed, time.Time{}.Unix()/30), time.Time{}, -1<<62); ok {
		t.Error("the zero time matches")
	}
	if step, ok := MatchTOTP(rfcSeed, TOTPCode(rfcSeed, 1), time.Unix(-1, 0), 0); ok {
		t.Errorf("before 1970, step %d matches", step)
	}
	if step, ok := MatchTOTP(rfcSeed, TOTPCode(rfcSeed, -1), time.Unix(0, 0), -10); ok {
		t.Errorf("step %d matches", step)
	}
}

func TestASeedHas160Bits(t *testing.T) {
	one, err := NewTOTPSeed(rand.Reader)
	two, err2 := NewTOTPSeed(rand.Reader)
	if err != nil || err2 != nil || len(one) != 20 || bytes.Equal(one, two) {
		t.Errorf("%d bytes, %v, %v, equal %v", len(one), err, err2, bytes.Equal(one, two))
	}
	broken := errors.New("broken")
	if seed, err := NewTOTPSeed(iotest.ErrReader(broken)); !errors.Is(err, broken) || seed != nil {
		t.Errorf("without randomness: %d bytes, %v", len(seed), err)
	}
}

func TestTheURIIsWhatAuthenticatorAppsRead(t *testing.T) {
	const base32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	if got := TOTPSeedText(rfcSeed).Reveal(); got != base32 {
		t.Errorf("seed text %s, want %s", got, base32)
	}
	got := TOTPURI("Example Org", "anna@example.org", rfcSeed).Reveal()
	want := "otpauth://totp/Example%20Org:anna%40example.org?secret=" + base32 + "&issuer=Example%20Org&algorithm=SHA1&digits=6&period=30"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	odd := TOTPURI("A:B&c=d/?#+ü", "o'neil+x:y", rfcSeed).Reveal()
	u, err := url.Parse(odd)
	if err != nil || u.Query().Get("issuer") != "A:B&c=d/?#+ü" || u.Query().Get("secret") != base32 ||
		u.Path != "/A:B&c=d/?#+ü:o'neil+x:y" || strings.Count(odd, ":") != 2 || u.Fragment != "" {
		t.Errorf("%s reads as %+v, %v", odd, u, err)
	}
}
