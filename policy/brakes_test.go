package policy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
	"postern/policy/brake"
	"postern/secret"
)

var farAddr = netip.MustParseAddrPort("203.0.113.9:40000")

// from presents secret for login from addr.
func (w *world) from(t testing.TB, addr netip.AddrPort, c Client, login, presented string) outcome {
	t.Helper()
	return w.authenticate(t, Attempt{Client: c, Login: login, Secret: text(presented), Remote: addr})
}

// guess presents n wrong passwords, each another, and returns how many of them
// were hashed.
func (w *world) guess(t testing.TB, addr netip.AddrPort, c Client, login string, n int) (hashed int) {
	t.Helper()
	for i := range n {
		hashed += w.from(t, addr, c, login, fmt.Sprint("guess ", i)).hashes
	}
	return hashed
}

func TestOneOldPasswordForADayLocksNobodyAndCostsOneHash(t *testing.T) {
	for _, c := range []Client{mailClient, vpnClient} {
		for _, login := range []string{"ann", "bob", "nobody"} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.tick()
				hashed := 0
				for range 24 * 60 * 2 {
					hashed += w.from(t, mailAddr, c, login, "last year's").hashes
					time.Sleep(30 * time.Second)
				}
				if hashed != 1 {
					t.Errorf("%s at %v: %d hashes, want 1", login, c.Protocol, hashed)
				}
				app, _ := w.issue(t, "id-bob", nil)
				w.attempt(t, c, "bob", app).expect(t, Accept, ReasonAppPassword)
				w.attempt(t, c, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
			})
		}
	}
}

func TestTenWrongPasswordsBrakeThatSourceOnly(t *testing.T) {
	for _, c := range []Client{mailClient, vpnClient, portalClient} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.tick()
			app, _ := w.issue(t, "id-bob", nil)
			if n := w.guess(t, mailAddr, c, "bob", 50); n != 10 {
				t.Errorf("%v: %d guesses were hashed, want 10", c.Protocol, n)
			}
			w.from(t, mailAddr, c, "bob", bobPassword).expect(t, Reject, ReasonBraked)
			for _, door := range []Client{mailClient, vpnClient} {
				w.attempt(t, door, "bob", app).expect(t, Accept, ReasonAppPassword)
			}
			w.from(t, farAddr, c, "bob", bobPassword).expect(t, Accept, ReasonPrimary)
			time.Sleep(30 * time.Second)
			w.from(t, mailAddr, c, "bob", bobPassword).expect(t, Accept, ReasonPrimary)
		})
	}
}

func TestOfParallelGuessesNoMoreAreVerifiedThanTheLimitAllows(t *testing.T) {
	for _, login := range []string{"ann", "bob", "nobody"} {
		w := newWorld(t)
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				a := Attempt{Client: mailClient, Login: login, Secret: text(fmt.Sprint("guess ", i)), Remote: mailAddr}
				if d := w.engine.Authenticate(context.Background(), a); d.Outcome != Reject {
					t.Errorf("%v", d.Outcome)
				}
			})
		}
		all.Wait()
		if w.hashes != 10 {
			t.Errorf("%s: %d of 200 parallel guesses were verified, want 10", login, w.hashes)
		}
	}
}

// TestABrakedRefusalIsAWrongPasswordsToWhoeverWaits: the decision is the same
// but for the reason, which never leaves the house, and leaves at the same time.
func TestABrakedRefusalIsAWrongPasswordsToWhoeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.tick()
		w.duringHash = func() { time.Sleep(40 * time.Millisecond) }
		refuse := func(login, typed string) (Decision, time.Duration) {
			at := w.now()
			d := w.authenticate(t, Attempt{At: at, Client: mailClient, Login: login, Secret: text(typed), Remote: mailAddr}).Decision
			held := d.ReplyAt.Sub(at)
			d.ReplyAt, d.Reason = time.Time{}, ""
			return d, held
		}
		wrong, held := refuse("bob", "wrong")
		if held != leastRefusal {
			t.Errorf("a wrong password leaves after %v", held)
		}
		w.guess(t, mailAddr, mailClient, "bob", 10)
		w.guess(t, mailAddr, mailClient, "nobody", 10)
		for name, typed := range map[string][2]string{
			"braked, right": {"bob", bobPassword}, "braked, wrong": {"bob", "other"},
			"remembered": {"bob", "guess 0"}, "unknown, braked": {"nobody", "other"},
		} {
			if d, h := refuse(typed[0], typed[1]); d != wrong || h != held {
				t.Errorf("%s: %+v after %v, a wrong password %+v after %v", name, d, h, wrong, held)
			}
		}
	})
}

