package radiussrv_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"postern/radiussrv"
)

// raw changes a finished request, fixes its Length and signs it anew.
func raw(b []byte, edit func([]byte) []byte) []byte {
	b = edit(b)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	resign(b)
	return b
}

func appended(octets ...byte) func([]byte) []byte {
	return func(b []byte) []byte { return append(b, octets...) }
}

func withLength(b []byte, n int) []byte {
	binary.BigEndian.PutUint16(b[2:], uint16(n))
	resign(b)
	return b
}

func withCode(b []byte, code byte) []byte {
	b[0] = code
	resign(b)
	return b
}

// good is a request that would be accepted.
func good(t testing.TB, edit ...func(*radius.Packet)) []byte {
	return request(t, "ann", "open sesame", edit...)
}

func add(kind radius.Type, value ...byte) func(*radius.Packet) {
	return func(p *radius.Packet) { p.Add(kind, value) }
}

func TestMalformedDatagramsAreDroppedAndDoNotBarTheirClient(t *testing.T) {
	tests := map[string][]byte{
		"nothing":                       {},
		"one octet":                     {1},
		"nineteen octets":               good(t)[:19],
		"Length below the header":       withLength(good(t), 19),
		"Length zero":                   withLength(good(t), 0),
		"Length above the datagram":     withLength(good(t), 4096),
		"Length above the maximum":      withLength(append(good(t), make([]byte, 4200)...), 4097),
		"attribute of length 0":         raw(good(t), appended(4, 0, 1, 2, 3, 4)),
		"attribute of length 1":         raw(good(t), appended(4, 1)),
		"attribute beyond the packet":   raw(good(t), appended(4, 6, 1, 2, 3)),
		"a lone last octet":             raw(good(t), appended(4)),
		"201 attributes":                raw(good(t), appended(bytes.Repeat([]byte{25, 2}, 198)...)),
		"2000 attributes":               raw(good(t), appended(bytes.Repeat([]byte{25, 2}, 1990)...)),
		"two User-Names":                good(t, add(rfc2865.UserName_Type, 'b', 'o', 'b')),
		"two User-Passwords":            good(t, add(rfc2865.UserPassword_Type, make([]byte, 16)...)),
		"two States":                    good(t, add(rfc2865.State_Type, 1), add(rfc2865.State_Type, 1)),
		"User-Password of 0 octets":     good(t, without(rfc2865.UserPassword_Type), add(rfc2865.UserPassword_Type)),
		"User-Password of 15 octets":    good(t, without(rfc2865.UserPassword_Type), add(rfc2865.UserPassword_Type, make([]byte, 15)...)),
		"User-Password of 17 octets":    good(t, without(rfc2865.UserPassword_Type), add(rfc2865.UserPassword_Type, make([]byte, 17)...)),
		"User-Password of 144 octets":   good(t, without(rfc2865.UserPassword_Type), add(rfc2865.UserPassword_Type, make([]byte, 144)...)),
		"CHAP-Password of 16 octets":    good(t, without(rfc2865.UserPassword_Type), add(rfc2865.CHAPPassword_Type, make([]byte, 16)...)),
		"Message-Authenticator twice":   good(t, add(rfc2869.MessageAuthenticator_Type, make([]byte, 16)...)),
		"Message-Authenticator short":   good(t, without(rfc2869.MessageAuthenticator_Type), add(rfc2869.MessageAuthenticator_Type, make([]byte, 15)...)),
		"Message-Authenticator long":    good(t, without(rfc2869.MessageAuthenticator_Type), add(rfc2869.MessageAuthenticator_Type, make([]byte, 17)...)),
		"Message-Authenticator is void": good(t, without(rfc2869.MessageAuthenticator_Type), add(rfc2869.MessageAuthenticator_Type)),
	}
	for name, datagram := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, radiussrv.Config{}, func(r *rig) {
				for range 20 {
					r.send(datagram)
				}
				r.silent()
				r.dropped(radiussrv.DropMalformed, 20)
				if got := r.ask(good(t)).Code; got != radius.CodeAccessAccept {
					t.Errorf("the next good request got %v", got)
				}
			})
		})
	}
}

