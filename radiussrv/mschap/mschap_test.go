package mschap

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rfc is the exchange of RFC 2759 §9.2.
func rfc(t *testing.T, name string) *V2 {
	v := &V2{Name: name}
	copy(v.Authenticator[:], unhex(t, "5B5D7C7D7B3F2F3E3C2C602132262628"))
	copy(v.Peer[:], unhex(t, "21402324255E262A28295F2B3A337C7E"))
	copy(v.Response[:], unhex(t, "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF"))
	return v
}

const rfcHash = "44EBBA8D5312B8D611474411F56989AE"

func TestV2OfRFC2759(t *testing.T) {
	for _, name := range []string{"User", `EXAMPLE\User`} {
		v := rfc(t, name)
		if v.Explains(make([]byte, 16)) {
			t.Fatal("a hash of zeros explains the response")
		}
		if _, err := v.Success(); !errors.Is(err, ErrUnexplained) {
			t.Errorf("an unexplained response is answered: %v", err)
		}
		if !v.Explains(unhex(t, rfcHash)) {
			t.Fatalf("the password does not explain the response for %s", name)
		}
		if got, err := v.Success(); err != nil || got != "S=407A5589115FD0D6209F510FE9C04566932CDA56" {
			t.Errorf("the answer is %q, %v", got, err)
		}
	}
}

// The keys are those of RFC 3079 §3.5.3.
func TestV2KeysOfRFC3079(t *testing.T) {
	v := rfc(t, "User")
	v.Explains(unhex(t, rfcHash))
	send, receive, err := v.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(send); got != "8b7cdc149b993a1ba118cb153f56dccb" {
		t.Errorf("the send key is %s", got)
	}
	if len(receive) != 16 || hex.EncodeToString(receive) == hex.EncodeToString(send) {
		t.Errorf("the receive key is %x", receive)
	}
}

func TestAnotherNameIsNotExplained(t *testing.T) {
	if rfc(t, "Other").Explains(unhex(t, rfcHash)) {
		t.Error("the response of User is explained for Other")
	}
}

func TestWhatIsNoHashExplainsNothing(t *testing.T) {
	for _, candidate := range [][]byte{nil, {}, make([]byte, 15), make([]byte, 40)} {
		if rfc(t, "User").Explains(candidate) || new(V1).Explains(candidate) {
			t.Errorf("%d bytes explain a response", len(candidate))
		}
	}
}

// The response is that of RFC 2433 §B.2's arithmetic for a known challenge:
// the same DES computation as RFC 2759's with the challenge taken as it is.
// TestV1OfRFC2433 is the exchange of its appendix B, of the password "MyPw".
func TestV1OfRFC2433(t *testing.T) {
	v := &V1{Challenge: [8]byte(unhex(t, "102DB5DF085D3041")), Response: [24]byte(unhex(t, "4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61"))}
	if v.Explains(make([]byte, 16)) {
		t.Fatal("a hash of zeros explains the response")
	}
	if _, err := v.Keys(); !errors.Is(err, ErrUnexplained) {
		t.Errorf("an unexplained response has keys: %v", err)
	}
	hash := unhex(t, "FC156AF7EDCD6C0EDDE3337D427F4EAC")
	if !v.Explains(hash) {
		t.Fatal("the password does not explain the response")
	}
	keys, err := v.Keys()
	if err != nil || len(keys) != 24 || !bytes.Equal(keys[:8], make([]byte, 8)) || !bytes.Equal(keys[8:], hashOf(hash)) {
		t.Errorf("the keys are %x, %v", keys, err)
	}
}

func TestV1TakesTheChallengeAsItIs(t *testing.T) {
	v := &V1{}
	copy(v.Challenge[:], unhex(t, "D02E4386BCE91226")) // RFC 2759 §9.2's hashed challenge
	copy(v.Response[:], unhex(t, "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF"))
	if !v.Explains(unhex(t, rfcHash)) {
		t.Error("the password does not explain the response")
	}
	v.Challenge[0] ^= 1
	if v.Explains(unhex(t, rfcHash)) {
		t.Error("another challenge is explained by it too")
	}
}