func TestAnAcceptedPrimaryWithoutMFAIsRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.tick()
		bob := func(addr netip.AddrPort) outcome { return w.from(t, addr, mailClient, "bob", bobPassword) }
		if o := bob(mailAddr); o.hashes != 1 {
			t.Errorf("%d hashes at first", o.hashes)
		}
		time.Sleep(299 * time.Second)
		o := bob(mailAddr)
		o.expect(t, Accept, ReasonPrimary)
		if o.hashes != 0 {
			t.Errorf("%d hashes within five minutes", o.hashes)
		}
		if !w.entitled(t, o.Grant) {
			t.Error("the grant does not stand")
		}
		if o := bob(farAddr); o.hashes != 1 {
			t.Error("it is remembered for another source")
		}
		time.Sleep(2 * time.Second)
		if o := bob(mailAddr); o.hashes != 1 {
			t.Error("it is remembered for longer than five minutes")
		}
	})
}

func TestAMemoryHoldsResultsAndNoDecisions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		want   Reason
	}{
		"MFA turned on":          {func(w *world) { w.holder("id-bob").MFADemanded = true }, ReasonPrimaryWithMFA},
		"disabled":               {func(w *world) { w.holder("id-bob").Account.Disabled = true }, ReasonAccountDisabled},
		"app passwords demanded": {func(w *world) { w.rules.Services[0].RequireAppPassword = true; w.apply() }, ReasonPrimaryNotHere},
		"password changed":       {func(w *world) { changePassword(w.holder("id-bob")) }, ReasonWrongSecret},
		"deleted":                {func(w *world) { w.holders = nil }, ReasonUnknownAccount},
	} {
		w := newWorld(t)
		w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
		c.change(w)
		o := w.attempt(t, mailClient, "bob", text(bobPassword))
		if o.Outcome != Reject || o.Reason != c.want {
			t.Errorf("%s: %v %q, want %q", name, o.Outcome, o.Reason, c.want)
		}
	}
}

// TestARefusedRightPasswordIsRememberedLikeAWrongOne: a stranger who fills the
// queue, or counts what a source may still send, could tell them apart otherwise.
func TestARefusedRightPasswordIsRememberedLikeAWrongOne(t *testing.T) {
	w := newWorld(t)
	for range 50 {
		w.attempt(t, mailClient, "ann", text(annPassword)).expect(t, Reject, ReasonPrimaryWithMFA)
	}
	if w.hashes != 1 {
		t.Errorf("%d hashes for one password, want 1", w.hashes)
	}
	w.failHash = secret.ErrBusy
	w.attempt(t, mailClient, "ann", text(annPassword)).expect(t, Reject, ReasonPrimaryWithMFA)
	w.failHash = nil
	w.holder("id-ann").MFADemanded = false
	o := w.attempt(t, mailClient, "ann", text(annPassword))
	o.expect(t, Accept, ReasonPrimary)
	if o.hashes != 1 {
		t.Error("what was remembered as refused opens without a hash")
	}
}

