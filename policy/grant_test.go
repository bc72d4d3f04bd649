package policy

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"postern/directory"
	"postern/secret"
)

// entitled asks whether g still stands, and what asking costs.
func (w *world) entitled(t *testing.T, g Grant) bool {
	t.Helper()
	hashes, queries, events := w.hashes, len(w.queries), len(w.events)
	ok, err := w.engine.Entitled(context.Background(), g)
	if err != nil {
		t.Fatal(err)
	}
	if w.hashes != hashes || len(w.queries) > queries+1 || len(w.events) != events {
		t.Errorf("asking cost %d hashes, queries %v and %d events", w.hashes-hashes, w.queries[queries:], len(w.events)-events)
	}
	return ok
}

func TestAGrantOfAnAppPasswordStandsUntilItIsRefused(t *testing.T) {
	for name, change := range map[string]func(*world, *Holding){
		"revoked":          func(_ *world, h *Holding) { h.Credential.RevokedAt = noon },
		"account disabled": func(w *world, _ *Holding) { w.holder("id-ann").Account.Disabled = true },
		"account expired":  func(w *world, _ *Holding) { w.holder("id-ann").Account.ExpiresAt = noon },
		"tampered with":    func(_ *world, h *Holding) { h.Credential.Networks = prefixes("192.0.2.0/24") },
		"removed":          func(w *world, _ *Holding) { w.held = nil },
		"time is up":       func(w *world, _ *Holding) { w.now = func() time.Time { return noon.Add(2 * time.Hour) } },
		"service given to others": func(w *world, _ *Holding) {
			w.rules.Services = []directory.Service{{Name: "vpn", LDAPNetworks: prefixes("192.0.2.0/24")}}
			w.apply()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			app, row := w.issue(t, "id-ann", func(p *directory.AppPassword) {
				p.Services, p.ExpiresAt = []string{"mail"}, noon.Add(time.Hour)
			})
			g := w.attempt(t, mailClient, "ann", app).Grant
			if !w.entitled(t, g) {
				t.Fatal("not entitled at once")
			}
			change(w, row)
			if w.entitled(t, g) {
				t.Error("still entitled")
			}
		})
	}
}

func TestAGrantOfAPrimaryStandsUntilItIsRefused(t *testing.T) {
	for name, change := range map[string]func(*world){
		"MFA turned on": func(w *world) { w.holder("id-bob").MFADemanded = true },
		"joined a group of mfa_groups": func(w *world) {
			w.rules.MFAGroups = []string{"staff"}
			w.holder("id-bob").Groups = []string{"staff"}
			w.apply()
		},
		"app passwords demanded":   func(w *world) { w.rules.Services[0].RequireAppPassword = true; w.apply() },
		"disabled":                 func(w *world) { w.holder("id-bob").Account.Disabled = true },
		"deleted":                  func(w *world) { w.holders = nil },
		"password changed":         func(w *world) { w.holder("id-bob").PasswordHash = hashOf("new") },
		"password changed, stale":  func(w *world) { changePassword(w.holder("id-bob")) },
		"password removed":         func(w *world) { w.holder("id-bob").PasswordHash = secret.Text{} },
		"became a service account": func(w *world) { w.holder("id-bob").Account.Kind = directory.ServiceAccount },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.stale = name == "password changed, stale"
			g := w.attempt(t, mailClient, "bob", text(bobPassword)).Grant
			if !w.entitled(t, g) {
				t.Fatal("not entitled at once")
			}
			change(w)
			if w.entitled(t, g) {
				t.Error("still entitled")
			}
		})
	}
}

func changePassword(h *Holder) {
	h.PasswordHash, h.Account.PasswordChangedAt = hashOf("new"), noon
}

func TestAGrantOutlivesTheRenewalOfItsHash(t *testing.T) {
	w := newWorld(t)
	w.stale = true
	g := w.attempt(t, mailClient, "bob", text(bobPassword)).Grant
	w.holder("id-bob").PasswordHash = hashOf("same, better")
	if !w.entitled(t, g) {
		t.Error("not entitled after its own hash was renewed")
	}
}

func TestOnlyAnAcceptedGrantEntitles(t *testing.T) {
	w := newWorld(t)
	asked := w.attempt(t, portalClient, "ann", text(annPassword)).Grant
	refused := w.attempt(t, mailClient, "ann", text(annPassword)).Grant
	for _, g := range []Grant{{}, asked, refused} {
		if w.entitled(t, g) {
			t.Error("entitled")
		}
	}
	if refused != (Grant{}) {
		t.Error("a refusal carries a grant")
	}
}

