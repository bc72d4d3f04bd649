package policy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/directory"
	"postern/secret"
)

func TestWithoutRulesEverythingIsUnavailable(t *testing.T) {
	w := newWorld(t)
	w.engine = NewEngine(EngineConfig{Records: w, Keys: w.keys, Verifier: w, Recorder: w})
	w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Unavailable, ReasonUnavailable)
	if ok, err := w.engine.Entitled(context.Background(), Grant{outcome: Accept}); ok || err == nil {
		t.Errorf("entitled %v, error %v", ok, err)
	}
}

func TestWhatALegacyClientGetsWhen(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-ann", nil)
	for _, c := range []Client{mailClient, vpnClient} {
		w.attempt(t, c, "ann", text(annPassword)).expect(t, Reject, ReasonPrimaryWithMFA)
		w.attempt(t, c, "ann", app).expect(t, Accept, ReasonAppPassword)
		w.attempt(t, c, "ann", text("wrong")).expect(t, Reject, ReasonWrongSecret)
		w.attempt(t, c, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
		w.attempt(t, c, "bob", app).expect(t, Reject, ReasonWrongSecret)
		w.attempt(t, c, "nobody", text("wrong")).expect(t, Reject, ReasonUnknownAccount)
	}
}

func TestWhatThePortalGetsWhen(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-ann", nil)
	w.attempt(t, portalClient, "ann", text(annPassword)).expect(t, SecondFactor, ReasonAskSecondFactor)
	w.attempt(t, portalClient, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
	w.holder("id-ann").Enrolled = false
	w.attempt(t, portalClient, "ann", text(annPassword)).expect(t, Enrol, ReasonAskEnrol)
	o := w.attempt(t, portalClient, "ann", app)
	o.expect(t, Reject, ReasonNotInteractive)
	if o.hashes != 0 {
		t.Errorf("%d hashes for an app password at the portal", o.hashes)
	}
}

func TestAnAppPasswordCostsOneQueryAndNoHash(t *testing.T) {
	w := newWorld(t)
	app, row := w.issue(t, "id-ann", nil)
	for _, typed := range []string{app.Reveal(), strings.ToUpper(app.Reveal()), strings.Join(secret.Group(app), " ")} {
		for _, login := range []string{"ann", "ANN", "ann@example.org"} {
			o := w.attempt(t, mailClient, login, text(typed))
			o.expect(t, Accept, ReasonAppPassword)
			if o.hashes != 0 || !slices.Equal(o.queries, []string{"AppPassword"}) {
				t.Errorf("%d hashes, queries %v", o.hashes, o.queries)
			}
			if o.Credential != row.Credential.ID || o.Account != "id-ann" || o.Login != "Ann" || o.Service != "mail" {
				t.Errorf("decision %+v", o.Decision)
			}
		}
	}
}

// refusal is one way to be refused: what changes the world, and the attempt.
type refusal struct {
	name   string
	why    Reason
	hashes int
	set    func(t *testing.T, w *world) Attempt
}

// refusals are the classes a stranger must not be able to tell apart.
var refusals = []refusal{
	{"unknown account", ReasonUnknownAccount, 1, func(t *testing.T, w *world) Attempt {
		return Attempt{Login: "nobody", Secret: text("x")}
	}},
	{"no login at all", ReasonUnknownAccount, 1, func(t *testing.T, w *world) Attempt {
		return Attempt{Login: "no\x00body", Secret: text("x")}
	}},
	{"a name that two have", ReasonUnknownAccount, 1, func(t *testing.T, w *world) Attempt {
		w.holder("id-bob").Account.Mail = "ann@example.org"
		return Attempt{Login: "ann@example.org", Secret: text(annPassword)}
	}},
	{"wrong password", ReasonWrongSecret, 1, func(t *testing.T, w *world) Attempt {
		return Attempt{Login: "bob", Secret: text("x")}
	}},
	{"no password", ReasonWrongSecret, 1, func(t *testing.T, w *world) Attempt {
		w.holder("id-bob").PasswordHash = hashOf("")
		return Attempt{Login: "bob"}
	}},
	{"account without a password", ReasonWrongSecret, 1, func(t *testing.T, w *world) Attempt {
		w.holder("id-bob").PasswordHash = secret.Text{}
		return Attempt{Login: "bob", Secret: text("x")}
	}},
	{"right password, MFA on", ReasonPrimaryWithMFA, 1, func(t *testing.T, w *world) Attempt {
		return Attempt{Login: "ann", Secret: text(annPassword)}
	}},
	{"right password, MFA on, nothing enrolled", ReasonPrimaryWithMFA, 1, func(t *testing.T, w *world) Attempt {
		w.holder("id-ann").Enrolled = false
		return Attempt{Login: "ann", Secret: text(annPassword)}
	}},
	{"right password, app passwords demanded", ReasonPrimaryNotHere, 1, func(t *testing.T, w *world) Attempt {
		w.rules.Services[0].RequireAppPassword = true
		return Attempt{Login: "bob", Secret: text(bobPassword)}
	}},
	{"right password, disabled", ReasonAccountDisabled, 1, func(t *testing.T, w *world) Attempt {
		w.holder("id-bob").Account.Disabled = true
		return Attempt{Login: "bob", Secret: text(bobPassword)}
	}},
	{"right password, expired account", ReasonAccountExpired, 1, func(t *testing.T, w *world) Attempt {
		w.holder("id-bob").Account.ExpiresAt = w.now()
		return Attempt{Login: "bob", Secret: text(bobPassword)}
	}},
	{"primary of a service account", ReasonWrongSecret, 1, func(t *testing.T, w *world) Attempt {
		w.holder("id-mailserver").PasswordHash = hashOf("x")
		return Attempt{Login: "mailserver", Naming: directory.ServiceAccountOnly, Secret: text("x")}
	}},
	{"somebody else's app password", ReasonWrongSecret, 1, func(t *testing.T, w *world) Attempt {
		app, _ := w.issue(t, "id-ann", nil)
		return Attempt{Login: "bob", Secret: app}
	}},
	{"app password, disabled", ReasonAccountDisabled, 0, func(t *testing.T, w *world) Attempt {
		app, _ := w.issue(t, "id-ann", nil)
		w.holder("id-ann").Account.Disabled = true
		return Attempt{Login: "ann", Secret: app}
	}},
	{"revoked app password", ReasonRevoked, 0, func(t *testing.T, w *world) Attempt {
		app, row := w.issue(t, "id-ann", nil)
		row.Credential.RevokedAt = noon
		return Attempt{Login: "ann", Secret: app}
	}},
	{"expired app password", ReasonCredentialEnded, 0, func(t *testing.T, w *world) Attempt {
		app, _ := w.issue(t, "id-ann", func(p *directory.AppPassword) { p.ExpiresAt = noon.Add(-time.Second) })
		return Attempt{Login: "ann", Secret: app}
	}},
	{"app password not used for long", ReasonUnused, 0, func(t *testing.T, w *world) Attempt {
		app, _ := w.issue(t, "id-ann", func(p *directory.AppPassword) { p.CreatedAt = noon.Add(-48 * time.Hour) })
		w.rules.UnusedAfter = 24 * time.Hour
		return Attempt{Login: "ann", Secret: app}
	}},
	{"app password of another service", ReasonOtherService, 0, func(t *testing.T, w *world) Attempt {
		app, _ := w.issue(t, "id-ann", func(p *directory.AppPassword) { p.Services = []string{"vpn"} })
		return Attempt{Login: "ann", Secret: app}
	}},
	{"app password from elsewhere", ReasonOtherNetwork, 0, func(t *testing.T, w *world) Attempt {
		app, _ := w.issue(t, "id-ann", func(p *directory.AppPassword) { p.Networks = prefixes("198.51.100.0/24") })
		return Attempt{Login: "ann", Secret: app}
	}},
	{"tampered app password", ReasonForged, 0, func(t *testing.T, w *world) Attempt {
		app, row := w.issue(t, "id-ann", func(p *directory.AppPassword) { p.Services = []string{"vpn"} })
		row.Credential.Services = []string{"mail"}
		return Attempt{Login: "ann", Secret: app}
	}},
	{"service account from elsewhere", ReasonOtherNetwork, 0, func(t *testing.T, w *world) Attempt {
		app, _ := w.issue(t, "id-mailserver", nil)
		w.rules.ServiceAccounts[0].Networks = prefixes("198.51.100.0/24")
		return Attempt{Login: "mailserver", Naming: directory.ServiceAccountOnly, Secret: app}
	}},
	{"service account that is not configured", ReasonUnknownAccount, 0, func(t *testing.T, w *world) Attempt {
		app, _ := w.issue(t, "id-mailserver", nil)
		w.rules.ServiceAccounts = nil
		return Attempt{Login: "mailserver", Naming: directory.ServiceAccountOnly, Secret: app}
	}},
	{"wrong proof", ReasonWrongSecret, 0, func(t *testing.T, w *world) Attempt {
		w.issue(t, "id-ann", nil)
		return Attempt{Login: "ann", Proof: &ntProof{used: secret.NTHash(text("x"))}}
	}},
	{"proof of nobody", ReasonUnknownAccount, 0, func(t *testing.T, w *world) Attempt {
		return Attempt{Login: "nobody", Proof: &ntProof{used: secret.NTHash(text("x"))}}
	}},
}

func TestEveryRefusalHasItsReasonAndRunsAtMostOneHash(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t)
			a := r.set(t, w)
			w.apply()
			a.Client, a.Remote = mailClient, mailAddr
			o := w.authenticate(t, a)
			o.expect(t, Reject, r.why)
			if o.hashes != r.hashes {
				t.Errorf("%d hashes, want %d", o.hashes, r.hashes)
			}
			if len(w.uses) != 0 {
				t.Errorf("a refused app password counts as used: %+v", w.uses)
			}
		})
	}
}