// TestWhoIsAskedForACodeCostsWhatARefusalDoes: at a client that asks for a code all
// are asked for one, and how many hashes and guesses that took tells nothing either.
func TestWhoIsAskedForACodeCostsWhatARefusalDoes(t *testing.T) {
	hashes := map[string]int{}
	for _, password := range []string{annPassword, "wrong horse"} {
		w := newWorld(t)
		ask := func(password string) outcome {
			o := w.attempt(t, vpnOTPClient, "ann", text(password))
			if o.Outcome != Reject && o.Outcome != SecondFactor {
				t.Fatalf("%q is answered %v", password, o.Outcome)
			}
			return o
		}
		for range 5 {
			ask(password)
		}
		w.failHash = secret.ErrBusy
		ask(password)
		w.failHash = nil
		for i := range 20 {
			ask(fmt.Sprint("guess ", i))
		}
		ask(password)
		hashes[password] = w.hashes
	}
	if hashes[annPassword] != 10 || hashes["wrong horse"] != 10 {
		t.Errorf("%v hashes, want 10 for each: one password and nine guesses", hashes)
	}
}

// TestARememberedPasswordNeedsItsCode, which is what opens.
func TestARememberedPasswordNeedsItsCode(t *testing.T) {
	w := newWorld(t)
	ask := func() outcome { return w.attempt(t, vpnOTPClient, "ann", text(annPassword)) }
	ask()
	o := ask()
	o.expect(t, SecondFactor, ReasonAskSecondFactor)
	if o.hashes != 0 {
		t.Errorf("%d hashes for a password that was asked about before", o.hashes)
	}
	second := func(first Grant, right bool) outcome {
		return w.authenticate(t, Attempt{Client: vpnOTPClient, Login: "ann", Remote: mailAddr, Second: &Second{
			First: first, Check: func(context.Context, string) (bool, error) { return right, nil }}})
	}
	second(o.Grant, false).expect(t, Reject, ReasonWrongSecond)
	second(ask().Grant, true).expect(t, Accept, ReasonPrimaryAndSecond)
	w.attempt(t, portalClient, "ann", text(annPassword)).expect(t, SecondFactor, ReasonAskSecondFactor)
	w.attempt(t, mailClient, "ann", text(annPassword)).expect(t, Reject, ReasonPrimaryWithMFA)
	w.holder("id-ann").PasswordHash = hashOf("another")
	ask().expect(t, Reject, ReasonWrongSecret)
}

// TestWhoHasTheCodeIsNotBraked, however often, where nothing is remembered either,
// and across a restart between the question and the code.
func TestWhoHasTheCodeIsNotBraked(t *testing.T) {
	for _, remembered := range []time.Duration{0, 24 * time.Hour} {
		w := newWorld(t)
		w.rules.Brakes = DefaultBrakes()
		w.rules.Brakes.RememberRefused = remembered
		w.apply()
		for range 3 * w.rules.Brakes.Limits.Tries {
			first := w.attempt(t, vpnOTPClient, "ann", text(annPassword))
			first.expect(t, SecondFactor, ReasonAskSecondFactor)
			o, _ := w.second(t, vpnOTPClient, w.reopened(t, first.Grant), true)
			o.expect(t, Accept, ReasonPrimaryAndSecond)
		}
		// A code that is not right takes nothing back.
		ask := func() outcome { return w.attempt(t, vpnOTPClient, "ann", text(annPassword)) }
		for range w.rules.Brakes.Limits.Tries {
			w.second(t, vpnOTPClient, ask().Grant, false)
		}
		first := ask()
		if remembered == 0 {
			first.expect(t, Reject, ReasonBraked)
			continue
		}
		o, _ := w.second(t, vpnOTPClient, first.Grant, true)
		o.expect(t, Reject, ReasonBraked)
	}
}

func TestAFullQueueCountsNoGuess(t *testing.T) {
	w := newWorld(t)
	w.failHash = secret.ErrBusy
	for i := range 100 {
		for _, login := range []string{"ann", "bob", "nobody"} {
			w.attempt(t, mailClient, login, text(fmt.Sprint("guess ", i))).expect(t, Busy, ReasonBusy)
		}
	}
	w.failHash = nil
	w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
}

