package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
	"postern/secret"
)

func TestTheEventSaysWhoWhatWhereAndWhy(t *testing.T) {
	w := newWorld(t)
	app, row := w.issue(t, "id-ann", nil)
	o := w.authenticate(t, Attempt{
		At: noon.Add(1500 * time.Microsecond).In(time.FixedZone("", 3600)), ID: "attempt-1",
		Client: Client{Protocol: RADIUS, Method: "pap", Name: "vpn", Reported: "00-11-22-33-44-55"},
		Login:  "ann", Secret: app, Remote: mailAddr,
	})
	at := noon.Add(time.Millisecond)
	want := directory.Event{
		At: at, LastAt: at, Count: 1, Kind: directory.EventSignIn, AccountID: "id-ann", Login: "Ann",
		Outcome: "accept", Reason: "app_password", Service: "vpn", Protocol: "radius", Method: "pap", Client: "vpn",
		Source: "192.0.2.5", Reported: "00-11-22-33-44-55", Credential: row.Credential.ID,
	}
	if o.event != want {
		t.Errorf("event\n%+v, want\n%+v", o.event, want)
	}
	if len(w.uses) != 1 || w.uses[0].Credential != row.Credential.ID || w.uses[0].From != "192.0.2.5" || w.uses[0].Service != "vpn" {
		t.Errorf("uses %+v", w.uses)
	}
	if !strings.Contains(w.log.String(), "attempt=attempt-1") {
		t.Errorf("log:\n%s", w.log)
	}
}

func TestARefusedAppPasswordIsNamedInTheEvent(t *testing.T) {
	w := newWorld(t)
	app, row := w.issue(t, "id-ann", nil)
	row.Credential.RevokedAt = noon
	o := w.attempt(t, mailClient, "ann", app)
	if o.event.Credential != row.Credential.ID || o.Credential != "" {
		t.Errorf("event names %q, decision %q", o.event.Credential, o.Credential)
	}
	if o.event.Client != "127.0.0.1:3389" {
		t.Errorf("LDAP client %q, want the listener", o.event.Client)
	}
}

func TestAnExemptLoginHasAnEventOfItsOwnKind(t *testing.T) {
	w := newWorld(t)
	w.rules.Exempt = []string{"ann"}
	w.apply()
	app, _ := w.issue(t, "id-ann", nil)
	for _, typed := range []secret.Text{text(annPassword), text("wrong"), app} {
		if o := w.attempt(t, mailClient, "ann", typed); o.event.Kind != directory.EventBreakGlass {
			t.Errorf("event of kind %q", o.event.Kind)
		}
	}
	if n := strings.Count(w.log.String(), "level=WARN"); n != 3 {
		t.Errorf("%d warnings for 3 sign-ins, log:\n%s", n, w.log)
	}
	if o := w.attempt(t, mailClient, "bob", text(bobPassword)); o.event.Kind != directory.EventSignIn {
		t.Errorf("event of kind %q for another login", o.event.Kind)
	}
}

func TestOneNameNobodyHasIsOneKeyedHash(t *testing.T) {
	w := newWorld(t)
	first := w.attempt(t, mailClient, "Nobody", text("x")).event
	again := w.attempt(t, mailClient, "nobody", text("x")).event
	other := w.attempt(t, mailClient, "nobody2", text("x")).event
	if first.Unknown == "" || first.Unknown != again.Unknown || first.Unknown == other.Unknown || first.Login+first.AccountID != "" {
		t.Errorf("unknown %q, %q, %q; login %q", first.Unknown, again.Unknown, other.Unknown, first.Login)
	}
}

// TestNothingTypedIsKept types a canary into every field that a stranger can
// fill and looks for it in everything that is kept.
func TestNothingTypedIsKept(t *testing.T) {
	const canary = "c4n4ry"
	w := newWorld(t)
	for _, a := range []Attempt{
		{Login: canary, Secret: text(canary)},
		{Login: canary + "\x00", Secret: text(canary)},
		{Login: canary + "@example.org", Secret: text(canary)},
		{Login: "ann", Secret: text(canary)},
		{Login: "ann", Secret: text(annPassword)},
		{Login: canary, Proof: &ntProof{used: []byte(canary)}},
		{Login: "bob", Secret: text(bobPassword), Client: Client{Reported: canary + "\x1b[2J"}},
		{Login: "bob", Secret: text(bobPassword), Client: Client{Reported: canary}},
		{Login: "bob", Secret: text(bobPassword), Client: Client{Reported: strings.Repeat("0123", 50) + canary}},
	} {
		a.Remote = mailAddr
		o := w.authenticate(t, a)
		kept := fmt.Sprintf("%+v %#v %+v %v", o.event, o.Decision, o.Decision, w.log)
		for _, typed := range []string{canary, annPassword, bobPassword} {
			if strings.Contains(kept, typed) {
				t.Errorf("%q is kept: %s", typed, kept)
			}
		}
	}
}

