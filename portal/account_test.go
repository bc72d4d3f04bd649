package portal_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// TestTheDiagnosis: which client sends the main password, and that it is gone
// when that client has an app password.
func TestTheDiagnosis(t *testing.T) {
	w := newWorld(t)
	ann, own := w.enrolled("ann")
	b := w.in("ann", own)
	w.legacy("ann", secret.NewText(mainPassword))
	for _, path := range []string{"/home", "/activity"} {
		b.get(path).is(http.StatusOK).
			has("A client through mail sent your main password and was refused").
			has(w.now().Format("15:04") + " UTC").has("from 192.0.2.25").has("Give it an app password instead.")
	}
	b.header.Set("Accept-Language", "nl")
	b.get("/activity").has("Een programma stuurde via mail uw hoofdwachtwoord en werd geweigerd").has("Geef het een app-wachtwoord.")
	b.header.Del("Accept-Language")

	issued := w.issue(ann, "Outlook")
	w.later(time.Minute)
	w.legacy("ann", issued.Secret)
	b.get("/home").hasNot("sent your main password and")

	_, err := w.accounts.Revoke(t.Context(), "cli:test", ann.ID, issued.AppPassword.ID)
	w.must(err)
	w.later(time.Minute)
	w.legacy("ann", issued.Secret)
	b.get("/home").has("still sends the app password “Outlook”, which was revoked")
}

// TestTheRecordIsTheOwners: theirs alone, paged, in plain words.
func TestTheRecordIsTheOwners(t *testing.T) {
	w := newWorld(t)
	ann, own := w.enrolled("ann")
	bob := w.person("bob")
	w.issue(bob, "Bobs device")
	b := w.in("ann", own)
	var events []directory.Event
	for n := range 45 {
		id, err := directory.NewID(zeros(n))
		w.must(err)
		events = append(events, directory.Event{
			ID: id, At: w.now().Add(time.Duration(n) * time.Second), Kind: directory.EventSignIn, AccountID: ann.ID, Login: "ann", Count: 1,
			Outcome: "reject", Reason: "wrong_secret", Protocol: "radius", Service: "vpn", Client: "vpn-box",
			Source: netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}).String(), Reported: "198.51.100.7",
		})
	}
	w.must(w.store.AppendEvents(t.Context(), events))
	seen, path := map[string]bool{}, "/activity"
	pages := 0
	for ; path != "" && pages < 10; pages++ {
		page := b.get(path).is(http.StatusOK).hasNot("Bobs device")
		for _, source := range regexp.MustCompile(`from (192\.0\.2\.\d+)`).FindAllStringSubmatch(page.words(), -1) {
			if seen[source[1]] {
				t.Errorf("%s is shown twice", source[1])
			}
			seen[source[1]] = true
		}
		path = ""
		if m := regexp.MustCompile(`href="(/activity\?before=[^"]+)"`).FindStringSubmatch(page.Body); m != nil {
			path = m[1]
		}
	}
	if len(seen) != 45 || pages < 3 {
		t.Errorf("%d of 45 sign-ins on %d pages", len(seen), pages)
	}
	b.get("/activity").has("Wrong password").has("Refused").has("through vpn").has("for a device at 198.51.100.7, as it says")
	b.get("/activity?before=no-such-event").goes("/activity")
}

// zeros is a source of ids that differ.
type zeros int

func (z zeros) Read(p []byte) (int, error) {
	copy(p, fmt.Sprintf("%016d", int(z)))
	return len(p), nil
}

// TestEveryReasonAndChangeHasWords in both languages.
func TestEveryReasonAndChangeHasWords(t *testing.T) {
	w := newWorld(t)
	ann, own := w.enrolled("ann")
	b := w.in("ann", own)
	reasons := []policy.Reason{
		policy.ReasonUnavailable, policy.ReasonBusy, policy.ReasonAccountDisabled, policy.ReasonAccountExpired, policy.ReasonWrongSecret, policy.ReasonBraked,
		policy.ReasonAppPassword, policy.ReasonRevoked, policy.ReasonCredentialEnded, policy.ReasonUnused, policy.ReasonOtherService, policy.ReasonOtherNetwork,
		policy.ReasonForged, policy.ReasonNotInteractive, policy.ReasonPrimary, policy.ReasonPrimaryAndSecond, policy.ReasonWrongSecond, policy.ReasonPrimaryWithMFA,
		policy.ReasonPrimaryNotHere, policy.ReasonWouldRefuseMFA, policy.ReasonWouldRefuseHere, policy.ReasonGrace, policy.ReasonAskSecondFactor, policy.ReasonAskEnrol,
	}
	for n, reason := range reasons {
		id, err := directory.NewID(zeros(n))
		w.must(err)
		w.later(time.Second)
		w.must(w.store.AppendEvents(t.Context(), []directory.Event{{
			ID: id, At: w.now(), Kind: directory.EventSignIn, AccountID: ann.ID, Login: "ann", Outcome: "reject", Reason: string(reason),
			Protocol: "ldap", Service: fmt.Sprint("service", n), Source: "192.0.2.1",
		}}))
		for _, language := range []string{"en", "nl"} {
			b.header.Set("Accept-Language", language)
			for _, path := range []string{"/activity", "/home"} {
				page := b.get(path).is(http.StatusOK).hasNot("⟦")
				if path == "/activity" && (strings.Contains(page.Body, `<h2>Sign-in</h2>`) || strings.Contains(page.Body, `<h2>Aanmelding</h2>`)) {
					t.Errorf("%s has no words in %s", reason, language)
				}
			}
		}
	}
}

