package mail

import (
	"bytes"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

const mainPassword = "correct horse battery"

// world is a database with people, and a Watcher on it that speaks to a mail
// server on loopback.
type world struct {
	t        *testing.T
	store    *store.Store
	accounts *account.Service
	smtp     *smtpServer
	settings *Settings
	watcher  *Watcher
	at       time.Time
	log      bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	keys, err := secret.NewKeys(bytes.Repeat([]byte{7}, 32))
	must(t, err)
	w := &world{t: t, store: db, smtp: newSMTPServer(t), at: time.Now().UTC().Truncate(time.Second)}
	w.settings = &Settings{
		Server:    Server{Host: "127.0.0.1", Port: w.smtp.port(), Security: InClear, From: "postern@example.org"},
		Languages: []string{"en", "nl"}, Portal: "https://postern.example.org",
		TrustedRelays: []netip.Prefix{netip.MustParsePrefix("192.0.2.128/25")},
	}
	rules := &account.Settings{MaxPerAccount: 20, DefaultServices: []string{"any"}, RevokeOnMFAReset: true}
	w.accounts = &account.Service{
		Records: db, Keys: keys, Hasher: secret.NewHasher(secret.Argon2{Memory: 64, Time: 1, Threads: 1}, 1, 8),
		Random: rand.Reader, Now: func() time.Time { return w.at }, Settings: func() *account.Settings { return rules },
	}
	w.watch()
	return w
}

// watch begins anew, as a process that starts.
func (w *world) watch() {
	w.watcher = &Watcher{
		Records: w.store, Sender: SMTP{}, Settings: func() *Settings { return w.settings }, Now: func() time.Time { return w.at },
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) person(login, mail string) directory.Account {
	w.t.Helper()
	a, err := w.accounts.Add(w.t.Context(), "cli:test", account.Person{Login: login, Name: "Zoë " + login, Mail: mail, Secret: secret.NewText(mainPassword)})
	must(w.t, err)
	return a
}

func (w *world) look() []received {
	w.t.Helper()
	must(w.t, w.watcher.Look(w.t.Context()))
	return w.smtp.take()
}

// used records that a credential was accepted.
func (w *world) used(a directory.Account, credential, source string) {
	w.t.Helper()
	id, err := directory.NewID(rand.Reader)
	must(w.t, err)
	w.at = w.at.Add(time.Second)
	must(w.t, w.store.AppendEvents(w.t.Context(), []directory.Event{{
		ID: id, At: w.at, Kind: directory.EventSignIn, AccountID: a.ID, Login: a.Login, Outcome: policy.Accept.String(),
		Reason: string(policy.ReasonAppPassword), Protocol: "ldap", Service: "mail", Source: source, Credential: credential,
	}}))
}

// TestOwnersAreTold: every kind of change has its notice, in both languages,
// and none holds a secret.
func TestOwnersAreTold(t *testing.T) {
	w := newWorld(t)
	ann := w.person("ann", "ann@example.org")
	w.person("bob", "") // who has no address and is told nothing
	if got := w.look(); len(got) != 0 {
		t.Fatalf("%d notices of what was before", len(got))
	}
	ctx, hidden := t.Context(), []string{mainPassword, "another password"}
	var issued account.Issued
	for _, c := range []struct {
		name   string
		change func() error
		want   []string
	}{
		{"made", func() (err error) {
			issued, err = w.accounts.Issue(ctx, "portal:ann", ann.ID, account.Request{Label: "Outlook", Services: []string{"any"}})
			hidden = append(hidden, issued.Secret.Reveal())
			return err
		}, []string{"An app password was made / Er is een app-wachtwoord gemaakt", "Hello Zoë ann,", "\"Outlook\" was made", "By: you", "Beste Zoë ann,", "Door: u", "https://postern.example.org"}},
		{"revoked", func() error {
			_, err := w.accounts.Revoke(ctx, "cli:root", ann.ID, issued.AppPassword.ID)
			return err
		}, []string{"An app password was revoked", "\"Outlook\" was revoked", "By: an administrator", "is ingetrokken"}},
		{"revoked all", func() error {
			if _, err := w.accounts.Issue(ctx, "portal:bob", ann.ID, account.Request{Label: "x"}); err != nil {
				return err
			}
			w.look()
			_, err := w.accounts.RevokeAll(ctx, "cli:root", ann.ID)
			return err
		}, []string{"All app passwords were revoked", "Al uw app-wachtwoorden"}},
		{"MFA on", func() error { return w.accounts.MFAOn(ctx, "cli:root", ann.ID) }, []string{"Multi-factor authentication was turned on", "ingeschakeld"}},
		{"enrolled", func() error {
			pending, err := w.accounts.StartTOTP(ctx, ann.ID, "Postern")
			if err != nil {
				return err
			}
			hidden = append(hidden, pending.Key.Reveal())
			_, err = w.accounts.AddWebAuthn(ctx, "portal:ann", ann.ID, "Key", []byte("{}"), 0)
			return err
		}, []string{"A sign-in method was added", "toegevoegd"}},
		{"recovery codes", func() error {
			codes, err := w.accounts.NewRecoveryCodes(ctx, "portal:ann", ann.ID)
			for _, code := range codes {
				hidden = append(hidden, code.Reveal(), strings.Join(account.GroupCode(code), "-"))
			}
			return err
		}, []string{"New recovery codes were made", "herstelcodes"}},
		{"MFA off", func() error { return w.accounts.MFAOff(ctx, "cli:root", ann.ID) }, []string{"turned off", "uitgeschakeld"}},
		{"method removed", func() error {
			methods, err := w.accounts.Methods(ctx, ann.ID)
			if err != nil {
				return err
			}
			return w.accounts.RemoveMethod(ctx, "portal:ann", ann.ID, methods[0].ID)
		}, []string{"A sign-in method was removed", "verwijderd"}},
		{"MFA reset", func() error { return w.accounts.MFAReset(ctx, "cli:root", ann.ID) }, []string{"were reset", "gewist"}},
		{"password", func() error {
			return w.accounts.SetPassword(ctx, "portal:ann", ann.ID, secret.NewText("another password"), false)
		}, []string{"Your main password was changed", "hoofdwachtwoord"}},
	} {
		must(t, c.change())
		got := w.look()
		if len(got) != 1 {
			t.Errorf("%s: %d notices, want 1", c.name, len(got))
			continue
		}
		subject, body, header := got[0].read(t)
		for _, want := range c.want {
			if !strings.Contains(subject+"\n"+body, want) {
				t.Errorf("%s does not say %q:\n%s\n%s", c.name, want, subject, body)
			}
		}
		if got[0].to != "ann@example.org" || got[0].from != "postern@example.org" || header.Get("Auto-Submitted") != "auto-generated" {
			t.Errorf("%s goes from %s to %s, Auto-Submitted %q", c.name, got[0].from, got[0].to, header.Get("Auto-Submitted"))
		}
		for _, h := range hidden {
			if strings.Contains(body, h) || strings.Contains(got[0].raw, h) {
				t.Errorf("%s: the notice holds a secret", c.name)
			}
		}
		if strings.Contains(body, "{") || strings.Contains(body, "\n\n\n") {
			t.Errorf("%s has a gap:\n%s", c.name, body)
		}
	}
}

// TestANewNetworkIsTold once for each network, and never for a relay that binds
// for many.
func TestANewNetworkIsTold(t *testing.T) {
	w := newWorld(t)
	ann := w.person("ann", "ann@example.org")
	issued, err := w.accounts.Issue(t.Context(), "portal:ann", ann.ID, account.Request{Label: "Outlook"})
	must(t, err)
	other, err := w.accounts.Issue(t.Context(), "portal:ann", ann.ID, account.Request{Label: "Phone"})
	must(t, err)
	w.look()
	for _, c := range []struct {
		name, credential, source string
		told                     bool
	}{
		{"the first use", issued.AppPassword.ID, "198.51.100.7", true},
		{"the same address", issued.AppPassword.ID, "198.51.100.7", false},
		{"the same network", issued.AppPassword.ID, "198.51.100.200", false},
		{"another app password there", other.AppPassword.ID, "198.51.100.7", true},
		{"another network", issued.AppPassword.ID, "203.0.113.9", true},
		{"a trusted relay", issued.AppPassword.ID, "192.0.2.130", false},
		{"the same relay as IPv6 writes it", issued.AppPassword.ID, "::ffff:192.0.2.131", false},
		{"IPv6", issued.AppPassword.ID, "2001:db8:1:2::1", true},
		{"the same site of IPv6", issued.AppPassword.ID, "2001:db8:1:9::1", false},
		{"the main password", "", "203.0.113.77", false},
	} {
		w.used(ann, c.credential, c.source)
		got := w.look()
		if told := len(got) == 1; told != c.told {
			t.Errorf("%s: %d notices", c.name, len(got))
			continue
		}
		if !c.told {
			continue
		}
		if subject, body, _ := got[0].read(t); !strings.Contains(body, "from "+c.source+", through mail") || !strings.Contains(subject, "nieuw netwerk") {
			t.Errorf("%s: %s\n%s", c.name, subject, body)
		}
	}
}

// TestNoNoticeIsLost while the mail server is away, nor by a new start, and
// none is sent twice.
func TestNoNoticeIsLost(t *testing.T) {
	w := newWorld(t)
	ann := w.person("ann", "ann@example.org")
	w.look()
	w.smtp.answer(func(command string) string {
		if strings.HasPrefix(command, "MAIL") {
			return "451 come back later"
		}
		return ""
	})
	must(t, w.accounts.MFAOn(t.Context(), "cli:root", ann.ID))
	if err := w.watcher.Look(t.Context()); err == nil {
		t.Fatal("a mail server that takes nothing is no failure")
	}
	must(t, w.accounts.MFAOff(t.Context(), "cli:root", ann.ID))
	w.smtp.answer(nil)
	w.watch()
	if got := w.look(); len(got) != 2 {
		t.Fatalf("%d notices after a new start, want 2", len(got))
	}
	w.watch()
	if got := w.look(); len(got) != 0 {
		t.Errorf("%d notices were sent again", len(got))
	}
}

// TestARefusedAddressHoldsNobodyUp.
func TestARefusedAddressHoldsNobodyUp(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.person("ann", "gone@example.org"), w.person("bob", "bob@example.org")
	w.look()
	w.smtp.answer(func(command string) string {
		if strings.Contains(command, "gone@") {
			return "550 no such person"
		}
		return ""
	})
	must(t, w.accounts.MFAOn(t.Context(), "cli:root", ann.ID))
	must(t, w.accounts.MFAOn(t.Context(), "cli:root", bob.ID))
	got := w.look()
	if len(got) != 1 || got[0].to != "bob@example.org" {
		t.Errorf("%v were sent, want one to bob", got)
	}
	if !strings.Contains(w.log.String(), "given up") || strings.Contains(w.log.String(), "gone@") {
		t.Errorf("the log says %s", w.log.String())
	}
}

// TestOldNewsIsNotSent: a server that was off for long does not flood people.
func TestOldNewsIsNotSent(t *testing.T) {
	w := newWorld(t)
	ann := w.person("ann", "ann@example.org")
	w.look()
	must(t, w.accounts.MFAOn(t.Context(), "cli:root", ann.ID))
	w.at = w.at.Add(25 * time.Hour)
	if got := w.look(); len(got) != 0 {
		t.Errorf("%d notices of yesterday", len(got))
	}
}

// TestTLSIsDemanded where it is configured: nothing is said in clear.
func TestTLSIsDemanded(t *testing.T) {
	s := newSMTPServer(t)
	server := Server{Host: "127.0.0.1", Port: s.port(), Security: STARTTLS, From: "postern@example.org", UserName: "postern", Password: secret.NewText("hidden")}
	err := SMTP{}.Send(t.Context(), server, Message{To: "ann@example.org", Subject: "x", Body: "x"})
	if err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("without STARTTLS: %v", err)
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Error("the error holds the password")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, command := range s.commands {
		if strings.HasPrefix(command, "MAIL") || strings.HasPrefix(command, "AUTH") {
			t.Errorf("%s was sent in clear", strings.Fields(command)[0])
		}
	}
}

// TestLanguagesHaveTheSameWords.
func TestLanguagesHaveTheSameWords(t *testing.T) {
	all, err := loadCatalogues()
	must(t, err)
	for key, words := range all["en"] {
		other, ok := all["nl"][key]
		if !ok {
			t.Errorf("nl has no words for %s", key)
		}
		for _, place := range []string{"{name}", "{label}", "{services}", "{service}", "{source}", "{portal}", "{when}"} {
			if strings.Contains(words, place) != strings.Contains(other, place) {
				t.Errorf("%s: %s stands in one language only", key, place)
			}
		}
	}
	if len(all["en"]) != len(all["nl"]) {
		t.Errorf("%d keys in en, %d in nl", len(all["en"]), len(all["nl"]))
	}
}
