package radiussrv_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"

	"postern/policy"
	"postern/radiussrv"
)

func status(t testing.TB, edit ...func(*radius.Packet)) []byte {
	p := radius.New(radius.CodeStatusServer, []byte(sharedSecret))
	p.Add(rfc2869.MessageAuthenticator_Type, make([]byte, 16))
	for _, e := range edit {
		e(p)
	}
	return sign(t, p)
}

func TestStatusServerIsAnsweredOnBothPorts(t *testing.T) {
	for role, want := range map[radiussrv.Role]radius.Code{
		radiussrv.Authentication: radius.CodeAccessAccept,
		radiussrv.Accounting:     radius.CodeAccountingResponse,
	} {
		t.Run(role.String(), func(t *testing.T) {
			bubble(t, role, radiussrv.Config{}, func(r *rig) {
				raw := status(t, add(rfc2865.ProxyState_Type, 7))
				reply := r.raw(raw)
				if p := r.verify(raw, reply); p.Code != want || len(p.Attributes) != 2 {
					t.Errorf("got %v with %d attributes, want %v with a signature and Proxy-State", p.Code, len(p.Attributes), want)
				}
				checkSigned(t, raw, reply)
				if again := r.raw(raw); !bytes.Equal(again, reply) {
					t.Error("the same question got another answer")
				}
				if got := r.Stats(); got.Statuses != 2 || got.Accepts+got.Accountings+got.Resent != 0 {
					t.Errorf("counted %+v", got)
				}
			})
		})
	}
}

func TestStatusServerIsNotAnsweredWhereNothingCouldBeDecided(t *testing.T) {
	var ready atomic.Bool
	bubble(t, radiussrv.Authentication, radiussrv.Config{Ready: ready.Load}, func(r *rig) {
		raw := status(t)
		r.send(raw)
		r.silent()
		r.dropped(radiussrv.DropNotReady, 1)
		ready.Store(true)
		r.ask(raw)
	})
}

func TestStatusServerIsLimitedForEachClientAndOnlyItself(t *testing.T) {
	calm, noisy := loopback("calm"), loopback("noisy")
	noisy.Address = prefix("127.0.0.66/32")
	cfg := radiussrv.Config{Clients: []radiussrv.Client{calm, noisy}, StatusRate: 5}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		flood := func(want int) {
			t.Helper()
			for range 100 {
				r.sendFrom("127.0.0.66:1024", status(t))
			}
			if got := len(r.replies()); got != want {
				t.Errorf("%d answered, want %d", got, want)
			}
		}
		flood(5)
		r.ask(status(t))
		r.sendFrom("127.0.0.66:1024", good(t))
		if got := len(r.replies()); got != 1 {
			t.Errorf("a sign-in beside the flood got %d replies", got)
		}
		time.Sleep(400 * time.Millisecond)
		flood(2)
		time.Sleep(time.Hour)
		flood(5)
	})
}

func TestAReloadGivesNobodyAFreshAllowance(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{StatusRate: 2}, func(r *rig) {
		for range 5 {
			r.send(status(t))
			set(r, loopback("loopback"))
		}
		if got := len(r.replies()); got != 2 {
			t.Errorf("%d answered, want 2", got)
		}
	})
}

func TestStatusServerLeavesTheDuplicateCacheAlone(t *testing.T) {
	engine := &counted{policy: oneRight}
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine}, func(r *rig) {
		raw := good(t)
		first := r.raw(raw)
		r.ask(status(t, func(p *radius.Packet) { p.Identifier = raw[1] }))
		if again := r.raw(raw); !bytes.Equal(first, again) {
			t.Error("a status in between changed the answer")
		}
		engine.expect(t, 1)
	})
}

func TestAForgedStatusServerIsNotAnswered(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{}, func(r *rig) {
		raw := status(t)
		raw[30] ^= 1
		r.send(raw)
		r.silent()
		r.dropped(radiussrv.DropBadAuthenticator, 1)
	})
}

// accounting is a whole Accounting-Request, without a Message-Authenticator
// unless edit adds one.
func accounting(t testing.TB, edit ...func(*radius.Packet)) []byte {
	t.Helper()
	p := radius.New(radius.CodeAccountingRequest, []byte(sharedSecret))
	p.Authenticator = [16]byte{}
	p.Add(rfc2866.AcctStatusType_Type, []byte{0, 0, 0, 1})
	p.Add(rfc2866.AcctSessionID_Type, []byte("0001"))
	for _, e := range edit {
		e(p)
	}
	raw := sign(t, p)
	reauthenticate(raw)
	return raw
}

