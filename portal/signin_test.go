package portal_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// TestEveryRefusalIsTheSame holds what a stranger sees and measures to one
// answer: bytes, headers, the moment it leaves and the work that was done.
func TestEveryRefusalIsTheSame(t *testing.T) {
	w := newWorld(t)
	w.person("plain")
	w.enrolled("ann")
	off := w.person("off")
	w.must(w.accounts.Disable(t.Context(), "cli:test", off.ID))
	gone := w.person("gone")
	past := w.now().Add(-time.Hour)
	w.must(w.accounts.Set(t.Context(), "cli:test", gone.ID, expiring(past)))
	issued := w.issue(w.person("bea"), "Outlook")
	var first answer
	for i, c := range []struct {
		name, login, password string
		runs                  uint64
	}{
		{"unknown", "nobody", mainPassword, 1},
		{"no name at all", "", mainPassword, 1},
		{"wrong", "plain", "wrong", 1},
		{"wrong with MFA on", "ann", "wrong", 1},
		{"disabled", "off", mainPassword, 1},
		{"expired", "gone", mainPassword, 1},
		{"an app password", "bea", issued.Secret.Reveal(), 0},
		{"somebody else's app password", "plain", issued.Secret.Reveal(), 1},
	} {
		runs, began := w.hasher.Runs(), time.Now()
		got := w.tab().post("/signin", "login", c.login, "password", c.password)
		if i == 0 {
			first = got
		}
		d := w.decisions[len(w.decisions)-1]
		if d.Outcome != policy.Reject {
			t.Errorf("%s: %s", c.name, d.Outcome)
		}
		if held := d.ReplyAt.Sub(w.now()); held != 100*time.Millisecond || time.Since(began) < held {
			t.Errorf("%s: held for %v of %v", c.name, time.Since(began), held)
		}
		if got.StatusCode != first.StatusCode || got.Body != first.Body {
			t.Errorf("%s: %d, another page than for an unknown account", c.name, got.StatusCode)
		}
		if len(got.Header) != len(first.Header) {
			t.Errorf("%s: headers %v", c.name, got.Header)
		}
		if ran := w.hasher.Runs() - runs; ran != c.runs {
			t.Errorf("%s: %d hashes were run, want %d", c.name, ran, c.runs)
		}
	}
}

// TestNoAppPasswordOpensThePortal: rule 5, on every page that takes a password.
func TestNoAppPasswordOpensThePortal(t *testing.T) {
	w := newWorld(t)
	bob := w.person("bob")
	issued := w.issue(bob, "Outlook")
	w.tab().post("/signin", "login", "bob", "password", issued.Secret.Reveal()).is(http.StatusUnauthorized)
	b := w.tab()
	b.signIn("bob").goes("/home")
	b.post("/confirm", "password", issued.Secret.Reveal(), "next", "/security").is(http.StatusUnauthorized)
	b.post("/security/password", "old", issued.Secret.Reveal(), "new", "another password", "again", "another password").is(http.StatusUnprocessableEntity)
	if d := w.legacy("bob", secret.NewText(mainPassword)); d.Outcome != policy.Accept {
		t.Errorf("the main password was changed with an app password: %s", d.Reason)
	}
}

// TestACodeCountsOnceAlsoWhenRaced sends one code from many sign-ins at a time.
func TestACodeCountsOnceAlsoWhenRaced(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	browsers := make([]*tab, 8)
	for i := range browsers {
		browsers[i] = w.tab()
		browsers[i].signIn("ann").goes("/signin/code")
	}
	code := own.code()
	replies := make([]answer, len(browsers))
	var all sync.WaitGroup
	for i, b := range browsers {
		all.Go(func() { replies[i] = b.post("/signin/code", "code", code) })
	}
	all.Wait()
	in := 0
	for i, got := range replies {
		switch got.StatusCode {
		case http.StatusSeeOther:
			in++
			browsers[i].get("/security").is(http.StatusOK)
		case http.StatusUnauthorized:
			browsers[i].get("/security").goes("/signin?next=%2Fsecurity")
		default:
			t.Errorf("%d: %s", got.StatusCode, got.words())
		}
	}
	if in != 1 {
		t.Errorf("one code let %d in", in)
	}
}

