package radiussrv_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"postern/policy"
	"postern/radiussrv"
	"postern/secret"
)

// counted counts the attempts that reach the policy behind it.
type counted struct {
	atomic.Int64
	policy authenticate
}

func (c *counted) Authenticate(ctx context.Context, a policy.Attempt) policy.Decision {
	c.Add(1)
	return c.policy(ctx, a)
}

func (c *counted) expect(t *testing.T, n int64) {
	t.Helper()
	if got := c.Load(); got != n {
		t.Errorf("the policy was asked %d times, want %d", got, n)
	}
}

// slow takes that long to decide, and waits as policies do.
func slow(d time.Duration, p authenticate) authenticate {
	return func(ctx context.Context, a policy.Attempt) policy.Decision {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
		return p(ctx, a)
	}
}

func TestARetransmissionInFlightIsNotTriedAgain(t *testing.T) {
	engine := &counted{policy: slow(time.Second, oneRight)}
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine}, func(r *rig) {
		raw := good(t)
		for range 5 {
			r.send(raw)
		}
		r.dropped(radiussrv.DropDuplicate, 4)
		time.Sleep(time.Second)
		if got := r.replies(); len(got) != 1 {
			t.Errorf("%d replies, want one", len(got))
		}
		engine.expect(t, 1)
	})
}

func TestARetransmissionAfterTheReplyGetsTheSameOctets(t *testing.T) {
	for name, password := range map[string]string{"accept": "open sesame", "reject": "wrong"} {
		t.Run(name, func(t *testing.T) {
			engine := &counted{policy: oneRight}
			bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine}, func(r *rig) {
				raw := request(t, "ann", password, add(rfc2865.ProxyState_Type, 1, 2))
				first := r.raw(raw)
				time.Sleep(9 * time.Second)
				if second := r.raw(raw); !bytes.Equal(first, second) {
					t.Errorf("the reply was % x, then % x", first, second)
				}
				engine.expect(t, 1)
				if got := r.Stats().Resent; got != 1 {
					t.Errorf("%d counted as resent, want 1", got)
				}
			})
		})
	}
}

func TestARefusalThatIsHeldIsInFlight(t *testing.T) {
	engine := &counted{policy: oneRight}
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine, RejectDelay: time.Second}, func(r *rig) {
		raw := request(t, "ann", "wrong")
		r.send(raw)
		r.send(raw)
		time.Sleep(time.Second)
		if got := r.replies(); len(got) != 1 {
			t.Errorf("%d replies, want one", len(got))
		}
		r.raw(raw)
		engine.expect(t, 1)
	})
}

func TestWhatIsNotTheSameRequestIsTried(t *testing.T) {
	raw := good(t)
	otherID := bytes.Clone(raw)
	otherID[1]++
	resign(otherID)
	sameAuthenticator := bytes.Clone(raw)
	sameAuthenticator = append(sameAuthenticator, 25, 3, 1) // Class
	sameAuthenticator[3] += 3
	resign(sameAuthenticator)
	newAuthenticator := good(t, func(p *radius.Packet) { p.Identifier = raw[1] })
	for name, second := range map[string]datagram{
		"another port":                         {"127.0.0.1:40001", raw},
		"another address":                      {"127.0.0.2:40000", raw},
		"another identifier":                   {nas, otherID},
		"another Request Authenticator":        {nas, newAuthenticator},
		"other attributes, same authenticator": {nas, sameAuthenticator},
	} {
		t.Run(name, func(t *testing.T) {
			engine := &counted{policy: oneRight}
			bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine}, func(r *rig) {
				r.ask(raw)
				r.sendFrom(second.peer, second.raw)
				got := r.replies()
				if len(got) != 1 || got[0].peer != second.peer {
					t.Fatalf("got %v, want one reply to %s", got, second.peer)
				}
				r.verify(second.raw, got[0].raw)
				engine.expect(t, 2)
			})
		})
	}
}

