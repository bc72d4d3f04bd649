package policy

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"postern/directory"
)

// reopened is g after it went through the hands of strangers.
func (w *world) reopened(t *testing.T, g Grant) Grant {
	t.Helper()
	sealed, err := w.engine.SealGrant(rand.Reader, "use", "bound", g)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := w.engine.OpenGrant("use", "bound", g.client.Name, sealed)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// TestASealedGrantStandsAsLongAsItsOwn: what ends the one ends the other, and
// for a session the decision of a new attempt is what counts.
func TestASealedGrantStandsAsLongAsItsOwn(t *testing.T) {
	app := func(p *directory.AppPassword) { p.Services, p.Networks = []string{"vpn"}, prefixes("192.0.2.0/24") }
	for name, c := range map[string]struct {
		login  string // "" for the app password of ann
		change func(*world, *Holding)
	}{
		"nothing, app password": {"", nil},
		"nothing, primary":      {"bob", nil},
		"revoked":               {"", func(_ *world, h *Holding) { h.Credential.RevokedAt = noon }},
		"ended":                 {"", func(w *world, h *Holding) { w.remac(h, func() { h.Credential.ExpiresAt = noon }) }},
		"not used for long": {"", func(w *world, _ *Holding) {
			w.rules.UnusedAfter = time.Hour
			w.now = func() time.Time { return noon.Add(2 * time.Hour) }
		}},
		"its service is gone":        {"", func(w *world, _ *Holding) { w.rules.Services = w.rules.Services[:1] }},
		"out of the service's scope": {"", func(w *world, h *Holding) { w.remac(h, func() { h.Credential.Services = []string{"mail"} }) }},
		"out of its networks":        {"", func(w *world, h *Holding) { w.remac(h, func() { h.Credential.Networks = prefixes("198.51.100.0/24") }) }},
		"disabled":                   {"", func(w *world, _ *Holding) { w.holder("id-ann").Account.Disabled = true }},
		"disabled, primary":          {"bob", func(w *world, _ *Holding) { w.holder("id-bob").Account.Disabled = true }},
		"deleted":                    {"bob", func(w *world, _ *Holding) { w.holders = w.holders[:1] }},
		"another password":           {"bob", func(w *world, _ *Holding) { w.setPassword("id-bob") }},
		"MFA turned on":              {"bob", func(w *world, _ *Holding) { w.holder("id-bob").MFADemanded = true }},
		"a group demands MFA": {"bob", func(w *world, _ *Holding) {
			w.rules.MFAGroups, w.holder("id-bob").Groups = []string{"staff"}, []string{"staff"}
		}},
		"a group demands app passwords": {"bob", func(w *world, _ *Holding) {
			w.rules.AppPasswordGroups, w.holder("id-bob").Groups = []string{"staff"}, []string{"staff"}
		}},
		"the service demands them": {"bob", func(w *world, _ *Holding) { w.rules.Services[1].RequireAppPassword = true }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			secret, row := w.issue(t, "id-ann", app)
			login, password := "ann", secret
			if c.login != "" {
				login, password = c.login, text(bobPassword)
			}
			g := w.attempt(t, vpnClient, login, password).Grant
			sealed := w.reopened(t, g)
			if !w.entitled(t, g) || !w.entitled(t, sealed) {
				t.Fatal("it does not stand at once")
			}
			if a, c := sealed.Holder(); a != g.account || c != g.credential {
				t.Errorf("it is of %q, %q", a, c)
			}
			if c.change != nil {
				c.change(w, row)
				w.apply()
			}
			if own, other, want := w.entitled(t, g), w.entitled(t, sealed), c.change == nil; own != want || other != want {
				t.Errorf("it stands: %v, and sealed: %v", own, other)
			}
		})
	}
}

// remac changes h as whoever has the key file does.
func (w *world) remac(h *Holding, change func()) {
	change()
	h.RowMAC = CredentialMAC(w.keys, *h)
}

func (w *world) setPassword(id string) {
	w.holder(id).PasswordHash, w.holder(id).Account.PasswordChangedAt = hashOf("new"), noon
}