func TestWhetherAGrantStandsMayNotBeKnown(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-ann", nil)
	grants := map[string]Grant{
		"AppPassword": w.attempt(t, mailClient, "ann", app).Grant,
		"HolderByID":  w.attempt(t, mailClient, "bob", text(bobPassword)).Grant,
	}
	for query, g := range grants {
		w.failQuery[query] = errors.New("disk on fire")
		if ok, err := w.engine.Entitled(context.Background(), g); ok || err == nil {
			t.Errorf("%s fails: entitled %v, error %v", query, ok, err)
		}
	}
}

// second presents a second factor that is right or wrong after first.
func (w *world) second(t *testing.T, c Client, first Grant, right bool) (o outcome, checks []string) {
	t.Helper()
	check := func(_ context.Context, accountID string) (bool, error) {
		checks = append(checks, accountID)
		return right, nil
	}
	o = w.authenticate(t, Attempt{Client: c, Remote: mailAddr, Second: &Second{First: first, Check: check}})
	if o.hashes != 0 {
		t.Errorf("%d hashes in the second leg", o.hashes)
	}
	return o, checks
}

func TestTheSecondLegDecidesAnew(t *testing.T) {
	for _, c := range []Client{portalClient, vpnOTPClient} {
		w := newWorld(t)
		first := w.attempt(t, c, "ann", text(annPassword))
		first.expect(t, SecondFactor, ReasonAskSecondFactor)
		o, checks := w.second(t, c, first.Grant, true)
		o.expect(t, Accept, ReasonPrimaryAndSecond)
		if !slices.Equal(checks, []string{"id-ann"}) {
			t.Errorf("checked %v", checks)
		}
		if !w.entitled(t, o.Grant) {
			t.Error("the grant of a second factor does not stand")
		}
		o, _ = w.second(t, c, first.Grant, false)
		o.expect(t, Reject, ReasonWrongSecond)
	}
}

func TestALegacyClientGainsNothingByASecondLeg(t *testing.T) {
	w := newWorld(t)
	refused := w.attempt(t, vpnClient, "ann", text(annPassword)).Grant
	o, checks := w.second(t, vpnClient, refused, true)
	o.expect(t, Reject, ReasonUnknownAccount)
	asked := w.attempt(t, vpnOTPClient, "ann", text(annPassword)).Grant
	o, more := w.second(t, vpnClient, asked, true) // no longer configured to ask
	o.expect(t, Reject, ReasonWrongSecret)
	if len(checks)+len(more) != 0 {
		t.Error("a code was used up for nothing")
	}
}

func TestASecondLegDoesNotHold(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		client Client
		why    Reason
	}{
		"too late":         {func(w *world) { w.now = func() time.Time { return noon.Add(6 * time.Minute) } }, portalClient, ReasonWrongSecret},
		"at another door":  {func(*world) {}, vpnOTPClient, ReasonWrongSecret},
		"password changed": {func(w *world) { w.holder("id-ann").PasswordHash = hashOf("new") }, portalClient, ReasonWrongSecret},
		"disabled":         {func(w *world) { w.holder("id-ann").Account.Disabled = true }, portalClient, ReasonAccountDisabled},
		"deleted":          {func(w *world) { w.holders = nil }, portalClient, ReasonUnknownAccount},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			first := w.attempt(t, portalClient, "ann", text(annPassword)).Grant
			c.change(w)
			o, _ := w.second(t, c.client, first, true)
			o.expect(t, Reject, c.why)
		})
	}
}

func TestWhoEnrolledMayFollowWithTheSecondFactor(t *testing.T) {
	w := newWorld(t)
	w.holder("id-ann").Enrolled = false
	first := w.attempt(t, portalClient, "ann", text(annPassword)).Grant
	o, _ := w.second(t, portalClient, first, true)
	o.expect(t, Enrol, ReasonAskEnrol) // nothing is enrolled yet
	w.holder("id-ann").Enrolled = true
	o, _ = w.second(t, portalClient, first, true)
	o.expect(t, Accept, ReasonPrimaryAndSecond)
}

func TestASecondFactorThatCannotBeCheckedIsUnavailable(t *testing.T) {
	w := newWorld(t)
	first := w.attempt(t, portalClient, "ann", text(annPassword)).Grant
	check := func(context.Context, string) (bool, error) { return true, errors.New("disk on fire") }
	w.authenticate(t, Attempt{Client: portalClient, Remote: mailAddr, Second: &Second{First: first, Check: check}}).
		expect(t, Unavailable, ReasonUnavailable)
}
