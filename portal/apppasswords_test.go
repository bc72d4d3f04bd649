package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"postern/policy"
	"postern/secret"
)

// TestAnAppPasswordIsShownOnce: the reply to the form is the only page that
// ever holds it; sending the form again makes and shows nothing.
func TestAnAppPasswordIsShownOnce(t *testing.T) {
	w := newWorld(t)
	a, own := w.enrolled("ann")
	b := w.in("ann", own)
	form := b.get("/app-passwords/new").value("form")
	send := func() answer {
		return b.post("/app-passwords/new", "form", form, "label", "Outlook", "service", "mail", "scope", "any")
	}
	made := send().is(http.StatusOK)
	text := shownSecret(t, made)
	if made.Header.Get("Cache-Control") != "no-store" {
		t.Error("the page with the secret may be stored")
	}
	send().is(http.StatusConflict).has("sent already").hasNot(text.Reveal())
	list, err := w.accounts.AppPasswords(t.Context(), a.ID)
	w.must(err)
	if len(list) != 1 || strings.Join(list[0].Services, " ") != "mail" {
		t.Fatalf("there are %d; of the first the services are %v: a ticked service beside \"everything\" must not open everything", len(list), list[0].Services)
	}
	w.must(w.journal.Flush(t.Context()))
	for _, path := range []string{"/app-passwords", "/activity", "/home", "/app-passwords/" + list[0].ID + "/use", "/app-passwords/" + list[0].ID + "/live"} {
		if strings.Contains(b.get(path).is(http.StatusOK).Body, text.Reveal()) {
			t.Errorf("%s shows the app password", path)
		}
	}
	for _, hidden := range []string{text.Reveal(), mainPassword} {
		if strings.Contains(w.log.String(), hidden) {
			t.Error("the log holds a secret")
		}
	}
}

// TestAMistakeDoesNotBurnTheForm: what was refused can be sent again, also from
// the page that the browser's back button shows.
func TestAMistakeDoesNotBurnTheForm(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.in("ann", own)
	form := b.get("/app-passwords/new").value("form")
	again := b.post("/app-passwords/new", "form", form, "label", "  ", "scope", "any").is(http.StatusUnprocessableEntity).has("Give it a name")
	b.post("/app-passwords/new", "form", form, "label", "Phone", "scope", "only").is(http.StatusUnprocessableEntity).has("Choose at least one")
	b.post("/app-passwords/new", "form", form, "label", "Phone", "service", "no-such").is(http.StatusUnprocessableEntity)
	shownSecret(t, b.post("/app-passwords/new", "form", form, "label", "Phone", "service", "vpn").is(http.StatusOK))
	shownSecret(t, b.post("/app-passwords/new", "form", again.value("form"), "label", "Other", "service", "vpn").is(http.StatusOK))
	b.post("/app-passwords/new", "form", "short", "label", "Other", "service", "vpn").is(http.StatusConflict)
}

// TestNobodyTouchesSomebodyElsesAppPassword by its id.
func TestNobodyTouchesSomebodyElsesAppPassword(t *testing.T) {
	w := newWorld(t)
	ann, _ := w.enrolled("ann")
	mallory, own := w.enrolled("mallory")
	w.issue(mallory, "Her own")
	issued := w.issue(ann, "Outlook")
	b := w.in("mallory", own)
	at := "/app-passwords/" + issued.AppPassword.ID
	b.get(at + "/use").is(http.StatusNotFound)
	b.get(at + "/live").is(http.StatusNotFound)
	b.get(at + "/revoke").is(http.StatusNotFound)
	b.post(at + "/revoke").is(http.StatusUnprocessableEntity)
	b.post(at+"/rename", "label", "Mine").is(http.StatusUnprocessableEntity)
	if d := w.legacy("ann", issued.Secret); d.Outcome != policy.Accept {
		t.Errorf("ann's app password: %s", d.Reason)
	}
}

// TestTheListSaysHowEachStands.
func TestTheListSaysHowEachStands(t *testing.T) {
	w := newWorld(t)
	ann, own := w.enrolled("ann")
	used, revoked := w.issue(ann, "Used one", "mail"), w.issue(ann, "Old one")
	w.issue(ann, "New one", "vpn")
	b := w.in("ann", own)
	w.legacy("ann", used.Secret)
	b.post("/app-passwords/" + revoked.AppPassword.ID + "/revoke").goes("/app-passwords?done=revoked")
	b.get("/app-passwords?done=revoked").is(http.StatusOK).
		has("The app password has been revoked").has("through mail, from 192.0.2.25").has("Never used").has("Revoked").has("For vpn")
	b.post("/app-passwords/"+used.AppPassword.ID+"/rename", "label", "Renamed one").goes("/app-passwords?done=renamed")
	b.get("/app-passwords?done=renamed").has("Renamed one").hasNot("Used one")
	b.get("/app-passwords?done=<script>").is(http.StatusOK).hasNot("script")
	b.get("/app-passwords/revoke-all").is(http.StatusOK).has("2 app passwords stop working")
	b.post("/app-passwords/revoke-all").goes("/app-passwords?done=revoked-all")
	if d := w.legacy("ann", used.Secret); d.Reason != policy.ReasonRevoked {
		t.Errorf("after revoking all: %s", d.Reason)
	}
}

// TestTheLiveLineTellsWhatHappened: waiting, the main password, and at last the
// app password.
func TestTheLiveLineTellsWhatHappened(t *testing.T) {
	w := newWorld(t)
	ann, own := w.enrolled("ann")
	issued := w.issue(ann, "Outlook")
	b := w.in("ann", own)
	at := "/app-passwords/" + issued.AppPassword.ID
	says := func(want string) {
		t.Helper()
		if got := b.get(at + "/live").is(http.StatusOK); strings.TrimSpace(got.Body) != want {
			t.Errorf("the script is told %s, want %s", got.Body, want)
		}
	}
	b.get(at + "/use").is(http.StatusOK).has("Waiting for the first sign-in").has("Check again")
	says(`{"text":"Waiting for the first sign-in with this app password.","used":false,"refused":false}`)
	w.legacy("ann", secret.NewText(mainPassword))
	w.later(20 * time.Second)
	says(`{"text":"A program sent your main password 20 seconds ago, through mail, and was refused. Put the app password there instead.","used":false,"refused":true}`)
	w.legacy("ann", issued.Secret)
	w.later(3 * time.Second)
	says(`{"text":"It worked 3 seconds ago, through mail.","used":true,"refused":false}`)
	b.get(at + "/use").has("It worked 3 seconds ago, through mail.").hasNot("Check again")
}

// TestWhatToFillIn comes from the configuration; where nothing stands there,
// the page says whom to ask.
func TestWhatToFillIn(t *testing.T) {
	w := newWorld(t)
	ann, own := w.enrolled("ann")
	issued := w.issue(ann, "My phone")
	b := w.in("ann", own)
	at := "/app-passwords/" + issued.AppPassword.ID + "/use"
	b.get(at).is(http.StatusOK).has("Phone").has("Ask the help desk for the server")
	b.get(at + "?client=vpn").has("vpn.example.org").has("User name").has("ann").hasNot("Ask the help desk")
	b.get(at + "?client=nonsense").is(http.StatusOK).has("Open the settings, then Mail or Accounts")
}