func TestAnAppPasswordsShapeDoesNotStopAnOldPassphrase(t *testing.T) {
	w := newWorld(t)
	passphrase, err := secret.NewAppPassword(strings.NewReader(strings.Repeat("\x01", 400)), secret.Compact)
	if err != nil {
		t.Fatal(err)
	}
	w.holder("id-bob").PasswordHash = hashOf(passphrase.Reveal())
	o := w.attempt(t, mailClient, "bob", passphrase)
	o.expect(t, Accept, ReasonPrimary)
	if o.hashes != 1 || !slices.Equal(o.queries, []string{"AppPassword", "HolderByName", "HolderByID"}) {
		t.Errorf("%d hashes, queries %v", o.hashes, o.queries)
	}
}

func TestAPrimaryIsVerifiedAsTyped(t *testing.T) {
	w := newWorld(t)
	for _, typed := range []string{bobPassword + " ", strings.ToUpper(bobPassword), "battery-staple", "batterystaple"} {
		w.attempt(t, mailClient, "bob", text(typed)).expect(t, Reject, ReasonWrongSecret)
	}
}

func TestWhatBreaksIsUnavailableWhereverItBreaks(t *testing.T) {
	broken := errors.New("disk on fire")
	app := func(t *testing.T, w *world) Attempt {
		typed, _ := w.issue(t, "id-ann", nil)
		return Attempt{Login: "ann", Secret: typed}
	}
	primary := func(*testing.T, *world) Attempt { return Attempt{Login: "bob", Secret: text(bobPassword)} }
	proof := func(*testing.T, *world) Attempt { return Attempt{Login: "ann", Proof: &ntProof{}} }
	for _, c := range []struct {
		query string
		a     func(*testing.T, *world) Attempt
	}{
		{"AppPassword", app}, {"HolderByName", primary}, {"HolderByID", primary}, {"HolderByName", proof}, {"ChallengeHoldings", proof},
	} {
		w := newWorld(t)
		a := c.a(t, w)
		a.Client, a.Remote = mailClient, mailAddr
		w.failQuery[c.query] = broken
		o := w.authenticate(t, a)
		o.expect(t, Unavailable, ReasonUnavailable)
		if !o.ReplyAt.IsZero() || !strings.Contains(w.log.String(), "disk on fire") {
			t.Errorf("%s: reply at %v, log:\n%s", c.query, o.ReplyAt, w.log)
		}
	}
}