// TestACodeMayHaveSpaces, as apps show it.
func TestACodeMayHaveSpaces(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.tab()
	b.signIn("ann").goes("/signin/code")
	code := own.code()
	b.post("/signin/code", "code", " "+code[:3]+" "+code[3:]+" ").goes("/home")
}

// TestGuessesAreBoundedOverAllSignIns: a thief with the main password can begin
// as many sign-ins as they like and still not go through a million codes. Who
// signs in from elsewhere is not kept out by it.
func TestGuessesAreBoundedOverAllSignIns(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	wrong := own.wrong()
	thief := func() *tab {
		b := w.tab()
		b.from = "203.0.113.66:4000"
		return b
	}
	for range 10 {
		b := thief()
		b.signIn("ann").goes("/signin/code")
		b.post("/signin/code", "code", wrong).is(http.StatusUnauthorized)
	}
	b := thief()
	if got := b.signIn("ann"); got.StatusCode == http.StatusSeeOther {
		b.post("/signin/code", "code", secret.TOTPCode(own.seed, w.now().Unix()/30+1)).is(http.StatusUnauthorized)
	}
	w.in("ann", own)
}

// TestASignInHalfWayTakesFewCodes and then begins anew.
func TestASignInHalfWayTakesFewCodes(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.tab()
	b.signIn("ann").goes("/signin/code")
	for range 5 {
		b.post("/signin/code", "code", own.wrong()).is(http.StatusUnauthorized)
	}
	b.post("/signin/code", "code", own.code()).is(http.StatusUnauthorized)
	b.post("/signin/code", "code", own.code()).goes("/signin")
}

// TestHalfASignInOpensNothing, and is over after five minutes.
func TestHalfASignInOpensNothing(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.tab()
	b.signIn("ann").goes("/signin/code")
	for _, path := range []string{"/home", "/app-passwords", "/app-passwords/new", "/security", "/activity", "/setup", "/confirm"} {
		if got := b.get(path); !strings.HasPrefix(got.Header.Get("Location"), "/signin") {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.words())
		}
	}
	w.later(5*time.Minute + time.Second)
	b.post("/signin/code", "code", own.code()).goes("/signin")
}

// TestNextStaysOnThePortal: no link sends people elsewhere after signing in.
func TestNextStaysOnThePortal(t *testing.T) {
	w := newWorld(t)
	w.person("bob")
	_, own := w.enrolled("ann")
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example"} {
		w.tab().post("/signin", "login", "bob", "password", mainPassword, "next", next).goes("/home")
		b := w.tab()
		b.post("/signin", "login", "ann", "password", mainPassword, "next", next).goes("/signin/code")
		b.post("/signin/code", "code", own.code()).goes("/home")
		b.post("/confirm", "code", own.code(), "next", next).goes("/home")
		b.post("/language", "language", "nl", "back", next).goes("/home")
		w.later(2 * time.Minute)
	}
	w.tab().post("/signin", "login", "bob", "password", mainPassword, "next", "/activity").goes("/activity")
}

// TestTheReasonStaysInTheRecord: what the page does not say, the owner's does.
func TestTheReasonStaysInTheRecord(t *testing.T) {
	w := newWorld(t)
	a, own := w.enrolled("ann")
	issued := w.issue(a, "Outlook")
	w.tab().post("/signin", "login", "ann", "password", issued.Secret.Reveal()).is(http.StatusUnauthorized)
	w.must(w.journal.Flush(t.Context()))
	w.in("ann", own).get("/activity").is(http.StatusOK).has("With an app password at the portal, where none works")
	events, err := w.store.Events(t.Context(), directory.EventFilter{AccountID: a.ID, Kinds: []directory.EventKind{directory.EventSignIn}})
	w.must(err)
	if len(events) == 0 {
		t.Fatal("nothing was recorded")
	}
}