// TestASealedGrantOfAnOldHashOutlivesItsRenewal: the password is the same.
func TestASealedGrantOfAnOldHashOutlivesItsRenewal(t *testing.T) {
	w := newWorld(t)
	g := w.reopened(t, w.attempt(t, vpnClient, "bob", text(bobPassword)).Grant)
	w.holder("id-bob").PasswordHash = hashOf("the same, hashed better")
	if !w.entitled(t, g) {
		t.Error("it does not stand any more")
	}
}

func TestTheSecondLegFollowsASealedFirst(t *testing.T) {
	w := newWorld(t)
	first := w.reopened(t, w.attempt(t, vpnOTPClient, "ann", text(annPassword)).Grant)
	o, _ := w.second(t, vpnOTPClient, first, true)
	o.expect(t, Accept, ReasonPrimaryAndSecond)
	w.setPassword("id-ann")
	o, _ = w.second(t, vpnOTPClient, first, true)
	o.expect(t, Reject, ReasonWrongSecret)
}

func TestASealedGrantIsAsLongWhateverItHolds(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-ann", nil)
	const uuid = "0a1b2c3d-4e5f-4a7b-8c9d-0a1b2c3d4e5f"
	whole := w.attempt(t, vpnClient, "ann", app).Grant
	whole.account, whole.credential = uuid, uuid
	lengths := map[int]bool{}
	for _, g := range []Grant{{}, whole, w.attempt(t, vpnOTPClient, "ann", text(annPassword)).Grant} {
		sealed, err := w.engine.SealGrant(rand.Reader, "use", "", g)
		if err != nil {
			t.Fatal(err)
		}
		lengths[len(sealed)] = true
		if bytes.Contains(sealed, []byte("id-ann")) {
			t.Error("it can be read")
		}
	}
	if len(lengths) != 1 {
		t.Errorf("lengths %v", lengths)
	}
	if got := w.reopened(t, whole); got.account != uuid || got.credential != uuid || got.digest != whole.digest || got.from != whole.from {
		t.Errorf("%+v became %+v", whole, got)
	}
}

func TestASealedGrantOpensNowhereElse(t *testing.T) {
	w := newWorld(t)
	sealed, err := w.engine.SealGrant(rand.Reader, "use", "bound", w.attempt(t, vpnClient, "bob", text(bobPassword)).Grant)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"other", "bound"}, {"use", "other"}, {"use", ""}, {"", "bound"}} {
		if _, err := w.engine.OpenGrant(c[0], c[1], "vpn", sealed); err == nil {
			t.Errorf("it opens for %q", c)
		}
	}
	for _, plain := range []string{"", "\x01", strings.Repeat("\x00", sealedGrant), strings.Repeat("\x01", 53), strings.Repeat("\xff", 40)} {
		box, err := w.keys.Seal(rand.Reader, "use", "bound", []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		if g, err := w.engine.OpenGrant("use", "bound", "vpn", box); !errors.Is(err, errNoGrant) {
			t.Errorf("%q is %+v, %v", plain, g, err)
		}
	}
	if _, err := w.engine.SealGrant(rand.Reader, "use", "", w.attempt(t, mailClient, "bob", text(bobPassword)).Grant); err == nil {
		t.Error("a grant of LDAP is sealed, and its listener is lost")
	}
}

func TestWhatStandsIsAnAccountThatCouldBeGrantedSomething(t *testing.T) {
	w := newWorld(t)
	stands := func(id string) bool {
		t.Helper()
		ok, err := w.engine.Stands(context.Background(), id)
		if err != nil {
			t.Error(err)
		}
		return ok
	}
	if !stands("id-ann") || !stands("id-mailserver") || stands("id-nobody") {
		t.Error("an account that is there does not stand, or one that is not does")
	}
	w.holder("id-ann").Account.ExpiresAt = noon
	w.rules.ServiceAccounts = nil
	w.apply()
	if stands("id-ann") || stands("id-mailserver") {
		t.Error("an account that ended, or one that is not configured, stands")
	}
	w.failQuery["HolderByID"] = errors.New("disk on fire")
	if ok, err := w.engine.Stands(context.Background(), "id-bob"); ok || err == nil {
		t.Errorf("not known, and it says %v, %v", ok, err)
	}
}