// TestAPanicIsUnavailable, and says where it happened; what it holds, which may
// be what somebody typed, is said of runtime errors only.
func TestAPanicIsUnavailable(t *testing.T) {
	var none []int
	for name, c := range map[string]struct {
		fault func()
		said  string
	}{
		"a runtime error": {func() { none[len(none)]++ }, "index out of range"},
		"a string":        {func() { panic("while looking at " + bobPassword) }, "panic while gathering facts: string"},
		"an error":        {func() { panic(errors.New(bobPassword)) }, "panic while gathering facts: *errors.errorString"},
	} {
		w := newWorld(t)
		w.duringHash = c.fault
		w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Unavailable, ReasonUnavailable)
		if log := w.log.String(); !strings.Contains(log, c.said) || strings.Contains(log, bobPassword) || !strings.Contains(log, "engine_test.go") {
			t.Errorf("%s: log:\n%s", name, log)
		}
	}
}

func TestAFullQueueIsBusyForKnownAndUnknownAlike(t *testing.T) {
	w := newWorld(t)
	w.failHash = secret.ErrBusy
	app, _ := w.issue(t, "id-ann", nil)
	w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Busy, ReasonBusy)
	w.attempt(t, mailClient, "nobody", text("x")).expect(t, Busy, ReasonBusy)
	w.attempt(t, mailClient, "ann", app).expect(t, Accept, ReasonAppPassword)
}

