package portal_test

import (
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"postern/policy"
	"postern/secret"
)

var keyText = regexp.MustCompile(`<code id="key" translate="no">([A-Z2-7 ]+)</code>`)

// enrolApp walks the set-up of an authenticator app.
func (b *tab) enrolApp(path string) *app {
	b.w.t.Helper()
	page := b.get(path).is(http.StatusOK)
	m := keyText.FindStringSubmatch(page.Body)
	if m == nil {
		b.w.t.Fatalf("there is no key on the page: %s", page.words())
	}
	own := b.w.appOf(m[1])
	got := b.post("/setup/app", "id", page.value("id"), "sealed", page.value("sealed"), "label", "Phone", "code", own.code())
	if got.StatusCode != http.StatusSeeOther {
		b.w.t.Fatalf("%d: %s", got.StatusCode, got.words())
	}
	return own
}

// TestSevenSteps walks them as text, and takes the app password to a legacy
// client.
func TestSevenSteps(t *testing.T) {
	w := newWorld(t)
	w.demanded("ann")
	b := w.tab()
	b.signIn("ann").goes("/home")
	b.get("/home").is(http.StatusOK).has("Name of ann").has("Set it up now").hasNot("Administration")
	b.get("/setup").is(http.StatusOK).has("Authenticator app").has("Passkey or security key")
	b.enrolApp("/setup/app")
	done := b.get("/setup/done").is(http.StatusOK).has("Next")
	codes := b.post("/setup/recovery", "form", done.value("form"), "first", "1").is(http.StatusOK).has("I have kept these codes")
	if n := len(regexp.MustCompile(`<li>[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}</li>`).FindAllString(codes.Body, -1)); n != 10 {
		t.Errorf("%d recovery codes are shown", n)
	}
	form := b.get("/app-passwords/new?setup=1").is(http.StatusOK).value("form")
	made := b.post("/app-passwords/new", "form", form, "first", "1", "label", "Outlook", "scope", "any").is(http.StatusOK)
	made.hasNot("Nederlands") // what would lose the page by the way
	text := shownSecret(t, made)
	if d := w.legacy("ann", text); d.Outcome != policy.Accept {
		t.Errorf("the app password: %s", d.Reason)
	}
	if d := w.legacy("ann", secret.NewText(mainPassword)); d.Reason != policy.ReasonPrimaryWithMFA {
		t.Errorf("the main password: %s %s", d.Outcome, d.Reason)
	}
}

var shown = regexp.MustCompile(`<output class="secret" id="app-password" translate="no">(.*?)</output>`)

// shownSecret is what selecting and copying the app password give: its groups
// are styling alone.
func shownSecret(t *testing.T, made answer) secret.Text {
	t.Helper()
	m := shown.FindStringSubmatch(made.Body)
	if m == nil {
		t.Fatalf("no app password is shown: %s", made.words())
	}
	text := tag.ReplaceAllString(m[1], "")
	if !regexp.MustCompile(`^[a-z]{25}$`).MatchString(text) {
		t.Fatalf("what is shown is not 25 letters but %d characters", len(text))
	}
	return secret.NewText(text)
}

// TestEnrolmentFromElsewhereNeedsACode: the main password alone, perhaps
// stolen, enrols nothing from outside enrol_from.
func TestEnrolmentFromElsewhereNeedsACode(t *testing.T) {
	w := newWorld(t)
	ann := w.demanded("ann")
	inside := w.tab()
	inside.signIn("ann").goes("/home")
	stolen := inside.get("/setup/app").is(http.StatusOK)
	own := w.appOf(keyText.FindStringSubmatch(stolen.Body)[1])

	b := w.tab()
	b.from = "203.0.113.9:4000"
	b.header.Set("X-Forwarded-For", "127.0.0.1") // of nobody who is trusted
	b.signIn("ann").goes("/home")
	for _, path := range []string{"/setup", "/setup/app", "/setup/passkey"} {
		b.get(path).is(http.StatusOK).has("the one-time code that you get from the help desk").hasNot("Scan this code")
	}
	b.post("/setup/app", "id", stolen.value("id"), "sealed", stolen.value("sealed"), "label", "x", "code", own.code()).is(http.StatusOK).has("one-time code")
	b.post("/setup/passkey/begin").is(http.StatusOK).has("one-time code")
	if methods, err := w.accounts.Methods(t.Context(), ann.ID); err != nil || len(methods) != 0 {
		t.Fatalf("%d methods were enrolled: %v", len(methods), err)
	}

	code, _, err := w.accounts.EnrolCode(t.Context(), "cli:test", ann.ID)
	w.must(err)
	b.post("/setup/code", "code", "0000-0000-0000-0000").is(http.StatusUnauthorized)
	b.post("/setup/code", "code", code.Reveal()).goes("/setup")
	again := w.tab()
	again.from = b.from
	again.signIn("ann").goes("/home")
	again.post("/setup/code", "code", code.Reveal()).is(http.StatusUnauthorized)
	b.enrolApp("/setup/app")
	b.get("/setup/done").is(http.StatusOK)
}

