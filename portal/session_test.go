package portal_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// TestNoTokenSurvivesARise: a token that somebody planted or saw before is
// worth nothing after the sign-in, the second factor or a confirmation.
func TestNoTokenSurvivesARise(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	planted := strings.Repeat("A", 43)
	b := w.tab()
	b.cookies["session"], b.cookies["signin"] = planted, planted
	b.signIn("ann").goes("/signin/code")
	if b.cookies["signin"] == planted {
		t.Error("the planted token waits for the second factor")
	}
	b.post("/signin/code", "code", own.code()).goes("/home")
	seen := []string{planted, b.cookies["session"]}
	if seen[0] == seen[1] {
		t.Fatal("the planted token became a session")
	}
	b.post("/confirm", "code", own.code(), "next", "/security").goes("/security")
	for _, token := range seen {
		old := w.tab()
		old.cookies["session"] = token
		old.get("/security").goes("/signin?next=%2Fsecurity")
	}
	b.get("/security").is(http.StatusOK)
}

// TestSigningInAgainEndsTheOldSession of the same browser.
func TestSigningInAgainEndsTheOldSession(t *testing.T) {
	w := newWorld(t)
	w.person("bob")
	b := w.tab()
	b.signIn("bob").goes("/home")
	old := w.tab()
	old.cookies = maps.Clone(b.cookies)
	b.signIn("bob").goes("/home")
	old.get("/security").goes("/signin?next=%2Fsecurity")
	b.post("/signout").goes("/signin?done=signed-out")
	b.get("/security").goes("/signin?next=%2Fsecurity")
}