func TestUnusualButValidRequestsAreAnswered(t *testing.T) {
	tests := map[string][]byte{
		"neither NAS-IP-Address nor NAS-Identifier": good(t),
		"padding behind Length":                     append(good(t), make([]byte, 100)...),
		"a datagram longer than any packet":         append(good(t), make([]byte, 4200)...),
		"200 attributes":                            raw(good(t), appended(bytes.Repeat([]byte{25, 2}, 197)...)),
		"void attributes":                           good(t, add(rfc2865.Class_Type), add(rfc2865.NASIdentifier_Type)),
		"unknown attributes":                        good(t, add(0, 1), add(241, 1, 2, 3), add(255)),
		"Vendor-Specific of no octets":              good(t, add(rfc2865.VendorSpecific_Type)),
		"Vendor-Specific of vendor 0":               good(t, add(rfc2865.VendorSpecific_Type, 0, 0, 0, 0, 1, 6, 1, 2, 3, 4)),
		"Vendor-Specific with nothing inside":       good(t, add(rfc2865.VendorSpecific_Type, 0, 0, 1, 55)),
		"Vendor-Specific whose inner length lies":   good(t, add(rfc2865.VendorSpecific_Type, 0, 0, 1, 55, 7, 200, 1)),
		"Vendor-Specific whose inner length is 0":   good(t, add(rfc2865.VendorSpecific_Type, 0, 0, 1, 55, 7, 0, 7, 0)),
		"Message-Authenticator in last place": good(t, without(rfc2869.MessageAuthenticator_Type),
			add(rfc2869.MessageAuthenticator_Type, make([]byte, 16)...)),
		"the longest packet": raw(good(t), func(b []byte) []byte {
			for room := 4096 - len(b); room > 0; room = 4096 - len(b) {
				n := min(room, 255)
				if room-n == 1 {
					n--
				}
				b = append(append(b, 25, byte(n)), make([]byte, n-2)...)
			}
			return b
		}),
	}
	for name, datagram := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, radiussrv.Config{}, func(r *rig) {
				if got := r.ask(datagram).Code; got != radius.CodeAccessAccept {
					t.Errorf("got %v, want Access-Accept", got)
				}
			})
		})
	}
}

func TestRequestsThatAskForNothingGrantableAreRefused(t *testing.T) {
	noPassword := without(rfc2865.UserPassword_Type)
	tests := map[string][]byte{
		"no User-Name":     request(t, "", "open sesame"),
		"void User-Name":   request(t, "", "open sesame", add(rfc2865.UserName_Type)),
		"no credential":    good(t, noPassword),
		"State alone":      good(t, noPassword, add(rfc2865.State_Type, 1, 2, 3)),
		"CHAP":             good(t, noPassword, add(rfc2865.CHAPPassword_Type, make([]byte, 17)...)),
		"MS-CHAP":          good(t, noPassword, add(rfc2865.VendorSpecific_Type, microsoft(1)...)),
		"MS-CHAPv2":        good(t, noPassword, add(rfc2865.VendorSpecific_Type, microsoft(25)...)),
		"EAP":              good(t, noPassword, add(rfc2869.EAPMessage_Type, 2, 1, 0, 8, 1, 'a', 'n', 'n')),
		"a void EAP start": good(t, noPassword, add(rfc2869.EAPMessage_Type)),
	}
	for name, datagram := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, radiussrv.Config{}, func(r *rig) {
				p := r.ask(datagram)
				bare := 1
				if strings.Contains(name, "EAP") {
					bare = 2 // an EAP-Failure goes with it (RFC 3579 §2.6.3)
				}
				if p.Code != radius.CodeAccessReject || len(p.Attributes) != bare {
					t.Errorf("got %v with %d attributes, want a bare Access-Reject", p.Code, len(p.Attributes))
				}
				if got := r.Stats().Unfit; got != 1 {
					t.Errorf("%d counted as unfit, want 1", got)
				}
			})
		})
	}
}

// microsoft is a Microsoft attribute of that number, behind another one.
func microsoft(number byte) []byte {
	return append([]byte{0, 0, 1, 55, 11, 4, 1, 2, number, 52}, make([]byte, 50)...)
}

func TestTwoKindsOfCredentialAreDropped(t *testing.T) {
	tests := map[string][]byte{
		"User-Password and CHAP":      good(t, add(rfc2865.CHAPPassword_Type, make([]byte, 17)...)),
		"User-Password and MS-CHAP":   good(t, add(rfc2865.VendorSpecific_Type, microsoft(1)...)),
		"User-Password and MS-CHAPv2": good(t, add(rfc2865.VendorSpecific_Type, microsoft(25)...)),
		"User-Password and EAP":       good(t, add(rfc2869.EAPMessage_Type, 2, 1, 0, 8, 1, 'a', 'n', 'n')),
	}
	for name, datagram := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, radiussrv.Config{}, func(r *rig) {
				r.send(datagram)
				r.silent()
				r.dropped(radiussrv.DropContradictory, 1)
			})
		})
	}
}

func TestCodesThatDoNotBelongOnThePortAreDropped(t *testing.T) {
	for role, taken := range map[radiussrv.Role]map[byte]bool{
		radiussrv.Authentication: {1: true, 12: true},
		radiussrv.Accounting:     {4: true, 12: true},
	} {
		t.Run(role.String(), func(t *testing.T) {
			bubble(t, role, radiussrv.Config{}, func(r *rig) {
				sent := uint64(0)
				for code := range 256 {
					if taken[byte(code)] {
						continue
					}
					r.send(withCode(good(t), byte(code)))
					sent++
				}
				r.silent()
				r.dropped(radiussrv.DropUnexpectedCode, sent)
			})
		})
	}
}