func TestAnEndedContextIsUnavailable(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d := w.engine.Authenticate(ctx, Attempt{Client: mailClient, Login: "bob", Secret: text(bobPassword), Remote: mailAddr})
	if d.Outcome != Unavailable || len(w.events) != 1 || strings.Contains(w.log.String(), "level=ERROR") {
		t.Errorf("%v, %d events, log:\n%s", d.Outcome, len(w.events), w.log)
	}
}

func TestFactsAreReadAgainAfterTheHash(t *testing.T) {
	bob := func(w *world) *Holder { return w.holder("id-bob") }
	for _, c := range []struct {
		name  string
		while func(*world)
		want  Outcome
		why   Reason
	}{
		{"disabled", func(w *world) { bob(w).Account.Disabled = true }, Reject, ReasonAccountDisabled},
		{"MFA demanded", func(w *world) { bob(w).MFADemanded = true }, Reject, ReasonPrimaryWithMFA},
		{"deleted", func(w *world) { w.holders = w.holders[:1] }, Reject, ReasonUnknownAccount},
		{"password changed", func(w *world) {
			bob(w).PasswordHash, bob(w).Account.PasswordChangedAt = hashOf("new"), noon
		}, Reject, ReasonWrongSecret},
		{"password removed", func(w *world) { bob(w).PasswordHash = secret.Text{} }, Reject, ReasonWrongSecret},
		{"hash changed and nothing was stale", func(w *world) { bob(w).PasswordHash = hashOf("same, better") }, Reject, ReasonWrongSecret},
		{"stale hash renewed", func(w *world) { w.stale, bob(w).PasswordHash = true, hashOf("same, better") }, Accept, ReasonPrimary},
		{"stale hash, password changed", func(w *world) {
			w.stale, bob(w).PasswordHash, bob(w).Account.PasswordChangedAt = true, hashOf("new"), noon
		}, Reject, ReasonWrongSecret},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.duringHash = func() { c.while(w) }
			o := w.attempt(t, mailClient, "bob", text(bobPassword))
			o.expect(t, c.want, c.why)
			if o.hashes != 1 || !slices.Equal(o.queries, []string{"HolderByName", "HolderByID"}) {
				t.Errorf("%d hashes, queries %v", o.hashes, o.queries)
			}
		})
	}
}