// TestSessionsEnd says what ends them, at the very next request.
func TestSessionsEnd(t *testing.T) {
	for name, end := range map[string]func(*world, directory.Account){
		"disabled":         func(w *world, a directory.Account) { w.must(w.accounts.Disable(w.t.Context(), "cli:test", a.ID)) },
		"MFA reset":        func(w *world, a directory.Account) { w.must(w.accounts.MFAReset(w.t.Context(), "cli:test", a.ID)) },
		"deleted":          func(w *world, a directory.Account) { w.must(w.accounts.Delete(w.t.Context(), "cli:test", a.ID)) },
		"idle":             func(w *world, _ directory.Account) { w.later(30 * time.Minute) },
		"password changed": changePassword,
		"expired": func(w *world, a directory.Account) {
			past := w.now().Add(-time.Second)
			w.must(w.accounts.Set(w.t.Context(), "cli:test", a.ID, expiring(past)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, own := w.enrolled("ann")
			b := w.in("ann", own)
			b.get("/security").is(http.StatusOK)
			end(w, a)
			b.get("/security").goes("/signin?next=%2Fsecurity")
			if got := b.post("/app-passwords/revoke-all"); !strings.HasPrefix(got.Header.Get("Location"), "/signin") {
				t.Errorf("a post still gets %d %s", got.StatusCode, got.words())
			}
		})
	}
}

func changePassword(w *world, a directory.Account) {
	w.must(w.accounts.SetPassword(w.t.Context(), "cli:test", a.ID, secret.NewText("another password"), false))
}

// TestWhoStaysIsNotSignedOut, and who is not signed in is not let in by it.
func TestWhoStaysIsNotSignedOut(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.in("ann", own)
	for range 3 {
		w.later(staysFor(t, b) - time.Second)
		b.post("/stay").is(http.StatusNoContent)
	}
	b.get("/security").is(http.StatusOK)
	w.tab().post("/stay").goes("/signin")
	w.later(30 * time.Minute)
	b.post("/stay").goes("/signin")
}

// staysFor is how long the page itself says that the sign-in lasts.
func staysFor(t *testing.T, b *tab) time.Duration {
	t.Helper()
	said := regexp.MustCompile(`data-idle="(\d+)"`).FindStringSubmatch(b.get("/home").Body)
	if said == nil {
		t.Fatal("the page does not say how long the sign-in lasts")
	}
	seconds, err := strconv.Atoi(said[1])
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(seconds) * time.Second
}

// TestASessionHasAnEndWhateverHappens: neither use nor confirmation prolongs
// it past eight hours.
func TestASessionHasAnEndWhateverHappens(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.in("ann", own)
	for range 31 {
		w.later(15 * time.Minute)
		b.get("/home").is(http.StatusOK)
	}
	b.post("/confirm", "code", own.code(), "next", "/security").goes("/security")
	w.later(15 * time.Minute)
	b.get("/security").goes("/signin?next=%2Fsecurity")
}

// TestMFATurnedOnMeanwhileCounts: a session by password alone opens nothing
// any more but the set-up, and nothing at all where a method is enrolled.
func TestMFATurnedOnMeanwhileCounts(t *testing.T) {
	w := newWorld(t)
	bob := w.person("bob")
	b := w.tab()
	b.signIn("bob").goes("/home")
	b.get("/security").is(http.StatusOK)
	w.must(w.accounts.MFAOn(t.Context(), "cli:test", bob.ID))
	b.get("/security").goes("/home")
	b.get("/home").has("Set it up now")
	w.enrol(bob)
	b.get("/home").goes("/signin?next=%2Fhome")
}

// TestChangesAskAgainAfterTenMinutes, for what is shown and what is sent, and
// nothing happens before.
func TestChangesAskAgainAfterTenMinutes(t *testing.T) {
	w := newWorld(t)
	a, own := w.enrolled("ann")
	issued := w.issue(a, "Outlook")
	b := w.in("ann", own)
	form := b.get("/app-passwords/new").is(http.StatusOK).value("form")
	w.later(10 * time.Minute)
	revoke := "/app-passwords/" + issued.AppPassword.ID + "/revoke"
	b.get("/app-passwords/new").goes("/confirm?next=%2Fapp-passwords%2Fnew")
	b.post("/app-passwords/new", "form", form, "label", "Phone", "scope", "any", "from", "/app-passwords/new").goes("/confirm?next=%2Fapp-passwords%2Fnew")
	b.post(revoke, "from", "/app-passwords").goes("/confirm?next=%2Fapp-passwords")
	b.post("/app-passwords/revoke-all", "from", "https://evil.example").goes("/confirm?next=%2Fhome")
	b.post("/setup/recovery", "form", form, "from", "/security").goes("/confirm?next=%2Fsecurity")
	b.get("/setup/app").goes("/confirm?next=%2Fsetup%2Fapp")
	b.post("/security/password", "old", mainPassword, "new", "another password", "again", "another password").goes("/confirm?next=%2Fhome")
	b.header.Set("Accept", "application/json")
	if got := b.post("/setup/passkey/begin").is(http.StatusUnauthorized); !strings.Contains(got.Body, `"next":"/confirm?next=%2Fsetup%2Fpasskey"`) {
		t.Errorf("the script is told %s", got.Body)
	}
	b.header.Del("Accept")
	w.must(w.journal.Flush(t.Context()))
	if d := w.legacy("ann", issued.Secret); d.Outcome != policy.Accept {
		t.Errorf("it was revoked without a fresh second factor: %s", d.Reason)
	}
	list, err := w.accounts.AppPasswords(t.Context(), a.ID)
	w.must(err)
	if len(list) != 1 {
		t.Errorf("%d app passwords, want the one", len(list))
	}
	b.post("/confirm", "code", own.wrong(), "next", "/app-passwords").is(http.StatusUnauthorized)
	b.post("/confirm", "code", own.code(), "next", "/app-passwords").goes("/app-passwords")
	b.post(revoke).goes("/app-passwords?done=revoked")
	if d := w.legacy("ann", issued.Secret); d.Outcome != policy.Reject {
		t.Errorf("a revoked app password: %s", d.Outcome)
	}
}

// TestWrongConfirmationsEndTheSession after the fifth.
func TestWrongConfirmationsEndTheSession(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.in("ann", own)
	for range 4 {
		b.post("/confirm", "code", own.wrong()).is(http.StatusUnauthorized)
	}
	b.post("/confirm", "code", own.wrong()).goes("/signin")
	b.get("/security").goes("/signin?next=%2Fsecurity")
	events, err := w.store.Events(t.Context(), directory.EventFilter{Kinds: []directory.EventKind{directory.EventSessionBroken}, Limit: 10})
	w.must(err)
	if len(events) != 1 || events[0].Login != "ann" || events[0].Source == "" {
		t.Errorf("the events are %+v", events)
	}
}

// TestSessionsAreListedAndEnded, one and all others, and nobody else's.
func TestSessionsAreListedAndEnded(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	one, two, three := w.in("ann", own), w.in("ann", own), w.in("ann", own)
	w.person("bob")
	bob := w.tab()
	bob.signIn("bob").goes("/home")

	page := one.get("/security").is(http.StatusOK)
	if n := strings.Count(page.Body, `name="session"`); n != 2 {
		t.Fatalf("%d other sessions are listed, want 2", n)
	}
	digest := page.value("session")
	bob.post("/security/sessions/end", "session", digest).goes("/security?done=session-ended")
	alive := func(b *tab) bool { return b.get("/security").StatusCode == http.StatusOK }
	if !alive(two) || !alive(three) {
		t.Fatal("bob ended a session of ann's")
	}
	one.post("/security/sessions/end", "session", digest).goes("/security?done=session-ended")
	if alive(two) == alive(three) {
		t.Error("ending one session ended none or both")
	}
	one.post("/security/sessions/end-others").goes("/security?done=sessions-ended")
	if alive(two) || alive(three) || !alive(one) || !alive(bob) {
		t.Error("ending the others did not end them, or ended more")
	}
}

// slowBody is a body that arrives when it is let go.
type slowBody struct {
	io.Reader
	asked, arrives chan struct{}
	once           sync.Once
}

func newSlowBody(form url.Values) *slowBody {
	return &slowBody{Reader: strings.NewReader(form.Encode()), asked: make(chan struct{}), arrives: make(chan struct{})}
}

// Read says that the request has got as far as its body.
func (s *slowBody) Read(b []byte) (int, error) {
	s.once.Do(func() { close(s.asked) })
	<-s.arrives
	return s.Reader.Read(b)
}

// sendSlowly posts with the cookies there are now, and says where the reply
// leads.
func (b *tab) sendSlowly(path string, body io.Reader) string {
	r := httptest.NewRequestWithContext(b.w.t.Context(), http.MethodPost, "http://"+b.w.settings.PublicURL.Host+path, body)
	r.RemoteAddr = b.from
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	b.w.portal.ServeHTTP(rec, r)
	return fmt.Sprint(rec.Code, " ", rec.Header().Get("Location"))
}

// TestRequestsUnderWayTryNoMoreAnswers than one after the other could: what is
// begun while the session lives and finished afterwards is nobody's.
func TestRequestsUnderWayTryNoMoreAnswers(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.in("ann", own)
	wrong, right := own.wrong(), own.code()
	var bodies []*slowBody
	replies := make(chan string)
	for i := range 10 {
		code := wrong
		if i == 9 {
			code = right
		}
		body := newSlowBody(url.Values{"code": {code}, "next": {"/security"}})
		bodies = append(bodies, body)
		go func() { replies <- b.sendSlowly("/confirm", body) }()
		<-body.asked
	}
	last := ""
	for _, body := range bodies {
		close(body.arrives)
		last = <-replies
	}
	if last != "303 /signin" {
		t.Errorf("the tenth answer leads to %s", last)
	}
}

// TestAnswersSentAtOnceCountAll before they are checked.
func TestAnswersSentAtOnceCountAll(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.in("ann", own)
	form := url.Values{"code": {own.wrong()}}.Encode()
	var checked atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if b.sendSlowly("/confirm", strings.NewReader(form)) == "401 " {
				checked.Add(1)
			}
		})
	}
	all.Wait()
	if n := checked.Load(); n > 4 {
		t.Errorf("%d answers were refused before the session ended, want 4 at most", n)
	}
}

