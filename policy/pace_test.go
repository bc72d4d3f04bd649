package policy

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestEveryRefusalLeavesAtTheSameMoment(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.tick()
				a := r.set(t, w)
				w.apply()
				w.duringHash = func() { time.Sleep(40 * time.Millisecond) }
				a.At, a.Client, a.Remote = w.now(), mailClient, mailAddr
				d := w.engine.Authenticate(context.Background(), a)
				if d.Outcome != Reject || d.ReplyAt.Sub(a.At) != leastRefusal {
					t.Errorf("%v leaves after %v, want %v", d.Outcome, d.ReplyAt.Sub(a.At), leastRefusal)
				}
				if took := w.now().Sub(a.At); took != time.Duration(r.hashes)*40*time.Millisecond {
					t.Errorf("deciding took %v: nothing may wait inside", took)
				}
			})
		})
	}
}

func TestWhenHashesAreSlowEveryRefusalIsHeldToThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hash = 300 * time.Millisecond
		slow := func() { time.Sleep(hash) }
		w := newWorld(t)
		w.tick()
		w.duringHash = slow
		for i := range paceEvery { // over RADIUS, where no source has a limit
			w.attempt(t, vpnClient, fmt.Sprint("nobody", i), text("wrong"))
		}
		for _, r := range refusals {
			other := newWorld(t)
			other.now, other.duringHash = w.now, slow
			a := r.set(t, other)
			w.holders, w.held, w.rules = other.holders, other.held, other.rules
			w.apply()
			a.At, a.Client, a.Remote = w.now(), mailClient, mailAddr
			d := w.engine.Authenticate(context.Background(), a)
			if held := d.ReplyAt.Sub(a.At); d.Outcome != Reject || held != hash {
				t.Errorf("%s: %v leaves after %v, want %v", r.name, d.Outcome, held, hash)
			}
		}
	})
}

func TestWhatIsNoRefusalLeavesAtOnce(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-ann", nil)
	if o := w.attempt(t, mailClient, "ann", app); o.Outcome != Accept || !o.ReplyAt.IsZero() {
		t.Errorf("%v leaves at %v", o.Outcome, o.ReplyAt)
	}
	// A second factor asked for is a refusal to whoever listens: the password
	// alone did not open.
	if o := w.attempt(t, portalClient, "ann", text(annPassword)); o.Outcome != SecondFactor || o.ReplyAt.Sub(noon) != leastRefusal {
		t.Errorf("%v leaves at %v", o.Outcome, o.ReplyAt)
	}
}

func TestRefusalsAreCountedFromTheArrivalOfTheRequest(t *testing.T) {
	w := newWorld(t)
	arrived := noon.Add(-30 * time.Millisecond)
	d := w.engine.Authenticate(context.Background(), Attempt{At: arrived, Client: mailClient, Login: "bob", Secret: text("wrong"), Remote: mailAddr})
	if held := d.ReplyAt.Sub(arrived); held != leastRefusal {
		t.Errorf("held for %v after arrival", held)
	}
}

func TestRIsTheNinetyNinthPercentileOfLately(t *testing.T) {
	var p pace
	at := noon
	if r := p.refusal(at); r != leastRefusal {
		t.Fatalf("R is %v before anything was refused", r)
	}
	for i := 1; i <= paceSamples; i++ { // 1 ms to 512 ms, in another order
		p.note(at, time.Duration(i*5%513)*time.Millisecond)
	}
	if r := p.refusal(at); r != 507*time.Millisecond {
		t.Errorf("R is %v, want 507ms: 99 of 100 of 1 to 512 ms do not exceed it", r)
	}
	for range paceSamples {
		p.note(at, 20*time.Millisecond)
	}
	if r := p.refusal(at); r != leastRefusal {
		t.Errorf("R is %v after %d quick ones", r, paceSamples)
	}
}

