package radiussrv_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"layeh.com/radius"

	"postern/policy"
	"postern/radiussrv"
)

func sleep(d time.Duration) { time.Sleep(d) } // inside a bubble
func now() time.Time        { return time.Now() }

// arrivals sends what is given and returns how long after it each reply left.
func arrivals(r *rig, total time.Duration, raws ...[]byte) []time.Duration {
	begin := time.Now()
	for _, raw := range raws {
		r.send(raw)
	}
	var out []time.Duration
	for time.Since(begin) <= total {
		for range r.replies() {
			out = append(out, time.Since(begin))
		}
		time.Sleep(time.Millisecond)
	}
	return out
}

func TestRefusalsLeaveAtTheirTimeAndAcceptancesAtOnce(t *testing.T) {
	after := func(work, reply time.Duration, o policy.Outcome) authenticate {
		return func(_ context.Context, a policy.Attempt) policy.Decision {
			time.Sleep(work)
			d := policy.Decision{Outcome: o}
			if reply > 0 {
				d.ReplyAt = a.At.Add(reply)
			}
			return d
		}
	}
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		delay  time.Duration
		engine authenticate
		want   time.Duration
	}{
		"reject, delay counted from receipt":    {1000 * ms, after(300*ms, 0, policy.Reject), 1000 * ms},
		"reject, the decision says later":       {1000 * ms, after(0, 1500*ms, policy.Reject), 1500 * ms},
		"reject, the decision says earlier":     {1000 * ms, after(0, 100*ms, policy.Reject), 1000 * ms},
		"reject, no delay, the decision's time": {0, after(20*ms, 100*ms, policy.Reject), 100 * ms},
		"reject, later than its time":           {1000 * ms, after(2000*ms, 100*ms, policy.Reject), 2000 * ms},
		"second factor is a reject":             {1000 * ms, after(0, 0, policy.SecondFactor), 1000 * ms},
		"enrol is a reject":                     {1000 * ms, after(0, 0, policy.Enrol), 1000 * ms},
		"accept":                                {1000 * ms, after(0, 0, policy.Accept), 0},
		"accept, the decision's time":           {1000 * ms, after(0, 50*ms, policy.Accept), 50 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: c.engine, RejectDelay: c.delay}, func(r *rig) {
				if got := arrivals(r, 3*time.Second, good(t)); !slices.Equal(got, []time.Duration{c.want}) {
					t.Errorf("replies left after %v, want one after %v", got, c.want)
				}
			})
		})
	}
}

func TestRequestsRefusedUnseenAreDelayedToo(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{RejectDelay: time.Second}, func(r *rig) {
		if got := arrivals(r, 2*time.Second, request(t, "", "x")); !slices.Equal(got, []time.Duration{time.Second}) {
			t.Errorf("replies left after %v, want one after 1s", got)
		}
	})
}

func TestEveryRefusalIsTheSameOctets(t *testing.T) {
	var outcome policy.Decision
	tell := authenticate(func(context.Context, policy.Attempt) policy.Decision { return outcome })
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: tell, DuplicateTTL: time.Millisecond}, func(r *rig) {
		raw := good(t)
		var first []byte
		for _, d := range []policy.Decision{
			{},
			{Reason: policy.ReasonPrimaryWithMFA, Service: "vpn"},
			{Reason: policy.ReasonRevoked, Credential: "5", Account: "7"},
			{Outcome: policy.SecondFactor, Reason: policy.ReasonAskSecondFactor, Account: "7", Login: "ann"},
			{Outcome: policy.Enrol, Reason: policy.ReasonAskEnrol, Account: "7", Login: "ann"},
		} {
			outcome = d
			reply := r.raw(raw)
			if first == nil {
				first = reply
			}
			if !slices.Equal(first, reply) {
				t.Errorf("%+v: % x, want % x", d, reply, first)
			}
			if len(reply) != 38 {
				t.Errorf("%+v: %d octets, want the header and the signature", d, len(reply))
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func TestHeldRefusalsHoldNoWorker(t *testing.T) {
	cfg := radiussrv.Config{Workers: 1, Queue: 1, RejectDelay: time.Second}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		for n := range 100 {
			r.sendFrom("127.0.0.1:"+itoa(1024+n), request(t, "ann", "wrong"))
		}
		if got := r.ask(good(t)).Code; got != radius.CodeAccessAccept {
			t.Fatalf("while refusals are held: %v", got)
		}
		time.Sleep(time.Second)
		if got := len(r.replies()); got != 100 {
			t.Errorf("%d refusals left after a second, want 100", got)
		}
	})
}

func TestHeldRefusalsLeaveInTheOrderOfTheirTimes(t *testing.T) {
	delays := []time.Duration{50, 10, 40, 10, 30, 20, 60, 5}
	tell := authenticate(func(_ context.Context, a policy.Attempt) policy.Decision {
		return policy.Decision{ReplyAt: a.At.Add(delays[a.Remote.Port()-1024] * time.Millisecond)}
	})
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: tell}, func(r *rig) {
		begin := time.Now()
		for n := range delays {
			r.sendFrom("127.0.0.1:"+itoa(1024+n), good(t))
		}
		var left []time.Duration
		for len(left) < len(delays) && time.Since(begin) < time.Second {
			for range r.replies() {
				left = append(left, time.Since(begin)/time.Millisecond)
			}
			time.Sleep(time.Millisecond)
		}
		slices.Sort(delays)
		if !slices.Equal(left, delays) {
			t.Errorf("left after %v ms, want %v", left, delays)
		}
	})
}

