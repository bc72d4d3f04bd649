package radiussrv_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"testing"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"postern/policy"
	"postern/radiussrv"
)

// The exchange of RFC 2759 §9.2 and the keys of RFC 3079 §3.5.3.
const (
	rfcAuthenticator = "5b5d7c7d7b3f2f3e3c2c602132262628"
	rfcPeer          = "21402324255e262a28295f2b3a337c7e"
	rfcResponse      = "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df"
	rfcHash          = "44ebba8d5312b8d611474411f56989ae"
	rfcSuccess       = "S=407A5589115FD0D6209F510FE9C04566932CDA56"
	rfcSendKey       = "8b7cdc149b993a1ba118cb153f56dccb"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ntHash accepts who explains that NT hash.
func ntHash(hash []byte) authenticate {
	return func(_ context.Context, a policy.Attempt) policy.Decision {
		if a.Proof != nil && a.Proof.Form() == policy.ProofNT && a.Proof.Explains(hash) {
			return policy.Decision{Outcome: policy.Accept}
		}
		return policy.Decision{}
	}
}

// edit changes a request before it is signed.
type edit = func(*radius.Packet)

// everything is a client that may use every method without TLS.
func everything() radiussrv.Client {
	c := loopback("loopback")
	c.InsecureMSCHAP = true
	c.Methods = []radiussrv.Method{"pap", "chap", "mschapv1", "mschapv2", "eap-mschapv2", "eap-md5"}
	return c
}

// vendorMS is one of Microsoft's sub-attributes.
func vendorMS(kind byte, value ...byte) []byte {
	return append([]byte{0, 0, 1, 55, kind, byte(2 + len(value))}, value...)
}

func response2(t testing.TB, identifier byte, response string) []byte {
	value := append([]byte{identifier, 0}, unhex(t, rfcPeer)...)
	return append(append(value, make([]byte, 8)...), unhex(t, response)...)
}

func TestMSCHAPv2OfRFC2759IsAnsweredWithProofAndKeys(t *testing.T) {
	for _, name := range []string{"User", `EXAMPLE\User`} {
		s := start(t, radiussrv.Authentication, radiussrv.Config{
			Authenticator: ntHash(unhex(t, rfcHash)), Clients: []radiussrv.Client{everything()},
		})
		datagram := request(t, name, "x", without(rfc2865.UserPassword_Type),
			add(rfc2865.VendorSpecific_Type, vendorMS(11, unhex(t, rfcAuthenticator)...)...),
			add(rfc2865.VendorSpecific_Type, vendorMS(25, response2(t, 7, rfcResponse)...)...))
		d := s.device(t)
		p := d.ask(datagram)
		if p.Code != radius.CodeAccessAccept {
			t.Fatalf("got %v", p.Code)
		}
		if got := rawMS(p, 26); !bytes.Equal(got, append([]byte{7}, rfcSuccess...)) {
			t.Errorf("the server's proof is %q", got)
		}
		send, receive := rawMS(p, 16), rawMS(p, 17)
		if bytes.Equal(send[:2], receive[:2]) || send[0]&0x80 == 0 || receive[0]&0x80 == 0 {
			t.Errorf("the salts are %x and %x", send[:2], receive[:2])
		}
		key, _, err := radius.TunnelPassword(send, []byte(sharedSecret), datagram[4:20])
		if err != nil || hex.EncodeToString(key) != rfcSendKey {
			t.Errorf("the send key is %x, %v", key, err)
		}
	}
}

// TestMSCHAPv1OfRFC2433IsAnsweredWithKeys: the server has no proof to show, and
// the keys are hidden as a password is (RFC 2548 §2.4.1).
func TestMSCHAPv1OfRFC2433IsAnsweredWithKeys(t *testing.T) {
	s := start(t, radiussrv.Authentication, radiussrv.Config{
		Authenticator: ntHash(unhex(t, "fc156af7edcd6c0edde3337d427f4eac")), Clients: []radiussrv.Client{everything()},
	})
	response := append(append([]byte{7, 1}, make([]byte, 24)...), unhex(t, "4e9d3c8f9cfd385d5bf4d3246791956ca4c351ab409a3d61")...)
	datagram := request(t, "ann", "x", without(rfc2865.UserPassword_Type),
		add(rfc2865.VendorSpecific_Type, vendorMS(11, unhex(t, "102db5df085d3041")...)...),
		add(rfc2865.VendorSpecific_Type, vendorMS(1, response...)...))
	p := s.device(t).ask(datagram)
	if p.Code != radius.CodeAccessAccept {
		t.Fatalf("got %v", p.Code)
	}
	hidden := rawMS(p, 12)
	if len(hidden) != 32 || rawMS(p, 26) != nil || rawMS(p, 16) != nil || len(rawMS(p, 7)) != 4 || len(rawMS(p, 8)) != 4 {
		t.Fatalf("it carries % x", hidden)
	}
	for at, last := 0, datagram[4:20]; at < 32; at += 16 { // RFC 2865 §5.2
		pad := md5.Sum(append([]byte(sharedSecret), last...))
		last = bytes.Clone(hidden[at : at+16])
		for i := range pad {
			hidden[at+i] ^= pad[i]
		}
	}
	const hashHash = "874fb0693e18106a814481bc51cd7d37" // of "MyPw", as openssl has MD4
	if want := "0000000000000000" + hashHash + "0000000000000000"; hex.EncodeToString(hidden) != want {
		t.Errorf("the keys are %x, want %s", hidden, want)
	}
}

func TestMSCHAPThatIsWrongOrCannotBeReadIsRefused(t *testing.T) {
	challenge := add(rfc2865.VendorSpecific_Type, vendorMS(11, unhex(t, rfcAuthenticator)...)...)
	short := add(rfc2865.VendorSpecific_Type, vendorMS(11, 1, 2, 3, 4, 5, 6, 7, 8)...)
	right := add(rfc2865.VendorSpecific_Type, vendorMS(25, response2(t, 7, rfcResponse)...)...)
	wrong := add(rfc2865.VendorSpecific_Type, vendorMS(25, response2(t, 7, rfcPeer+"0011223344556677")...)...)
	v1 := add(rfc2865.VendorSpecific_Type, vendorMS(1, make([]byte, 50)...)...)
	cut := add(rfc2865.VendorSpecific_Type, vendorMS(25, make([]byte, 49)...)...)
	for name, c := range map[string]struct {
		edits []edit
		says  string // MS-CHAP-Error
	}{
		"a wrong response":            {[]edit{challenge, wrong}, "\x07E=691 R=0 C=00000000000000000000000000000000 V=3 M=Access denied"},
		"version 1, wrong":            {[]edit{short, v1}, "\x00E=691 R=0"},
		"no challenge":                {[]edit{right}, ""},
		"two challenges":              {[]edit{challenge, challenge, right}, ""},
		"a challenge of 8":            {[]edit{short, right}, ""},
		"version 1, challenge of 16":  {[]edit{challenge, v1}, ""},
		"a response of 49":            {[]edit{challenge, cut}, ""},
		"both versions":               {[]edit{challenge, v1, right}, ""},
		"a Vendor-Specific that lies": {[]edit{challenge, add(rfc2865.VendorSpecific_Type, 0, 0, 1, 55, 25, 200, 1)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, radiussrv.Authentication, radiussrv.Config{
				Authenticator: ntHash(unhex(t, rfcHash)), Clients: []radiussrv.Client{everything()},
			})
			datagram := request(t, "User", "x", append([]edit{without(rfc2865.UserPassword_Type)}, c.edits...)...)
			d := s.device(t)
			p := d.ask(datagram)
			if p.Code != radius.CodeAccessReject || string(rawMS(p, 2)) != c.says {
				t.Errorf("got %v with %q", p.Code, rawMS(p, 2))
			}
		})
	}
}