func TestRForgetsALoadThatIsOver(t *testing.T) {
	var p pace
	for range paceSamples {
		p.note(noon, time.Second)
	}
	if r := p.refusal(noon.Add(paceMemory - time.Second)); r != time.Second {
		t.Errorf("R is %v while the load is remembered", r)
	}
	if r := p.refusal(noon.Add(paceMemory + time.Minute)); r != leastRefusal {
		t.Errorf("R is %v after the load was forgotten", r)
	}
}

func TestPercentile99(t *testing.T) {
	for _, c := range []struct {
		took []time.Duration
		want time.Duration
	}{
		{nil, 0},
		{[]time.Duration{5}, 5},
		{[]time.Duration{9, 1}, 9},
	} {
		if got := percentile99(c.took); got != c.want {
			t.Errorf("of %v: %v, want %v", c.took, got, c.want)
		}
	}
}

// TestFewCostlyHashesDoNotShow: one account in many has a hash that takes
// longer, and every refusal takes as long.
func TestFewCostlyHashesDoNotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const costly = 400 * time.Millisecond
		w := newWorld(t)
		w.tick()
		w.slowest = func() time.Duration { return costly }
		w.start()
		for i := range paceSamples { // over RADIUS, where no source has a limit
			w.attempt(t, vpnClient, fmt.Sprint("nobody", i), text("wrong"))
		}
		for login, took := range map[string]time.Duration{"bob": costly, "ann": 0, "nobody": 0} {
			w.duringHash = func() { time.Sleep(took) }
			a := Attempt{At: w.now(), Client: mailClient, Remote: mailAddr, Login: login, Secret: text("wrong")}
			d := w.engine.Authenticate(context.Background(), a)
			if held := d.ReplyAt.Sub(a.At); d.Outcome != Reject || held != costly {
				t.Errorf("%s: %v leaves after %v, want %v", login, d.Outcome, held, costly)
			}
		}
	})
}

// TestARefusalIsHeldToTheQueueItMet: all that come at one moment leave at one,
// those for whom a hash is run, whose turn comes when the queue is another, and
// those who need none.
func TestARefusalIsHeldToTheQueueItMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const queue = 3 * time.Second
		w := newWorld(t)
		w.tick()
		ahead := queue
		w.slowest = func() time.Duration { return ahead }
		w.start()
		for _, then := range []time.Duration{0, 2 * queue} {
			ahead = queue
			w.duringHash = func() { ahead = then }
			a := Attempt{At: w.now(), Client: mailClient, Remote: mailAddr, Login: "nobody", Secret: text("wrong")}
			d := w.engine.Authenticate(context.Background(), a)
			if held := d.ReplyAt.Sub(a.At); d.Outcome != Reject || held != queue {
				t.Errorf("%v leaves after %v, want %v", d.Outcome, held, queue)
			}
		}
	})
}

// TestBeforeTheFirstHashIsThroughEveryRefusalWaitsForIt: nobody can say then how
// long a hash takes, so who needs none hears it as late as who does, and leaves
// when he does. What is accepted leaves at once.
func TestBeforeTheFirstHashIsThroughEveryRefusalWaitsForIt(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const hash, longest = 300 * time.Millisecond, 700 * time.Millisecond
				w := newWorld(t)
				w.tick()
				began := w.now()
				w.slowest = func() time.Duration { return 0 }
				w.atFirst = func(context.Context) time.Duration {
					time.Sleep(hash - w.now().Sub(began)) // not at all where that is past
					return longest
				}
				w.start()
				app, _ := w.issue(t, "id-bob", nil)
				if d := w.attempt(t, mailClient, "bob", app); d.Outcome != Accept || w.now() != began {
					t.Errorf("%v after %v", d.Outcome, w.now().Sub(began))
				}
				a := r.set(t, w)
				w.apply()
				w.duringHash = func() { time.Sleep(hash) }
				a.At, a.Client, a.Remote = w.now(), mailClient, mailAddr
				d := w.engine.Authenticate(context.Background(), a)
				if held := d.ReplyAt.Sub(a.At); d.Outcome != Reject || held != longest {
					t.Errorf("%v leaves after %v, want %v", d.Outcome, held, longest)
				}
			})
		})
	}
}
