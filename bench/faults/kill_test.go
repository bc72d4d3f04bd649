package faults

import (
	"bytes"
	"testing"
	"time"

	"postern/bench/history"
	"postern/ldapsrv/wire"
)

// loops is how often somebody issues or revokes.
const loops = 200

// TestWhatWasAcknowledgedOutlivesKills issues and revokes 200 times while
// commands and the server are killed at random moments and binds go on: what
// exited 0 holds, everything else is all or nothing.
func TestWhatWasAcknowledgedOutlivesKills(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	h := newTrial(t, t.TempDir(), seed)
	began := time.Now()
	for i := range people {
		h.issue(login(i), h.undisturbed)
	}
	k := &killer{h, time.Since(began) / people}
	h.serve()
	stop := h.bindMeanwhile()
	for i := range loops {
		if i%20 == 19 {
			h.running().Kill()
			h.serve()
		}
		k.change()
	}
	stop()
	killed := h.log.Count(history.Issue, history.Unknown) + h.log.Count(history.Revoke, history.Unknown)
	if killed == 0 || h.log.Count(history.SignIn, history.Yes) == 0 || h.log.Count(history.Revoke, history.Yes) == 0 {
		t.Errorf("%d commands were killed; that, sign-ins or revocations are none: the run shows nothing", killed)
	}
	h.check()
	h.running().Kill()
}

// killer runs commands that are killed at a random moment, or not at all.
type killer struct {
	*trial
	usual time.Duration // how long a command takes, of late
}

// change issues or revokes.
func (k *killer) change() {
	if live := k.untouched(); len(live) > 5 && k.rand.IntN(2) == 0 {
		c := live[k.rand.IntN(len(live))]
		if k.revoke(c, k.command) == history.Yes {
			if code := k.bind(c); code != wire.InvalidCredentials {
				k.t.Errorf("the next bind after a revocation answers %d", code)
			}
		}
		return
	}
	k.issue(login(k.rand.IntN(people)), k.command)
}

// command runs a command that may be killed. One that ended otherwise than by
// exit 0 may have done its work or not.
func (k *killer) command(args ...string) (string, history.Outcome) {
	k.t.Helper()
	cmd := k.site.Command(k.t.Context(), args...)
	var out bytes.Buffer
	cmd.Stdout = &out
	began := time.Now()
	ok(k.t, cmd.Start())
	timer := time.AfterFunc(time.Duration(k.rand.Int64N(int64(2*k.usual))), func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil { // where the machine has become slow, not all are to be killed
		k.usual += k.usual / 8
		return "", history.Unknown
	}
	k.usual = (3*k.usual + time.Since(began)) / 4
	return out.String(), history.Yes
}