// TestChallengeMethodsNeedTLSAroundThem: outside TLS, a client that names them
// is refused unless its entry says that it may.
func TestChallengeMethodsNeedTLSAroundThem(t *testing.T) {
	c := everything()
	c.InsecureMSCHAP = false
	asked := 0
	s := start(t, radiussrv.Authentication, radiussrv.Config{
		Clients: []radiussrv.Client{c},
		Authenticator: authenticate(func(context.Context, policy.Attempt) policy.Decision {
			asked++
			return policy.Decision{Outcome: policy.Accept}
		}),
	})
	for name, edits := range map[string][]edit{
		"CHAP":     {add(rfc2865.CHAPPassword_Type, make([]byte, 17)...)},
		"MS-CHAP":  {add(rfc2865.VendorSpecific_Type, vendorMS(11, make([]byte, 8)...)...), add(rfc2865.VendorSpecific_Type, vendorMS(1, make([]byte, 50)...)...)},
		"MS-CHAP2": {add(rfc2865.VendorSpecific_Type, vendorMS(11, make([]byte, 16)...)...), add(rfc2865.VendorSpecific_Type, vendorMS(25, make([]byte, 50)...)...)},
		"EAP":      {add(rfc2869.EAPMessage_Type, 2, 1, 0, 8, 1, 'a', 'n', 'n')},
	} {
		datagram := request(t, "ann", "x", append([]edit{without(rfc2865.UserPassword_Type)}, edits...)...)
		d := s.device(t)
		if p := d.ask(datagram); p.Code != radius.CodeAccessReject || asked != 0 {
			t.Errorf("%s: got %v after %d attempts", name, p.Code, asked)
		}
	}
}