func TestTheHoldIsBoundedAndWhatDoesNotFitIsSilence(t *testing.T) {
	cfg := radiussrv.Config{Held: 10, RejectDelay: time.Second}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		raws := make([][]byte, 15)
		for n := range raws {
			raws[n] = request(t, "ann", "wrong")
			r.sendFrom("127.0.0.1:"+itoa(1024+n), raws[n])
		}
		r.dropped(radiussrv.DropHoldFull, 5)
		time.Sleep(time.Second)
		if got := len(r.replies()); got != 10 {
			t.Errorf("%d refusals left, want 10", got)
		}
		r.sendFrom("127.0.0.1:"+itoa(1024+14), raws[14]) // as its device does, which heard nothing
		for n := range 9 {
			r.sendFrom("127.0.0.1:"+itoa(2048+n), request(t, "ann", "wrong"))
		}
		time.Sleep(time.Second)
		if got := len(r.replies()); got != 10 {
			t.Errorf("%d refusals left once there was room again, want 10", got)
		}
		r.dropped(radiussrv.DropHoldFull, 5)
	})
}

func TestOneClientCannotFillTheHold(t *testing.T) {
	calm, noisy, third := loopback("calm"), loopback("noisy"), loopback("third")
	noisy.Address, third.Address = prefix("127.0.0.66/32"), prefix("127.0.0.77/32")
	cfg := radiussrv.Config{Held: 16, RejectDelay: time.Second, Clients: []radiussrv.Client{calm, noisy, third}}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		for n := range 50 {
			r.sendFrom("127.0.0.66:"+itoa(1024+n), request(t, "ann", "wrong"))
		}
		r.dropped(radiussrv.DropHoldFull, 50-12) // three quarters of the room
		for n := range 4 {
			r.sendFrom("127.0.0.1:"+itoa(1024+n), request(t, "ann", "wrong"))
		}
		r.dropped(radiussrv.DropHoldFull, 50-12)
		r.sendFrom("127.0.0.77:1024", request(t, "ann", "wrong"))
		r.dropped(radiussrv.DropHoldFull, 50-12+1) // all of it is taken
		time.Sleep(time.Second)
		if got := len(r.replies()); got != 16 {
			t.Errorf("%d refusals left, want 16", got)
		}
	})
}

// unnoticed is longer than workers that do not say that they wait may be taken
// for busy, so that what waits behind them begins a little late.
const unnoticed = 200 * time.Millisecond

func TestAFullQueueIsSilenceAndOneClientCannotFillIt(t *testing.T) {
	calm, noisy := loopback("calm"), loopback("noisy")
	noisy.Address = prefix("127.0.0.66/32")
	engine := slow(time.Second, oneRight)
	cfg := radiussrv.Config{Authenticator: engine, Clients: []radiussrv.Client{calm, noisy}, Workers: 4, Queue: 12}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		raws := make([][]byte, 50)
		for n := range raws {
			raws[n] = good(t)
			r.sendFrom("127.0.0.66:"+itoa(1024+n), raws[n])
		}
		r.dropped(radiussrv.DropQueueFull, 50-12) // three quarters of the sixteen places
		for n := range 4 {
			r.sendFrom("127.0.0.1:"+itoa(1024+n), good(t))
		}
		r.dropped(radiussrv.DropQueueFull, 50-12)
		time.Sleep(4*time.Second + unnoticed)
		if got := len(r.replies()); got != 16 {
			t.Errorf("%d answered, want the 16 that had a place", got)
		}
		for n := range 12 { // as devices do that heard nothing
			r.sendFrom("127.0.0.66:"+itoa(1024+38+n), raws[38+n])
		}
		time.Sleep(3*time.Second + unnoticed)
		if got := len(r.replies()); got != 12 {
			t.Errorf("%d answered once there was room again, want 12", got)
		}
	})
}

