package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"postern/bench/site"
	"postern/ldapsrv/wire"
)

const (
	password = "correct horse battery"
	people   = 10
	loops    = 200
)

// credential is an app password that somebody was given.
type credential struct{ login, id, secret string }

// history is what was done and what was acknowledged.
type history struct {
	t       *testing.T
	site    *site.Site
	rand    *rand.Rand
	usual   time.Duration // how long a command takes
	live    []credential  // acknowledged as issued, and nobody tried to revoke them
	revoked []credential  // acknowledged as revoked
	unsure  []credential  // whose revocation was killed
	killed  int

	mu     sync.Mutex
	server *site.Process
}

// TestWhatWasAcknowledgedOutlivesKills issues and revokes 200 times while
// commands and the server are killed at random moments and binds go on: what
// exited 0 holds, everything else is all or nothing.
func TestWhatWasAcknowledgedOutlivesKills(t *testing.T) {
	h := newHistory(t)
	h.serve()
	stop := h.bindMeanwhile()
	for i := range loops {
		if i%20 == 19 {
			h.running().Kill()
			h.serve()
		}
		if len(h.live) > 5 && h.rand.IntN(2) == 0 {
			h.revoke(h.rand.IntN(len(h.live)))
		} else {
			h.issue(login(h.rand.IntN(people)))
		}
	}
	answered := stop()
	t.Logf("%d of %d commands were killed; %d app passwords are live, %d revoked, %d unsure; %d binds were answered beside them",
		h.killed, loops, len(h.live), len(h.revoked), len(h.unsure), answered)
	if h.killed == 0 || answered == 0 || len(h.live) == 0 || len(h.revoked) == 0 {
		t.Error("one of these is none: the run shows nothing")
	}
	h.check()
	h.running().Kill()
}

func login(i int) string { return fmt.Sprintf("person%d", i) }

func newHistory(t *testing.T) *history {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	binary, err := site.Build(t.Context(), "../..", t.TempDir())
	ok(t, err)
	s, err := site.New(t.Context(), binary, t.TempDir(), site.Config)
	ok(t, err)
	h := &history{t: t, site: s, rand: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // it chooses moments
	for i := range people {
		ok(t, s.AddPerson(t.Context(), login(i), password))
	}
	began := time.Now()
	for i := range people {
		i, err := s.Issue(t.Context(), login(i), "phone")
		ok(t, err)
		h.live = append(h.live, credential{login(len(h.live)), i.ID, i.Secret})
	}
	h.usual = time.Since(began) / people
	return h
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *history) serve() {
	h.t.Helper()
	p, err := h.site.Serve(h.t.Context(), "ldap.listen", "radius.listen")
	ok(h.t, err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server = p
}

func (h *history) running() *site.Process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.server
}

// bindMeanwhile binds without pause until stop, which returns how many binds
// were answered. A server that is gone is dialled again.
func (h *history) bindMeanwhile() (stop func() int) {
	done, counted := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-done:
				counted <- n
				return
			default:
			}
			l, err := site.DialLDAP(h.running().At("ldap.listen"))
			if err != nil {
				continue
			}
			for err == nil && n%50 != 49 {
				if _, _, err = l.Bind(login(n%people), password); err == nil {
					n++
				}
			}
			n++
			l.Close()
		}
	}()
	return func() int { close(done); return <-counted }
}

// command runs a command that is killed at a random moment, or not at all, and
// reports whether it exited 0.
func (h *history) command(args ...string) (stdout string, done bool) {
	h.t.Helper()
	cmd := h.site.Command(h.t.Context(), args...)
	var out bytes.Buffer
	cmd.Stdout = &out
	ok(h.t, cmd.Start())
	timer := time.AfterFunc(time.Duration(h.rand.Int64N(int64(2*h.usual))), func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	if err != nil {
		h.killed++
	}
	return out.String(), err == nil
}

func (h *history) issue(login string) {
	out, done := h.command("app-password", "issue", login, "--label", "phone", "--json")
	if !done {
		return
	}
	var issued site.Issued
	if err := json.Unmarshal([]byte(out), &issued); err != nil {
		h.t.Errorf("a command that exited 0 printed %q", out)
		return
	}
	h.live = append(h.live, credential{login, issued.ID, issued.Secret})
}

func (h *history) revoke(i int) {
	c := h.live[i]
	h.live = append(h.live[:i], h.live[i+1:]...)
	if _, done := h.command("app-password", "revoke", c.login, c.id); !done {
		h.unsure = append(h.unsure, c)
		return
	}
	h.revoked = append(h.revoked, c)
	if code := h.bind(c); code != wire.InvalidCredentials {
		h.t.Errorf("the next bind after a revocation answers %d", code)
	}
}

func (h *history) bind(c credential) wire.Code {
	h.t.Helper()
	l, err := site.DialLDAP(h.running().At("ldap.listen"))
	ok(h.t, err)
	defer l.Close()
	code, _, err := l.Bind(c.login, c.secret)
	ok(h.t, err)
	return code
}

// check holds what the server answers, what is listed and what is recorded
// against the history.
func (h *history) check() {
	h.t.Helper()
	for _, c := range h.live {
		if code := h.bind(c); code != wire.Success {
			h.t.Errorf("app password %s was issued and answers %d", c.id, code)
		}
	}
	for _, c := range h.revoked {
		if code := h.bind(c); code != wire.InvalidCredentials {
			h.t.Errorf("app password %s was revoked and answers %d", c.id, code)
		}
	}
	issued, ended := h.recorded()
	listed := 0
	for i := range people {
		for _, a := range h.listed(login(i)) {
			listed++
			revoked := 0
			if a.State == "revoked" {
				revoked = 1
			}
			if issued[a.ID] != 1 || ended[a.ID] != revoked {
				h.t.Errorf("app password %s is %s and has %d events of its issue and %d of its end", a.ID, a.State, issued[a.ID], ended[a.ID])
			}
		}
	}
	if listed != len(issued) {
		h.t.Errorf("%d app passwords are listed, %d are recorded as issued", listed, len(issued))
	}
	if least := len(h.live) + len(h.revoked) + len(h.unsure); listed < least {
		h.t.Errorf("%d app passwords are listed, %d were acknowledged", listed, least)
	}
}

type listed struct{ ID, State string }

func (h *history) listed(login string) (list []listed) {
	h.t.Helper()
	out, err := h.site.Run(h.t.Context(), "", "app-password", "list", login, "--json")
	ok(h.t, err)
	ok(h.t, json.Unmarshal([]byte(out), &list))
	return list
}

// recorded counts the events of issuing and revoking per app password.
func (h *history) recorded() (issued, ended map[string]int) {
	h.t.Helper()
	out, err := h.site.Run(h.t.Context(), "", "events", "--since", "24h", "--json")
	ok(h.t, err)
	var events []struct {
		Kind       string
		Credential string `json:"app_password_id"`
	}
	ok(h.t, json.Unmarshal([]byte(out), &events))
	issued, ended = map[string]int{}, map[string]int{}
	for _, e := range events {
		switch e.Kind {
		case "app_password_issued":
			issued[e.Credential]++
		case "app_password_revoked":
			ended[e.Credential]++
		}
	}
	return issued, ended
}