// TestCHAPTakesItsChallengeFromEitherPlace is RFC 2865 §5.3.
func TestCHAPTakesItsChallengeFromEitherPlace(t *testing.T) {
	s := start(t, radiussrv.Authentication, radiussrv.Config{
		Clients: []radiussrv.Client{everything()},
		Authenticator: authenticate(func(_ context.Context, a policy.Attempt) policy.Decision {
			if a.Proof != nil && a.Proof.Form() == policy.ProofClear && a.Proof.Explains([]byte(readable)) {
				return policy.Decision{Outcome: policy.Accept}
			}
			return policy.Decision{}
		}),
	})
	sent := []byte("sixteen octets..")
	for name, c := range map[string]struct {
		attribute bool
		password  string
		want      radius.Code
	}{
		"in its attribute":          {true, readable, radius.CodeAccessAccept},
		"in the authenticator":      {false, readable, radius.CodeAccessAccept},
		"with another secret":       {true, "another", radius.CodeAccessReject},
		"with another one, without": {false, "another", radius.CodeAccessReject},
	} {
		datagram := request(t, "ann", "x", without(rfc2865.UserPassword_Type), func(p *radius.Packet) {
			challenge := p.Authenticator[:]
			if c.attribute {
				challenge = sent
				p.Add(rfc2865.CHAPChallenge_Type, sent)
			}
			p.Add(rfc2865.CHAPPassword_Type, chapResponse(9, c.password, challenge))
		})
		d := s.device(t)
		if p := d.ask(datagram); p.Code != c.want {
			t.Errorf("%s: got %v, want %v", name, p.Code, c.want)
		}
	}
}

func chapResponse(identifier byte, clear string, challenge []byte) []byte {
	sum := md5.Sum(append(append([]byte{identifier}, clear...), challenge...))
	return append([]byte{identifier}, sum[:]...)
}

// rawMS is the first of Microsoft's sub-attributes of that number.
func rawMS(p *radius.Packet, kind byte) []byte {
	for _, a := range p.Attributes {
		if b := a.Attribute; a.Type == rfc2865.VendorSpecific_Type && len(b) > 6 && b[4] == kind {
			return b[6:]
		}
	}
	return nil
}