// reauthenticate puts the right Request Authenticator into an
// Accounting-Request.
func reauthenticate(raw []byte) {
	clear(raw[4:20])
	sum := md5.Sum(append(bytes.Clone(raw), sharedSecret...))
	copy(raw[4:20], sum[:])
}

// ledger keeps what it is given, or fails.
type ledger struct {
	kept []radiussrv.AccountingRequest
	err  error
}

func (l *ledger) Keep(_ context.Context, r radiussrv.AccountingRequest) error {
	if l.err == nil {
		l.kept = append(l.kept, r)
	}
	return l.err
}

func TestAccountingIsKeptAndThenAnswered(t *testing.T) {
	signature := add(rfc2869.MessageAuthenticator_Type, make([]byte, 16)...)
	for name, raw := range map[string][]byte{
		"bare":         accounting(t, add(rfc2865.ProxyState_Type, 1, 2)),
		"signed":       accounting(t, signature, add(rfc2865.ProxyState_Type, 1, 2)),
		"with padding": append(accounting(t, add(rfc2865.ProxyState_Type, 1, 2)), make([]byte, 40)...),
	} {
		t.Run(name, func(t *testing.T) {
			book := &ledger{}
			bubble(t, radiussrv.Accounting, radiussrv.Config{Ledger: book}, func(r *rig) {
				first := r.raw(raw)
				p := r.verify(raw, first)
				if p.Code != radius.CodeAccountingResponse || len(p.Attributes) != 1 || p.Attributes[0].Type != rfc2865.ProxyState_Type {
					t.Errorf("got %v with %d attributes, want Accounting-Response with Proxy-State alone", p.Code, len(p.Attributes))
				}
				if again := r.raw(raw); !bytes.Equal(first, again) {
					t.Error("the retransmission got another answer")
				}
				if len(book.kept) != 1 {
					t.Fatalf("kept %d times, want once", len(book.kept))
				}
				kept := book.kept[0]
				if kept.Client != "loopback" || kept.Remote.String() != nas || kept.At.IsZero() ||
					string(kept.Attributes.Get(rfc2866.AcctSessionID_Type)) != "0001" {
					t.Errorf("kept %+v", kept)
				}
			})
		})
	}
}

func TestAccountingThatIsNotKeptIsNotAnswered(t *testing.T) {
	book := &ledger{err: errors.New("the disk is full")}
	bubble(t, radiussrv.Accounting, radiussrv.Config{Ledger: book}, func(r *rig) {
		raw := accounting(t)
		r.send(raw)
		r.silent()
		r.dropped(radiussrv.DropUnavailable, 1)
		book.err = nil
		r.ask(raw)
	})
	bubble(t, radiussrv.Accounting, radiussrv.Config{}, func(r *rig) {
		r.send(accounting(t))
		r.silent()
		r.dropped(radiussrv.DropNoLedger, 1)
	})
}

func TestForgedAccountingIsDropped(t *testing.T) {
	signature := add(rfc2869.MessageAuthenticator_Type, make([]byte, 16)...)
	for name, whole := range map[string][]byte{"bare": accounting(t), "signed": accounting(t, signature)} {
		t.Run(name, func(t *testing.T) {
			book := &ledger{}
			bubble(t, radiussrv.Accounting, radiussrv.Config{Ledger: book}, func(r *rig) {
				for at := range whole {
					forged := bytes.Clone(whole)
					forged[at] ^= 1
					r.send(forged)
				}
				r.silent()
				if len(book.kept) != 0 {
					t.Errorf("%d forged records were kept", len(book.kept))
				}
			})
		})
	}
	bubble(t, radiussrv.Accounting, radiussrv.Config{Ledger: &ledger{}}, func(r *rig) {
		raw := accounting(t, signature)
		raw[len(raw)-1] ^= 1 // the signature's last octet
		reauthenticate(raw)
		r.send(raw)
		r.silent()
		r.dropped(radiussrv.DropBadAuthenticator, 1)
	})
}

func TestThePolicyIsNotAskedOnTheAccountingPort(t *testing.T) {
	engine := &counted{policy: always(policy.Accept)}
	bubble(t, radiussrv.Accounting, radiussrv.Config{Authenticator: engine, Ledger: &ledger{}}, func(r *rig) {
		r.ask(accounting(t))
		r.send(good(t))
		r.silent()
		engine.expect(t, 0)
		r.dropped(radiussrv.DropUnexpectedCode, 1)
	})
}