func TestLevelsSayWhetherSomebodyIsNeeded(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*world, *Holding)
		want string
	}{
		"accepted app password": {func(*world, *Holding) {}, "level=DEBUG"},
		"revoked":               {func(_ *world, h *Holding) { h.Credential.RevokedAt = noon }, "level=INFO"},
		"tampered with":         {func(_ *world, h *Holding) { h.RowMAC = secret.MAC{} }, "level=WARN"},
		"database broken":       {func(w *world, _ *Holding) { w.failQuery["AppPassword"] = errors.New("broken") }, "level=ERROR"},
	} {
		w := newWorld(t)
		app, row := w.issue(t, "id-ann", nil)
		c.set(w, row)
		w.attempt(t, mailClient, "ann", app)
		if got := w.log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, c.want) {
			t.Errorf("%s: log %q, want one line at %s", name, got, c.want)
		}
	}
}

// renewal is a Rehasher that takes a second and notes what it was given.
type renewal struct {
	mu    sync.Mutex
	given []string
	fails error
}

func (r *renewal) Rehash(_ context.Context, accountID string, old, typed secret.Text) error {
	time.Sleep(time.Second)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given = append(r.given, accountID+": "+old.Reveal()+" for "+typed.Reveal())
	return r.fails
}

func TestAStaleHashIsRenewedAfterAGoodSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := newWorld(t), &renewal{}
		w.rehash, w.stale = r, true
		w.start()
		began := time.Now()
		w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
		if took := time.Since(began); took != 0 {
			t.Errorf("the sign-in took %v", took)
		}
		w.engine.Close()
		if want := "id-bob: hash of " + bobPassword + " for " + bobPassword; len(r.given) != 1 || r.given[0] != want {
			t.Errorf("given %q, want %q", r.given, want)
		}
	})
}

func TestAHashIsNotRenewedForARefusedSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := newWorld(t), &renewal{}
		w.rehash, w.stale = r, true
		w.start()
		app, _ := w.issue(t, "id-ann", nil)
		w.attempt(t, mailClient, "ann", text(annPassword)).expect(t, Reject, ReasonPrimaryWithMFA)
		w.attempt(t, mailClient, "bob", text("wrong")).expect(t, Reject, ReasonWrongSecret)
		w.attempt(t, mailClient, "ann", app).expect(t, Accept, ReasonAppPassword)
		w.engine.Close()
		if len(r.given) != 0 {
			t.Errorf("given %q", r.given)
		}
		w.attempt(t, portalClient, "ann", text(annPassword)).expect(t, SecondFactor, ReasonAskSecondFactor)
		w.engine.Close()
		if len(r.given) != 1 {
			t.Errorf("given %q where a second factor follows", r.given)
		}
	})
}

func TestRenewalsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, r := newWorld(t), &renewal{fails: errors.New("no room")}
		w.rehash, w.stale = r, true
		w.start()
		for range 50 {
			w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
		}
		w.engine.Close()
		if len(r.given) != rehashesAtOnce {
			t.Errorf("%d renewals at once, want %d", len(r.given), rehashesAtOnce)
		}
		if !bytes.Contains(w.log.Bytes(), []byte("no room")) {
			t.Error("the log does not say that it failed")
		}
	})
}

// TestWhatCanBeHadWithoutEndIsNotLoudEachTime: refusals that cost no hash, and
// what befalls everybody at once.
func TestWhatCanBeHadWithoutEndIsNotLoudEachTime(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*world)
		send    func(i int) string
		loud    int
	}{
		"the same wrong password": {send: func(int) string { return "wrong" }, loud: 1},
		"guesses":                 {send: func(i int) string { return fmt.Sprint("guess ", i) }, loud: 10},
		"a full queue":            {prepare: func(w *world) { w.failHash = secret.ErrBusy }, send: func(int) string { return "wrong" }, loud: 1},
		"a broken store": {prepare: func(w *world) { w.failQuery["HolderByName"] = errors.New("disk on fire") },
			send: func(int) string { return "wrong" }, loud: 1},
	} {
		w := newWorld(t)
		w.rules.Exempt = []string{"bob"} // the loudest there is
		w.apply()
		if c.prepare != nil {
			c.prepare(w)
		}
		for i := range 100 {
			w.attempt(t, mailClient, "bob", text(c.send(i)))
		}
		log := w.log.String()
		if loud := strings.Count(log, "\n") - strings.Count(log, "level=DEBUG"); loud != c.loud || len(w.events) != 100 {
			t.Errorf("%s: %d loud lines and %d events of 100 attempts, want %d lines", name, loud, len(w.events), c.loud)
		}
	}
}

func TestOnlyWhatCanBeAnAddressIsKeptOfWhatIsReported(t *testing.T) {
	for _, kept := range []string{
		"", "192.0.2.7", "2001:db8::7", "00-11-22-AA-bb-ff", "00:11:22:33:44:55", "+31 20 555", strings.Repeat("f", maxReported),
	} {
		if got := reported(kept); got != kept {
			t.Errorf("%q is kept as %q", kept, got)
		}
	}
	for _, typed := range []string{
		"ann", "correct horse", "00-11-22:wifi", "g", "192.0.2.7\x00", "1\xff", "é1", "0\u2007", "1\n", strings.Repeat("f", maxReported+1),
	} {
		if got := reported(typed); got != "not an address" {
			t.Errorf("%q is kept as %q", typed, got)
		}
	}
}

func BenchmarkReported(b *testing.B) {
	for b.Loop() {
		reported("00-11-22-33-44-55")
	}
}
