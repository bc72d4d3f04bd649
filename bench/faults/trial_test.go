package faults

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"testing"
	"time"

	"postern/bench/history"
	"postern/bench/site"
	"postern/ldapsrv/wire"
	"postern/secret"
)

const (
	password = "correct horse battery"
	people   = 10
	guarded  = "guarded" // has MFA on
)

// credential is an app password that somebody was given.
type credential struct{ login, id, secret string }

// trial is an installation under test, a record of what was done to it, and the
// app passwords that its people were given.
type trial struct {
	t    *testing.T
	site *site.Site
	rand *mathrand.Rand
	log  *history.Log

	mu      sync.Mutex // covers what follows
	given   []credential
	revoked map[string]bool // by id: somebody began to revoke it
	server  *site.Process
}

func login(i int) string { return fmt.Sprintf("person%d", i) }

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newTrial makes an installation in dir, with people, whose choices follow seed.
func newTrial(t *testing.T, dir string, seed uint64) *trial {
	t.Helper()
	binary, err := site.Build(t.Context(), "../..", t.TempDir())
	ok(t, err)
	s, err := site.New(t.Context(), binary, dir, site.Config)
	ok(t, err)
	h := &trial{
		t: t, site: s, rand: mathrand.New(mathrand.NewPCG(seed, 1)), //nolint:gosec // it chooses moments
		log: history.New(), revoked: map[string]bool{},
	}
	for i := range people {
		ok(t, s.AddPerson(t.Context(), login(i), password))
	}
	ok(t, s.AddPerson(t.Context(), guarded, password))
	_, err = s.Run(t.Context(), "", "user", "mfa", guarded, "on")
	ok(t, err)
	return h
}

func (h *trial) serve() {
	h.t.Helper()
	p, err := h.site.Serve(h.t.Context(), "ldap.listen", "radius.listen")
	ok(h.t, err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server = p
}

func (h *trial) running() *site.Process {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.server
}

// issue has run issue an app password and records what came of it: run returns
// the standard output and whether the command exited 0.
func (h *trial) issue(login string, run func(args ...string) (string, history.Outcome)) history.Outcome {
	h.t.Helper()
	return h.log.Do(history.Issue, func() (string, history.Outcome) {
		out, outcome := run("app-password", "issue", login, "--label", "phone", "--json")
		if outcome != history.Yes {
			return "", outcome
		}
		var issued site.Issued
		if err := json.Unmarshal([]byte(out), &issued); err != nil {
			h.t.Errorf("a command that exited 0 printed %q", out)
			return "", history.Unknown
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.given = append(h.given, credential{login, issued.ID, issued.Secret})
		return issued.ID, history.Yes
	})
}

// revoke has run revoke c and records what came of it.
func (h *trial) revoke(c credential, run func(args ...string) (string, history.Outcome)) history.Outcome {
	h.mu.Lock()
	h.revoked[c.id] = true
	h.mu.Unlock()
	return h.log.Do(history.Revoke, func() (string, history.Outcome) {
		_, outcome := run("app-password", "revoke", c.login, c.id)
		return c.id, outcome
	})
}

// undisturbed runs a command that must succeed.
func (h *trial) undisturbed(args ...string) (string, history.Outcome) {
	h.t.Helper()
	out, err := h.site.Run(h.t.Context(), "", args...)
	ok(h.t, err)
	return out, history.Yes
}

// untouched are the app passwords that nobody began to revoke.
func (h *trial) untouched() (list []credential) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.given {
		if !h.revoked[c.id] {
			list = append(list, c)
		}
	}
	return list
}

func (h *trial) everyone() []credential {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]credential(nil), h.given...)
}

// bind binds on a connection of its own and records it.
func (h *trial) bind(c credential) wire.Code {
	h.t.Helper()
	l, err := site.DialLDAP(h.running().At("ldap.listen"))
	ok(h.t, err)
	defer l.Close()
	code, err := h.bindOn(l, c)
	ok(h.t, err)
	return code
}

