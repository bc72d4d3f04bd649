package radiussrv_test

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"postern/policy/brake"
	"postern/radiussrv"
)

const annCode = "123456"

// annCodes knows one code, of ann.
type annCodes struct{}

func (annCodes) CheckTOTP(_ context.Context, accountID, code string) (bool, error) {
	return accountID == annID && code == annCode, nil
}

// asking is a server whose only client can ask for codes.
func asking(t testing.TB) (radiussrv.Config, *people) {
	c := loopback("vpn")
	c.OTPChallenge = true
	other := loopback("other")
	other.OTPChallenge, other.Address = true, netip.MustParsePrefix("127.0.9.0/24")
	e, p := engineOf(t)
	return radiussrv.Config{Authenticator: e, Grants: e, Codes: annCodes{}, Clients: []radiussrv.Client{c, other}}, p
}

// decided asks and waits for the answer, which is held back where it is none
// of acceptance.
func (r *rig) decided(request []byte, peer string) *radius.Packet {
	r.t.Helper()
	r.sendFrom(peer, request)
	for range 100 {
		if got := r.replies(); len(got) == 1 {
			return r.verify(request, got[0].raw)
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("no answer within a second")
	return nil
}

// asked is the State of the challenge that a password is answered with.
func (r *rig) asked(login, password string) []byte {
	r.t.Helper()
	p := r.decided(request(r.t, login, password), nas)
	if p.Code != radius.CodeAccessChallenge {
		r.t.Fatalf("%s is answered with %v", login, p.Code)
	}
	return p.Get(rfc2865.State_Type)
}

// code answers the challenge of that State.
func (r *rig) code(login, code string, state []byte) *radius.Packet {
	r.t.Helper()
	return r.decided(request(r.t, login, code, add(rfc2865.State_Type, state...)), nas)
}

func TestEveryChallengeForACodeHasTheSameShape(t *testing.T) {
	cfg, _ := asking(t)
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		seen := map[string]bool{}
		length := 0
		for _, with := range [][2]string{{"ann", annPassword}, {"ann", "wrong"}, {"nobody", "wrong"}, {"bob", "wrong"}, {"ann", annPassword}} {
			p := r.decided(request(t, with[0], with[1]), nas)
			state := p.Get(rfc2865.State_Type)
			if p.Code != radius.CodeAccessChallenge || len(p.Attributes) != 3 || rfc2865.ReplyMessage_GetString(p) == "" {
				t.Fatalf("%s is answered with %v and %d attributes", with[0], p.Code, len(p.Attributes))
			}
			if length == 0 {
				length = len(state)
			}
			if len(state) != length || len(state) > 253 {
				t.Errorf("%s gets a State of %d octets, another one of %d", with[0], len(state), length)
			}
			for at := 0; at+16 <= len(state)-8; at += 16 { // behind the time there is nothing that comes again
				if seen[string(state[8+at:8+at+16])] && at > 0 {
					t.Errorf("octets %d of the State were seen before", 8+at)
				}
				seen[string(state[8+at:8+at+16])] = true
			}
		}
	})
}

// TestAStateNeedsNoMemory: it is answered by another server with the same key
// file, as after a restart.
func TestAStateNeedsNoMemory(t *testing.T) {
	var state []byte
	cfg, _ := asking(t)
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) { state = r.asked("ann", annPassword) })
	cfg, _ = asking(t)
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		if p := r.code("ann", annCode, state); p.Code != radius.CodeAccessAccept {
			t.Errorf("after a restart: %v", p.Code)
		}
	})
}

func TestAStateIsOfOneClientOneNameOneMinuteAndOneAnswer(t *testing.T) {
	for name, answer := range map[string]func(r *rig, state []byte) *radius.Packet{
		"a minute later": func(r *rig, state []byte) *radius.Packet {
			time.Sleep(time.Minute)
			return r.code("ann", annCode, state)
		},
		"another name":         func(r *rig, state []byte) *radius.Packet { return r.code("Ann", annCode, state) },
		"somebody else's name": func(r *rig, state []byte) *radius.Packet { return r.code("bob", annCode, state) },
		"another address of the client": func(r *rig, state []byte) *radius.Packet {
			return r.decided(request(r.t, "ann", annCode, add(rfc2865.State_Type, state...)), "127.0.0.2:40000")
		},
		"another client": func(r *rig, state []byte) *radius.Packet {
			return r.decided(request(r.t, "ann", annCode, add(rfc2865.State_Type, state...)), "127.0.9.1:40000")
		},
		"after a wrong code": func(r *rig, state []byte) *radius.Packet {
			if p := r.code("ann", "000000", state); p.Code != radius.CodeAccessReject {
				r.t.Errorf("a wrong code: %v", p.Code)
			}
			return r.code("ann", annCode, state)
		},
		"after the right code": func(r *rig, state []byte) *radius.Packet {
			if p := r.code("ann", annCode, state); p.Code != radius.CodeAccessAccept {
				r.t.Errorf("the right code: %v", p.Code)
			}
			return r.code("ann", annCode, state)
		},
		"the State of a wrong password": func(r *rig, _ []byte) *radius.Packet {
			return r.code("ann", annCode, r.asked("ann", "wrong"))
		},
		"cut to its time": func(r *rig, state []byte) *radius.Packet { return r.code("ann", annCode, state[:8]) },
		"shorter":         func(r *rig, state []byte) *radius.Packet { return r.code("ann", annCode, state[:7]) },
		"empty":           func(r *rig, _ []byte) *radius.Packet { return r.code("ann", annCode, []byte{}) },
		"longer": func(r *rig, state []byte) *radius.Packet {
			return r.code("ann", annCode, append(bytes.Clone(state), 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, _ := asking(t)
			bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
				p := answer(r, r.asked("ann", annPassword))
				if p.Code != radius.CodeAccessReject || len(p.Attributes) != 1 {
					t.Errorf("answered with %v and %d attributes, want a bare Access-Reject", p.Code, len(p.Attributes))
				}
			})
		})
	}
}

func TestAStateThatWasChangedAnywhereIsNone(t *testing.T) {
	cfg, _ := asking(t)
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		state := r.asked("ann", annPassword)
		for at := 0; at < len(state); at += 3 {
			forged := bytes.Clone(state)
			forged[at] ^= 0x10
			if p := r.code("ann", annCode, forged); p.Code != radius.CodeAccessReject {
				t.Fatalf("octet %d was changed: %v", at, p.Code)
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// TestSecondLegsBrakeAlike: whoever sends codes is braked after as many, also
// where there is nothing that a right one could open.
func TestSecondLegsBrakeAlike(t *testing.T) {
	for name, with := range map[string]struct{ login, password, id string }{
		"after the right password": {"ann", annPassword, annID}, "after a wrong one": {"ann", "wrong", annID},
		"of somebody without MFA": {"bob", "wrong", bobID}, "of nobody": {"nobody", "wrong", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, p := asking(t)
			guess := brake.Guess{Account: with.id, Known: with.id != "", Source: netip.MustParseAddr("127.0.0.1"), Shared: true, Second: true}
			if !guess.Known {
				guess.Account = testKeys(t).LoginDigest(with.login)
			}
			bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
				for n := range 14 {
					if on := p.brakes.On(guess, time.Now()); on != (n >= 10) {
						t.Errorf("after %d codes the brake is on: %v", n, on)
					}
					if answer := r.code(with.login, "000000", r.asked(with.login, with.password)); answer.Code != radius.CodeAccessReject {
						t.Fatalf("code %d: %v", n, answer.Code)
					}
				}
			})
		})
	}
}