// TestARequestFinishedAfterItsSessionEndedIsNobodys: what it asks for is not
// done, however early it was begun.
func TestARequestFinishedAfterItsSessionEndedIsNobodys(t *testing.T) {
	for name, end := range map[string]func(*world, directory.Account) error{
		"MFA reset": func(w *world, a directory.Account) error { return w.accounts.MFAReset(t.Context(), "cli:test", a.ID) },
		"disabled":  func(w *world, a directory.Account) error { return w.accounts.Disable(t.Context(), "cli:test", a.ID) },
	} {
		w := newWorld(t)
		a, own := w.enrolled("ann")
		b := w.in("ann", own)
		form := b.get("/app-passwords/new").value("form")
		slow := newSlowBody(url.Values{"form": {form}, "label": {"Thief"}, "scope": {"any"}})
		ended := make(chan string)
		go func() { ended <- b.sendSlowly("/app-passwords/new", slow) }()
		<-slow.asked
		w.must(end(w, a))
		close(slow.arrives)
		if reply := <-ended; reply != "303 /signin" {
			t.Errorf("%s: answered %s, want the way to the sign-in", name, reply)
		}
		list, err := w.accounts.AppPasswords(t.Context(), a.ID)
		w.must(err)
		if len(list) != 0 {
			t.Errorf("%s: an app password was made by whom nobody knows any more", name)
		}
	}
}