func (h *trial) bindOn(l *site.LDAP, c credential) (code wire.Code, err error) {
	h.log.Do(history.SignIn, func() (string, history.Outcome) {
		code, _, err = l.Bind(c.login, c.secret)
		return c.id, outcomeOf(code, err)
	})
	return code, err
}

func outcomeOf(code wire.Code, err error) history.Outcome {
	switch {
	case err == nil && code == wire.Success:
		return history.Yes
	case err == nil && code == wire.InvalidCredentials:
		return history.No
	}
	return history.Unknown
}

// never are secrets that open nothing: an app password that nobody issued, and
// the primary password of an account with MFA on.
func never(t *testing.T) []credential {
	t.Helper()
	made, err := secret.NewAppPassword(rand.Reader, secret.Standard)
	ok(t, err)
	return []credential{{login(0), "made up", made.Reveal()}, {guarded, "a primary with MFA on", password}}
}

// bindMeanwhile binds without pause until stop: with all app passwords there
// are, revoked ones among them, and beside that with what opens nothing. A
// server that is gone is dialled again.
func (h *trial) bindMeanwhile() (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	hopeless := never(h.t)
	var all sync.WaitGroup
	all.Go(func() { h.bindUntil(ctx, h.untouched) })
	all.Go(func() { h.bindUntil(ctx, h.everyone) })
	all.Go(func() { h.bindUntil(ctx, func() []credential { return hopeless }) })
	return func() { cancel(); all.Wait() }
}

func (h *trial) bindUntil(ctx context.Context, which func() []credential) {
	for ctx.Err() == nil {
		l, err := site.DialLDAP(h.running().At("ldap.listen"))
		if err != nil {
			continue
		}
		for n := 0; err == nil && n < 50 && ctx.Err() == nil; n++ {
			all := which()
			_, err = h.bindOn(l, all[mathrand.IntN(len(all))])
		}
		l.Close()
	}
}

// check binds with every app password there is, and holds the record, what is
// listed and the events to the properties.
func (h *trial) check() {
	h.t.Helper()
	for _, c := range append(h.everyone(), never(h.t)...) {
		h.bind(c)
	}
	if err := history.Check(h.log.Ops(), h.ended()); err != nil {
		h.t.Error(err)
	}
	h.t.Logf("%d app passwords issued, %d revoked, %d commands without an answer; %d binds let in, %d refused, %d not answered",
		h.log.Count(history.Issue, history.Yes), h.log.Count(history.Revoke, history.Yes),
		h.log.Count(history.Issue, history.Unknown)+h.log.Count(history.Revoke, history.Unknown),
		h.log.Count(history.SignIn, history.Yes), h.log.Count(history.SignIn, history.No), h.log.Count(history.SignIn, history.Unknown))
}

// ended is what is listed and recorded now.
func (h *trial) ended() history.Ended {
	h.t.Helper()
	e := history.Ended{Live: map[string]bool{}, Issued: map[string]int{}, Revoked: map[string]int{}}
	for i := range people {
		for _, a := range h.listed(login(i)) {
			e.Live[a.ID] = a.State != "revoked"
		}
	}
	out, err := h.site.Run(h.t.Context(), "", "events", "--since", "24h", "--json")
	ok(h.t, err)
	var events []struct {
		Kind       string
		Credential string `json:"app_password_id"`
	}
	ok(h.t, json.Unmarshal([]byte(out), &events))
	for _, ev := range events {
		switch ev.Kind {
		case "app_password_issued":
			e.Issued[ev.Credential]++
		case "app_password_revoked":
			e.Revoked[ev.Credential]++
		}
	}
	return e
}

type listed struct{ ID, State string }

func (h *trial) listed(login string) (list []listed) {
	h.t.Helper()
	out, err := h.site.Run(h.t.Context(), "", "app-password", "list", login, "--json")
	ok(h.t, err)
	ok(h.t, json.Unmarshal([]byte(out), &list))
	return list
}

// patience bounds waits for what is expected to come.
const patience = time.Minute
