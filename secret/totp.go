package secret

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	totpSeedLen = 20 // RFC 4226 §4, R6: 160 bits
	totpMinSeed = 16 // RFC 4226 §4, R6: 128 bits at least
	totpDigits  = 6
	totpPeriod  = 30 // seconds
	totpSkew    = 1  // steps to either side
)

// NewTOTPSeed returns the 20 bytes an authenticator app and Postern share,
// read from random, which should be crypto/rand.Reader.
func NewTOTPSeed(random io.Reader) ([]byte, error) {
	seed := make([]byte, totpSeedLen)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("reading randomness for a TOTP seed: %w", err)
	}
	return seed, nil
}

// TOTPCode is the code of six digits of a step (RFC 6238 §4.2 with SHA-1), the
// number of 30-second periods since 1970.
func TOTPCode(seed []byte, step int64) string {
	mac := hmac.New(sha1.New, seed)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	// RFC 4226 §5.3, dynamic truncation.
	offset := sum[len(sum)-1] & 0xf
	value := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, value%1_000_000)
}

// MatchTOTP looks for the step that code belongs to: the one of at, the one
// before or the one after. Steps up to lastStep have been used: a code counts
// once (RFC 6238 §5.2). The caller stores step before it accepts. White space
// in code does not matter. A seed of less than 128 bits matches nothing.
func MatchTOTP(seed []byte, code string, at time.Time, lastStep int64) (step int64, ok bool) {
	typed, ok := totpDigitsOf(code)
	if !ok || len(seed) < totpMinSeed || at.Unix() < 0 {
		return 0, false
	}
	now := at.Unix() / totpPeriod
	step, ok = 0, false
	// Upwards and to the end: where two steps share a code both are used up.
	for s := now - totpSkew; s <= now+totpSkew; s++ {
		same := subtle.ConstantTimeCompare([]byte(TOTPCode(seed, s)), typed) == 1
		if same && s > lastStep && s >= 0 {
			step, ok = s, true
		}
	}
	return step, ok
}

// totpDigitsOf returns the six digits of a typed code.
func totpDigitsOf(code string) (digits []byte, ok bool) {
	if len(code) > 64 {
		return nil, false
	}
	for _, r := range code {
		switch {
		case unicode.IsSpace(r):
		case r < '0' || r > '9' || len(digits) == totpDigits:
			return nil, false
		default:
			digits = append(digits, byte(r))
		}
	}
	return digits, len(digits) == totpDigits
}

// TOTPSeedText is the seed in base32 without padding, as people type it into
// an authenticator app.
func TOTPSeedText(seed []byte) Text {
	return NewText(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed))
}

// TOTPURI is the otpauth URI that authenticator apps read from a QR code. It
// holds the seed. Neither issuer nor login may tell the other apart by a
// colon, so a colon in them is escaped.
func TOTPURI(issuer, login string, seed []byte) Text {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return NewText(fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
		escape(issuer), escape(login), TOTPSeedText(seed).Reveal(), escape(issuer), totpDigits, totpPeriod))
}