func TestANewRequestTakesThePlaceOfAnAbandonedOne(t *testing.T) {
	engine := &counted{policy: slow(time.Second, oneRight)}
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine}, func(r *rig) {
		first := good(t)
		second := good(t, func(p *radius.Packet) { p.Identifier = first[1] })
		r.send(first)
		r.send(second)
		r.send(second)
		time.Sleep(time.Second)
		got := r.replies()
		if len(got) != 2 {
			t.Fatalf("%d replies, want one to each", len(got))
		}
		// The late answer to the first is not the second's.
		again := r.raw(second)
		r.verify(second, again)
		engine.expect(t, 2)
	})
}

func TestForgedPacketsDoNotTouchTheCache(t *testing.T) {
	engine := &counted{policy: oneRight}
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine}, func(r *rig) {
		raw := good(t)
		first := r.raw(raw)
		for range 300 {
			forged := good(t, func(p *radius.Packet) { p.Identifier = raw[1] })
			forged[25] ^= 0xff // inside the Message-Authenticator
			r.send(forged)
		}
		if again := r.raw(raw); !bytes.Equal(first, again) {
			t.Error("forged packets under the same identifier pushed the answer out")
		}
		engine.expect(t, 1)
		r.dropped(radiussrv.DropBadAuthenticator, 300)
	})
}

func TestAnswersAreForgottenAfterTheirTime(t *testing.T) {
	engine := &counted{policy: oneRight}
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine, DuplicateTTL: 7 * time.Second}, func(r *rig) {
		raw := good(t)
		r.ask(raw)
		time.Sleep(7 * time.Second)
		r.ask(raw)
		engine.expect(t, 2)
	})
}

func TestASilentEndLeavesNoEntry(t *testing.T) {
	broken := map[string]authenticate{
		"busy":        always(policy.Busy),
		"unavailable": always(policy.Unavailable),
		"panic":       func(context.Context, policy.Attempt) policy.Decision { panic("a fault") },
	}
	for name, p := range broken {
		t.Run(name, func(t *testing.T) {
			engine := &counted{policy: p}
			bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine}, func(r *rig) {
				raw := good(t)
				r.send(raw)
				r.silent()
				r.send(raw)
				r.silent()
				engine.expect(t, 2)
				engine.policy = oneRight
				if got := r.ask(raw).Code; got != radius.CodeAccessAccept {
					t.Errorf("once it works again: %v", got)
				}
			})
		})
	}
}

func TestOneClientCannotPushOutWhatAnotherHas(t *testing.T) {
	calm, noisy := loopback("calm"), loopback("noisy")
	noisy.Address = prefix("127.0.0.66/32")
	engine := &counted{policy: oneRight}
	cfg := radiussrv.Config{Authenticator: engine, Clients: []radiussrv.Client{calm, noisy}, Duplicates: 512}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		kept := good(t)
		first := r.raw(kept)
		for n := range 1000 {
			raw := good(t, func(p *radius.Packet) { p.Identifier = byte(n) })
			r.sendFrom("127.0.0.66:"+itoa(1024+n), raw)
		}
		if got := len(r.replies()); got != 1000 {
			t.Fatalf("%d replies to the noisy client, want 1000", got)
		}
		if again := r.raw(kept); !bytes.Equal(again, first) {
			t.Error("the calm client's answer was lost")
		}
		engine.expect(t, 1001)
	})
}

func TestReloadKeepsAnswersAndForgetsThoseOfClientsThatAreGone(t *testing.T) {
	engine := &counted{policy: oneRight}
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine}, func(r *rig) {
		raw := good(t)
		first := r.raw(raw)
		set(r, loopback("loopback"), radiussrv.Client{
			Name: "more", Address: prefix("192.0.2.0/24"), Secret: secret.NewText(sharedSecret), Methods: []radiussrv.Method{radiussrv.PAP},
		})
		if again := r.raw(raw); !bytes.Equal(again, first) {
			t.Error("a reload lost an answer")
		}
		set(r, loopback("renamed"))
		r.ask(raw)
		engine.expect(t, 2)
	})
}