// TestATrustedProxySaysWhereSomebodyIs, and nobody else.
func TestATrustedProxySaysWhereSomebodyIs(t *testing.T) {
	w := newWorld(t)
	w.demanded("ann")
	w.settings.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.80/32"), netip.MustParsePrefix("127.0.0.1/32")}
	for _, c := range []struct {
		from, forwarded string
		may             bool
	}{
		{"192.0.2.80:4000", "127.0.0.7", true},
		{"192.0.2.80:4000", "203.0.113.9", false},
		{"192.0.2.80:4000", "127.0.0.7, 203.0.113.9", false}, // the left one is what the browser made up
		{"192.0.2.80:4000", "203.0.113.9, 127.0.0.7", true},
		{"192.0.2.80:4000", "127.0.0.7, 192.0.2.80", true},
		{"192.0.2.80:4000", "nonsense", false},
		{"203.0.113.9:4000", "127.0.0.7", false},
		{"127.0.0.1:4000", "127.0.0.7", true},
		{"127.0.0.1:4000", "", false}, // it does not say for whom it asks
		{"127.0.0.1:4000", "unknown", false},
	} {
		b := w.tab()
		b.from = c.from
		b.header.Set("X-Forwarded-For", c.forwarded)
		b.signIn("ann").goes("/home")
		if may := !strings.Contains(b.get("/setup").Body, "/setup/code"); may != c.may {
			t.Errorf("from %s for %q: may enrol %v", c.from, c.forwarded, may)
		}
	}
}

// TestAWrongCodeShowsTheSameKeyAgain, so that nobody scans twice.
func TestAWrongCodeShowsTheSameKeyAgain(t *testing.T) {
	w := newWorld(t)
	w.demanded("ann")
	b := w.tab()
	b.signIn("ann").goes("/home")
	page := b.get("/setup/app")
	key := keyText.FindStringSubmatch(page.Body)[1]
	own := w.appOf(key)
	again := b.post("/setup/app", "id", page.value("id"), "sealed", page.value("sealed"), "label", "Phone", "code", own.wrong()).is(http.StatusUnprocessableEntity)
	if keyText.FindStringSubmatch(again.Body)[1] != key {
		t.Error("another key is shown after a wrong code")
	}
	again.has("This code is not right")
	b.post("/setup/app", "id", again.value("id"), "sealed", again.value("sealed"), "label", "Phone", "code", own.code()).goes("/setup/done")
}

// TestNobodyEnrolsTheirSeedForSomebodyElse: the form carries a sealed seed, and
// it fits one account.
func TestNobodyEnrolsTheirSeedForSomebodyElse(t *testing.T) {
	w := newWorld(t)
	w.demanded("ann")
	mallory := w.demanded("mallory")
	theirs := w.tab()
	theirs.signIn("mallory").goes("/home")
	page := theirs.get("/setup/app")
	own := w.appOf(keyText.FindStringSubmatch(page.Body)[1])
	b := w.tab()
	b.signIn("ann").goes("/home")
	b.post("/setup/app", "id", page.value("id"), "sealed", page.value("sealed"), "label", "x", "code", own.code()).goes("/setup/app")
	for _, login := range []string{"ann", "mallory"} {
		h, err := w.accounts.Find(t.Context(), login)
		w.must(err)
		if h.Enrolled {
			t.Errorf("%s has a method", login)
		}
	}
	_ = mallory
}

// TestWhoIsNotAskedSeesNoOptions: step one, and its exception.
func TestWhoIsNotAskedSeesNoOptions(t *testing.T) {
	w := newWorld(t)
	bob := w.person("bob")
	b := w.tab()
	b.signIn("bob").goes("/home")
	b.get("/home").is(http.StatusOK).has("has not turned on multi-factor authentication").has("the help desk").hasNot("Set it up now").hasNot("Make an app password")
	for _, path := range []string{"/setup", "/setup/app", "/setup/passkey", "/app-passwords/new"} {
		b.get(path).goes("/home")
	}
	w.issue(bob, "Old printer")
	b.get("/home").has("See your app passwords")
	b.get("/app-passwords").is(http.StatusOK).has("Old printer").has("Revoke")

	w.rules.Rules.Services[0].RequireAppPassword = true
	b.get("/home").has("Make an app password").hasNot("Set it up now")
	form := b.get("/app-passwords/new").is(http.StatusOK).value("form")
	shownSecret(t, b.post("/app-passwords/new", "form", form, "label", "Outlook", "scope", "any").is(http.StatusOK))
}

// TestSelfServiceOff: people see and revoke, and are told whom to ask.
func TestSelfServiceOff(t *testing.T) {
	w := newWorld(t)
	a, own := w.enrolled("ann")
	w.settings.SelfService = false
	issued := w.issue(a, "Outlook")
	b := w.in("ann", own)
	b.get("/home").has("Ask the help desk for one").hasNot("Make an app password").hasNot("has not turned on")
	b.get("/app-passwords/new").goes("/home")
	b.post("/app-passwords/new", "form", strings.Repeat("a", 32), "label", "x", "scope", "any").goes("/home")
	b.post("/app-passwords/" + issued.AppPassword.ID + "/revoke").goes("/app-passwords?done=revoked")
}