func TestRelaysAndRADIUSClientsHaveNoLimitOfTheirOwn(t *testing.T) {
	spray := func(w *world, c Client) (hashed int) {
		for i := range 100 {
			hashed += w.from(t, mailAddr, c, fmt.Sprint("nobody", i), "spring").hashes
		}
		return hashed
	}
	if n := spray(newWorld(t), mailClient); n != 30 {
		t.Errorf("a stranger's machine had %d hashed, want 30", n)
	}
	if n := spray(newWorld(t), vpnClient); n != 100 {
		t.Errorf("a RADIUS client had %d hashed, want 100", n)
	}
	w := newWorld(t)
	w.rules.TrustedRelays = prefixes("192.0.2.0/24")
	w.apply()
	if n := spray(w, mailClient); n != 100 {
		t.Errorf("a relay had %d hashed, want 100", n)
	}
}

func TestABrakeIsReleasedByHandAtTheNextAttempt(t *testing.T) {
	w := newWorld(t)
	w.guess(t, mailAddr, mailClient, "bob", 11)
	w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Reject, ReasonBraked)
	w.holder("id-bob").BrakeReleases++
	w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
}

func TestACompletedSecondFactorAtThePortalReleasesTheAccount(t *testing.T) {
	w := newWorld(t)
	first := w.attempt(t, portalClient, "ann", text(annPassword)).Grant
	other := w.from(t, farAddr, portalClient, "ann", annPassword).Grant
	w.guess(t, mailAddr, mailClient, "ann", 11)
	w.attempt(t, portalClient, "ann", text(annPassword)).expect(t, Reject, ReasonBraked)
	o, _ := w.second(t, portalClient, first, true)
	o.expect(t, Accept, ReasonPrimaryAndSecond)
	w.attempt(t, portalClient, "ann", text(annPassword)).expect(t, SecondFactor, ReasonAskSecondFactor)
	w.guess(t, mailAddr, mailClient, "ann", 30)
	w.authenticate(t, Attempt{Client: vpnOTPClient, Remote: mailAddr, Second: &Second{First: other}}).expect(t, Reject, ReasonWrongSecret)
	w.attempt(t, portalClient, "ann", text(annPassword)).expect(t, Reject, ReasonBraked)
}

func TestWrongSecondFactorsAreBraked(t *testing.T) {
	for _, c := range []Client{portalClient, vpnOTPClient} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.tick()
			first := w.attempt(t, c, "ann", text(annPassword)).Grant
			checked := 0
			for range 50 {
				o, checks := w.second(t, c, first, false)
				if checked += len(checks); o.Outcome != Reject {
					t.Errorf("%v", o.Outcome)
				}
			}
			if checked != 10 {
				t.Errorf("%v: %d wrong codes were looked at, want 10", c.Protocol, checked)
			}
			o, _ := w.second(t, c, first, true)
			o.expect(t, Reject, ReasonBraked)
			time.Sleep(30 * time.Second)
			o, _ = w.second(t, c, first, true)
			o.expect(t, Accept, ReasonPrimaryAndSecond)
		})
	}
}

func TestTheFiguresOfTheBrakesAreTheRules(t *testing.T) {
	w := newWorld(t)
	w.rules.Brakes = Brakes{Limits: brake.Default()}
	w.rules.Brakes.Tries = 3
	w.apply()
	if n := w.guess(t, mailAddr, mailClient, "ann", 20); n != 3 {
		t.Errorf("%d guesses were hashed, want 3", n)
	}
	for range 2 {
		if o := w.from(t, farAddr, mailClient, "bob", bobPassword); o.hashes != 1 {
			t.Error("something is remembered though the figure is zero")
		}
	}
}

func TestAGuessWhoseFactsCannotBeReadIsTakenBack(t *testing.T) {
	w := newWorld(t)
	w.failQuery["HolderByID"] = errors.New("disk on fire")
	for range 50 {
		w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Unavailable, ReasonUnavailable)
	}
	w.failQuery = nil
	w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
}

// TestAnAppPasswordHasNothingToDoWithTheBrakes: neither a right one, nor one
// that is out of place.
func TestAnAppPasswordHasNothingToDoWithTheBrakes(t *testing.T) {
	w := newWorld(t)
	elsewhere, _ := w.issue(t, "id-bob", func(p *directory.AppPassword) { p.Services = []string{"vpn"} })
	for range 50 {
		w.attempt(t, mailClient, "bob", elsewhere).expect(t, Reject, ReasonOtherService)
	}
	w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
}