func TestAQueueWithoutRoomForAnybodyIsSilence(t *testing.T) {
	calm, noisy, third := loopback("calm"), loopback("noisy"), loopback("third")
	noisy.Address, third.Address = prefix("127.0.0.66/32"), prefix("127.0.0.77/32")
	cfg := radiussrv.Config{
		Authenticator: slow(time.Second, oneRight), Clients: []radiussrv.Client{calm, noisy, third}, Workers: 2, Queue: 2, Deadline: time.Minute,
	}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		late := good(t)
		for round := range 3 {
			for n := range 3 {
				r.sendFrom("127.0.0.66:"+itoa(1024+10*round+n), good(t))
			}
			r.sendFrom("127.0.0.77:"+itoa(1024+round), good(t))
			r.send(late)
			r.dropped(radiussrv.DropQueueFull, uint64(round+1))
			time.Sleep(2*time.Second + unnoticed)
			if got := len(r.replies()); got != 4 {
				t.Fatalf("round %d: %d answered, want 4", round, got)
			}
		}
		r.send(late)
		time.Sleep(time.Second)
		if got := len(r.replies()); got != 1 {
			t.Errorf("%d replies to what had found no room three times, want 1", got)
		}
	})
}

func TestRequestsThatWaitedTooLongAreNotTried(t *testing.T) {
	engine := &counted{policy: slow(3*time.Second, oneRight)}
	cfg := radiussrv.Config{Authenticator: engine, Workers: 1, Deadline: 5 * time.Second}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		for n := range 3 {
			r.sendFrom("127.0.0.1:"+itoa(1024+n), good(t))
		}
		time.Sleep(10 * time.Second)
		if got := len(r.replies()); got != 2 {
			t.Errorf("%d answered, want 2", got)
		}
		engine.expect(t, 2)
		r.dropped(radiussrv.DropStale, 1)
	})
}

func TestThePolicyIsGivenTheDeadlineOfTheRequest(t *testing.T) {
	engine := authenticate(func(ctx context.Context, a policy.Attempt) policy.Decision {
		<-ctx.Done()
		if got := time.Since(a.At); got != 5*time.Second {
			t.Errorf("the context ended after %v, want 5s", got)
		}
		return policy.Decision{Outcome: policy.Unavailable}
	})
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine}, func(r *rig) {
		r.send(good(t))
		r.silent()
		r.dropped(radiussrv.DropUnavailable, 1)
	})
}

func TestServeAnswersWhatIsUnderWayBeforeItEnds(t *testing.T) {
	engine := slow(2*time.Second, oneRight)
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: engine, Workers: 1, RejectDelay: 3 * time.Second}, func(r *rig) {
		r.sendFrom("127.0.0.1:1024", request(t, "ann", "wrong")) // held until 3 s
		r.sendFrom("127.0.0.1:1025", good(t))                    // decided at 4 s
		begin := time.Now()
		r.end()
		synctest.Wait()
		err := <-r.done
		if took := time.Since(begin); err != nil || took != 4*time.Second {
			t.Errorf("Serve returned %v after %v, want nil after 4s", err, took)
		}
		if got := len(r.replies()); got != 2 {
			t.Errorf("%d replies, want both", got)
		}
		r.done <- nil
	})
}

func TestARefusalWhoseTimeIsBeyondTheGraceIsNotSentEarly(t *testing.T) {
	cfg := radiussrv.Config{RejectDelay: 9 * time.Second, Grace: 8 * time.Second}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		r.send(request(t, "ann", "wrong"))
		begin := time.Now()
		r.end()
		err := <-r.done
		if took := time.Since(begin); err != nil || took != 8*time.Second {
			t.Errorf("Serve returned %v after %v, want nil after 8s", err, took)
		}
		if got := len(r.replies()); got != 0 {
			t.Errorf("%d replies left before their time", got)
		}
		r.done <- nil
	})
}

func TestSlowRequestsDoNotStandBeforeQuickOnes(t *testing.T) {
	engine := func(ctx context.Context, a policy.Attempt) policy.Decision {
		if a.Login == "slow" {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		return oneRight(ctx, a)
	}
	bubble(t, radiussrv.Authentication, radiussrv.Config{Authenticator: authenticate(engine)}, func(r *rig) {
		for n := range 100 {
			r.sendFrom("127.0.0.1:"+itoa(1024+n), request(t, "slow", "wrong"))
		}
		for range 10 {
			r.ask(good(t)) // at once, or it fails
		}
	})
}

func TestServeEndsWithItsGrace(t *testing.T) {
	engine := authenticate(func(ctx context.Context, _ policy.Attempt) policy.Decision {
		<-ctx.Done()
		return policy.Decision{Outcome: policy.Unavailable}
	})
	cfg := radiussrv.Config{Authenticator: engine, Deadline: time.Hour, Grace: 10 * time.Second}
	bubble(t, radiussrv.Authentication, cfg, func(r *rig) {
		r.send(good(t))
		begin := time.Now()
		r.end()
		err := <-r.done
		if took := time.Since(begin); err == nil || took != 10*time.Second {
			t.Errorf("Serve returned %v after %v, want an error after 10s", err, took)
		}
		r.done <- nil
	})
}