func TestARowThatIsNotAsItWasIssuedOpensNothing(t *testing.T) {
	changes := map[string]func(*world, *Holding){
		"moved to another account": func(w *world, h *Holding) { h.Credential.AccountID = "id-bob" },
		"another id":               func(_ *world, h *Holding) { h.Credential.ID = "other" },
		"widened services":         func(_ *world, h *Holding) { h.Credential.Services = []string{directory.AnyService} },
		"one more service":         func(_ *world, h *Holding) { h.Credential.Services = []string{"mail", "vpn"} },
		"widened networks":         func(_ *world, h *Holding) { h.Credential.Networks = nil },
		"later expiry":             func(_ *world, h *Holding) { h.Credential.ExpiresAt = h.Credential.ExpiresAt.Add(time.Second) },
		"no expiry":                func(_ *world, h *Holding) { h.Credential.ExpiresAt = time.Time{} },
		"another kind":             func(_ *world, h *Holding) { h.Credential.Kind = directory.KindCertificate },
		"MAC of another row":       func(w *world, h *Holding) { h.RowMAC = CredentialMAC(w.keys, Holding{}) },
		"no MAC":                   func(_ *world, h *Holding) { h.RowMAC = secret.MAC{} },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			app, row := w.issue(t, "id-ann", func(p *directory.AppPassword) {
				p.Services, p.Networks, p.ExpiresAt = []string{"mail"}, prefixes("192.0.2.0/24"), noon.Add(time.Hour)
			})
			w.attempt(t, mailClient, "ann", app).expect(t, Accept, ReasonAppPassword)
			change(w, row)
			login := "ann"
			if row.Credential.AccountID == "id-bob" {
				login = "bob"
			}
			w.attempt(t, mailClient, login, app).expect(t, Reject, ReasonForged)
		})
	}
}

func TestADigestCopiedToAnotherRowOpensNothing(t *testing.T) {
	w := newWorld(t)
	_, ann := w.issue(t, "id-ann", nil)
	app, bob := w.issue(t, "id-bob", nil)
	w.held[0].Digest, bob.Digest = bob.Digest, ann.Digest
	w.attempt(t, mailClient, "ann", app).expect(t, Reject, ReasonForged)
}

func TestTheOrderOfServicesAndNetworksIsNoDifference(t *testing.T) {
	w := newWorld(t)
	app, row := w.issue(t, "id-ann", func(p *directory.AppPassword) {
		p.Services, p.Networks = []string{"mail", "vpn"}, prefixes("192.0.2.0/24", "198.51.100.0/24")
	})
	slices.Reverse(row.Credential.Services)
	slices.Reverse(row.Credential.Networks)
	w.attempt(t, mailClient, "ann", app).expect(t, Accept, ReasonAppPassword)
	if !slices.Equal(row.Credential.Services, []string{"vpn", "mail"}) {
		t.Error("the row was sorted in place")
	}
}

func TestAServiceAccountIsKnownByItsOwnNameOnly(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-mailserver", nil)
	w.authenticate(t, Attempt{Client: mailClient, Login: "mailserver", Naming: directory.ServiceAccountOnly, Secret: app, Remote: mailAddr}).
		expect(t, Accept, ReasonAppPassword)
	w.attempt(t, mailClient, "mailserver", app).expect(t, Reject, ReasonUnknownAccount)
}

func TestNewRulesCountForTheNextAttempt(t *testing.T) {
	w := newWorld(t)
	w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Accept, ReasonPrimary)
	w.rules.MFAGroups = []string{"staff"}
	w.holder("id-bob").Groups = []string{"people", "staff"}
	w.apply()
	w.attempt(t, mailClient, "bob", text(bobPassword)).expect(t, Reject, ReasonPrimaryWithMFA)
}