// TestTheLastMethodStays while MFA is demanded; one of two may go, and its
// session goes on.
func TestTheLastMethodStays(t *testing.T) {
	w := newWorld(t)
	ann, own := w.enrolled("ann")
	b := w.in("ann", own)
	methods, err := w.accounts.Methods(t.Context(), ann.ID)
	w.must(err)
	at := "/security/methods/" + methods[0].ID
	b.get("/security").has("This is your only method").hasNot("Remove: Phone")
	b.post(at + "/remove").is(http.StatusUnprocessableEntity).has("only sign-in method")
	b.post(at+"/rename", "label", "Old phone").goes("/security?done=renamed")

	second := b.enrolApp("/setup/app")
	b.get("/security?done=method-added").is(http.StatusOK).has("The sign-in method has been added").has("Old phone")
	b.get(at + "/remove").is(http.StatusOK).has("Remove “Old phone”?")
	b.post(at + "/remove").goes("/security?done=method-removed")
	b.get("/security").is(http.StatusOK).hasNot("Old phone")
	other := w.tab()
	other.signIn("ann").goes("/signin/code")
	other.post("/signin/code", "code", own.code()).is(http.StatusUnauthorized)
	other.post("/signin/code", "code", second.code()).goes("/home")
	b.get("/security/methods/no-such/remove").is(http.StatusNotFound)
}

// TestChangingTheMainPassword asks for the old one, says what is wrong with a
// new one, ends the other sessions and keeps this one.
func TestChangingTheMainPassword(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b, other := w.in("ann", own), w.in("ann", own)
	change := func(old, fresh, again string) answer {
		t.Helper()
		return b.post("/security/password", "old", old, "new", fresh, "again", again)
	}
	change("wrong", "a new password", "a new password").is(http.StatusUnprocessableEntity).has("Your password now was not right")
	change(mainPassword, "a new password", "another password").is(http.StatusUnprocessableEntity).has("not the same")
	change(mainPassword, "short", "short").is(http.StatusUnprocessableEntity).has("too short")
	issued := w.issue(w.person("bob"), "x")
	change(mainPassword, issued.Secret.Reveal(), issued.Secret.Reveal()).is(http.StatusUnprocessableEntity).has("looks like an app password")
	before := b.cookies["session"]
	change(mainPassword, "a new password", "a new password").goes("/security?done=password")
	if b.cookies["session"] == before {
		t.Error("the session keeps its token")
	}
	b.get("/security?done=password").is(http.StatusOK).has("Your password has been changed")
	other.get("/security").goes("/signin?next=%2Fsecurity")
	w.tab().signIn("ann").is(http.StatusUnauthorized)
	w.tab().post("/signin", "login", "ann", "password", "a new password").goes("/signin/code")
}

// TestGuessesOfTheOldPasswordEndTheSession.
func TestGuessesOfTheOldPasswordEndTheSession(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.in("ann", own)
	for range 4 {
		b.post("/security/password", "old", "wrong", "new", "a new password", "again", "a new password").is(http.StatusUnprocessableEntity)
	}
	b.post("/security/password", "old", "wrong", "new", "a new password", "again", "a new password").goes("/signin")
}

// TestRecoveryCodesWorkOnce, and new ones replace the old.
func TestRecoveryCodesWorkOnce(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.in("ann", own)
	code := regexp.MustCompile(`<li>([0-9a-z-]{19})</li>`)
	fresh := func() string {
		page := b.post("/setup/recovery", "form", b.get("/security").value("form")).is(http.StatusOK)
		return code.FindStringSubmatch(page.Body)[1]
	}
	first := fresh()
	second := fresh()
	in := func(code string) int {
		other := w.tab()
		other.signIn("ann").goes("/signin/code")
		return other.post("/signin/code", "code", strings.ToUpper(code)).StatusCode
	}
	if got := in(first); got != http.StatusUnauthorized {
		t.Errorf("a replaced code: %d", got)
	}
	if got := in(second); got != http.StatusSeeOther {
		t.Errorf("a code: %d", got)
	}
	if got := in(second); got != http.StatusUnauthorized {
		t.Errorf("the same code again: %d", got)
	}
	b.get("/security").has("9 codes are left")
}

// TestLanguages: the header, the switch, and what the page says of itself.
func TestLanguages(t *testing.T) {
	w := newWorld(t)
	b := w.tab()
	b.header.Set("Accept-Language", "nl-NL,nl;q=0.9")
	if page := b.get("/signin").has("Aanmelden"); !strings.Contains(page.Body, `<html lang="nl">`) {
		t.Error("the page does not say that it is Dutch")
	}
	b.post("/language", "language", "en", "back", "/signin").goes("/signin")
	b.get("/signin").has("Sign in").hasNot("Aanmelden")
}
