package account_test

import (
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/secret"
)

func TestAnAppPasswordOpensWhatItWasIssuedFor(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	ok(t, h.MFAOn(t.Context(), actor, id))
	issued := h.issue(id, account.Request{
		Label: " Mail on my phone ", Services: []string{"vpn", "mail", "mail"},
		Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.9/24"), netip.MustParsePrefix("192.0.2.9/24")},
	})
	p := issued.AppPassword
	if p.Label != "Mail on my phone" || issued.Login != "ann" || p.AccountID != id ||
		!reflect.DeepEqual(p.Services, []string{"mail", "vpn"}) ||
		!reflect.DeepEqual(p.Networks, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}) {
		t.Errorf("issued %+v", p)
	}
	if !secret.HasAppPasswordShape(issued.Secret) || issued.Secret.Len() != 25 {
		t.Error("the secret has not the shape of one")
	}
	h.decided(h.signIn("ann", issued.Secret), policy.Accept, policy.ReasonAppPassword)
	h.decided(h.signIn("ann", issued.Secret, ""), policy.Reject, policy.ReasonOtherService)
	h.decided(h.signIn("ann", secret.NewText(primary)), policy.Reject, policy.ReasonPrimaryWithMFA)

	list, err := h.AppPasswords(t.Context(), id)
	ok(t, err)
	if len(list) != 1 || !reflect.DeepEqual(list[0], p) || h.State(list[0]) != directory.AppPasswordLive {
		t.Errorf("listed %+v, issued %+v", list, p)
	}
}

func TestAnAppPasswordOfOneAccountOpensNoOther(t *testing.T) {
	h := newHouse(t)
	issued := h.issue(h.add("ann"), account.Request{})
	h.add("bob")
	h.decided(h.signIn("bob", issued.Secret), policy.Reject, policy.ReasonWrongSecret)
}

func TestWhatMayNotBeIssued(t *testing.T) {
	for _, c := range []struct {
		name string
		r    account.Request
		want account.Code
	}{
		{"without a label", account.Request{Label: "  "}, account.BadLabel},
		{"a long label", account.Request{Label: strings.Repeat("x", 65)}, account.BadLabel},
		{"a label of control characters", account.Request{Label: "a\nb"}, account.BadLabel},
		{"an unknown service", account.Request{Label: "x", Services: []string{"mail", "mial"}}, account.UnknownService},
		{"one that has expired", account.Request{Label: "x", ExpiresAt: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, account.BadExpiry},
		{"one that lasts too long", account.Request{Label: "x", ExpiresAt: time.Date(2026, 12, 22, 12, 0, 1, 0, time.UTC)}, account.BadExpiry},
		{"CHAP", account.Request{Label: "x", Challenge: directory.ChallengeCHAP}, account.CHAPNotAllowed},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.settings.Lifetime = 30 * 24 * time.Hour
			id := h.add("ann")
			if n := h.changes(func() {
				_, err := h.Issue(t.Context(), actor, id, c.r)
				refused(t, err, c.want)
			}); n != 0 {
				t.Error("it was refused and changed something")
			}
		})
	}
}

func TestServicesNotNamedAreTheDefaultOnes(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	for _, c := range []struct{ configured, asked, want []string }{
		{[]string{"any"}, nil, []string{"any"}},
		{[]string{"vpn", "mail"}, nil, []string{"mail", "vpn"}},
		{[]string{"vpn"}, []string{"default"}, []string{"default"}},
		{[]string{"vpn"}, []string{"mail", "any"}, []string{"any"}},
	} {
		h.settings.DefaultServices = c.configured
		h.settings.MaxPerAccount = 0
		if got := h.issue(id, account.Request{Services: c.asked}).AppPassword.Services; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v of default %v: %v, want %v", c.asked, c.configured, got, c.want)
		}
	}
	h.settings.DefaultServices = nil
	_, err := h.Issue(t.Context(), actor, id, account.Request{Label: "x"})
	refused(t, err, account.UnknownService)
}

func TestTheLifetimeIsTheLongestAndTheDefault(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	if p := h.issue(id, account.Request{}).AppPassword; !p.ExpiresAt.IsZero() {
		t.Errorf("without a lifetime it ends at %s", p.ExpiresAt)
	}
	h.settings.Lifetime = 30 * 24 * time.Hour
	end := h.at.Add(h.settings.Lifetime)
	issued := h.issue(id, account.Request{})
	if !issued.AppPassword.ExpiresAt.Equal(end) {
		t.Errorf("it ends at %s, want %s", issued.AppPassword.ExpiresAt, end)
	}
	if p := h.issue(id, account.Request{ExpiresAt: h.at.Add(time.Hour)}).AppPassword; !p.ExpiresAt.Equal(h.at.Add(time.Hour)) {
		t.Errorf("it ends at %s", p.ExpiresAt)
	}
	h.at = end.Add(-time.Second)
	h.decided(h.signIn("ann", issued.Secret), policy.Accept, policy.ReasonAppPassword)
	h.at = end
	h.decided(h.signIn("ann", issued.Secret), policy.Reject, policy.ReasonCredentialEnded)
	if h.State(issued.AppPassword) != directory.AppPasswordExpired {
		t.Errorf("its state is %s", h.State(issued.AppPassword))
	}
}

func TestOnlySoManyMayBeLive(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	h.issue(id, account.Request{ExpiresAt: h.at.Add(time.Minute)})
	second := h.issue(id, account.Request{}).AppPassword.ID
	h.issue(id, account.Request{})
	_, err := h.Issue(t.Context(), actor, id, account.Request{Label: "x"})
	refused(t, err, account.TooManyPasswords)
	if _, err := h.Revoke(t.Context(), actor, id, second); err != nil {
		t.Error(err)
	}
	h.issue(id, account.Request{})
	_, err = h.Issue(t.Context(), actor, id, account.Request{Label: "x"})
	refused(t, err, account.TooManyPasswords)
	h.at = h.at.Add(time.Minute) // one has expired
	h.issue(id, account.Request{})
}

func TestOfManyIssuedAtOnceNoMoreThanAllowedAreKept(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			if _, err := h.Issue(t.Context(), actor, id, account.Request{Label: "x"}); err != nil {
				refused(t, err, account.TooManyPasswords)
			}
		})
	}
	group.Wait()
	list, err := h.AppPasswords(t.Context(), id)
	if err != nil || len(list) != h.settings.MaxPerAccount {
		t.Errorf("%d are kept, %v; want %d", len(list), err, h.settings.MaxPerAccount)
	}
}

func TestRevokingEndsOneOrAll(t *testing.T) {
	h := newHouse(t)
	id, other := h.add("ann"), h.add("bob")
	first, second, third := h.issue(id, account.Request{}), h.issue(id, account.Request{}), h.issue(id, account.Request{})
	bobs := h.issue(other, account.Request{})

	_, err := h.Revoke(t.Context(), actor, other, first.AppPassword.ID)
	refused(t, err, account.UnknownCredential)
	_, err = h.Revoke(t.Context(), actor, id, "")
	refused(t, err, account.UnknownCredential)
	h.decided(h.signIn("ann", first.Secret), policy.Accept, policy.ReasonAppPassword)

	changed, err := h.Revoke(t.Context(), actor, id, first.AppPassword.ID)
	if !changed || err != nil {
		t.Errorf("revoking: %t, %v", changed, err)
	}
	h.decided(h.signIn("ann", first.Secret), policy.Reject, policy.ReasonRevoked)
	h.decided(h.signIn("ann", second.Secret), policy.Accept, policy.ReasonAppPassword)
	changed, err = h.Revoke(t.Context(), actor, id, first.AppPassword.ID)
	if changed || err != nil {
		t.Errorf("revoking again: %t, %v", changed, err)
	}

	n, err := h.RevokeAll(t.Context(), actor, id)
	if n != 2 || err != nil {
		t.Errorf("revoking all: %d, %v", n, err)
	}
	h.decided(h.signIn("ann", third.Secret), policy.Reject, policy.ReasonRevoked)
	h.decided(h.signIn("bob", bobs.Secret), policy.Accept, policy.ReasonAppPassword)
}

func TestRenamingChangesTheLabelAlone(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	issued := h.issue(id, account.Request{Services: []string{"mail"}})
	ok(t, h.Rename(t.Context(), actor, id, issued.AppPassword.ID, " tablet "))
	list, err := h.AppPasswords(t.Context(), id)
	ok(t, err)
	want := issued.AppPassword
	want.Label = "tablet"
	if !reflect.DeepEqual(list, []directory.AppPassword{want}) {
		t.Errorf("got %+v, want %+v", list, want)
	}
	h.decided(h.signIn("ann", issued.Secret), policy.Accept, policy.ReasonAppPassword)
	refused(t, h.Rename(t.Context(), actor, id, issued.AppPassword.ID, ""), account.BadLabel)
	refused(t, h.Rename(t.Context(), actor, h.add("bob"), issued.AppPassword.ID, "mine"), account.UnknownCredential)
}

// TestSealedFormsAreThoseOfTheSecret: what a challenge method is answered with
// is what was issued.
func TestSealedFormsAreThoseOfTheSecret(t *testing.T) {
	h := newHouse(t)
	h.settings.AllowCHAP = true
	id := h.add("ann")
	issued := map[string]account.Issued{}
	for _, c := range []directory.Challenge{directory.ChallengeNone, directory.ChallengeNT, directory.ChallengeCHAP} {
		i := h.issue(id, account.Request{Challenge: c})
		issued[i.AppPassword.ID] = i
	}
	list, err := h.store.ChallengeHoldings(t.Context(), id, h.at, 10)
	ok(t, err)
	if len(list) != 2 {
		t.Fatalf("%d hold sealed forms, want 2", len(list))
	}
	for _, holding := range list {
		c, text := holding.Credential, issued[holding.Credential.ID].Secret
		nt, err := h.Keys.Open(policy.SealedNT, c.ID, holding.Sealed)
		if err != nil || string(nt) != string(secret.NTHash(text)) {
			t.Errorf("%s: the NT hash is another one, %v", c.Challenge, err)
		}
		if (holding.SealedClear != nil) != (c.Challenge == directory.ChallengeCHAP) {
			t.Errorf("%s: sealed copy kept %t", c.Challenge, holding.SealedClear != nil)
		}
		if holding.SealedClear == nil {
			continue
		}
		clear, err := h.Keys.Open(policy.SealedClear, c.ID, holding.SealedClear)
		if err != nil || string(clear) != text.Reveal() {
			t.Errorf("%s: the copy is another one, %v", c.Challenge, err)
		}
	}
}

func TestCompactOnesAreShorter(t *testing.T) {
	h := newHouse(t)
	h.settings.Format = secret.Compact
	id := h.add("ann")
	issued := h.issue(id, account.Request{})
	if issued.Secret.Len() != 16 {
		t.Errorf("it has %d letters", issued.Secret.Len())
	}
	h.settings.Format = secret.Standard
	h.decided(h.signIn("ann", issued.Secret), policy.Accept, policy.ReasonAppPassword)
}

func TestAServiceAccountHasOneSecret(t *testing.T) {
	h := newHouse(t)
	signIn := func(text secret.Text, from string) policy.Decision {
		return h.engine.Authenticate(t.Context(), policy.Attempt{
			Login: "mailserver", Naming: directory.ServiceAccountOnly, Secret: text,
			Client: policy.Client{Protocol: policy.LDAP, Method: "simple"}, Remote: netip.MustParseAddrPort(from),
		})
	}
	states, err := h.ServiceAccounts(t.Context())
	if err != nil || len(states) != 1 || states[0].Name != "mailserver" || states[0].Secret.ID != "" {
		t.Errorf("%+v, %v", states, err)
	}
	first, err := h.ServiceAccountSecret(t.Context(), actor, "MailServer")
	ok(t, err)
	h.decided(signIn(first.Secret, "192.0.2.1:9"), policy.Accept, policy.ReasonAppPassword)
	h.decided(signIn(first.Secret, "198.51.100.1:9"), policy.Reject, policy.ReasonOtherNetwork)

	second, err := h.ServiceAccountSecret(t.Context(), actor, "mailserver")
	ok(t, err)
	h.decided(signIn(first.Secret, "192.0.2.1:9"), policy.Reject, policy.ReasonRevoked)
	h.decided(signIn(second.Secret, "192.0.2.1:9"), policy.Accept, policy.ReasonAppPassword)
	states, err = h.ServiceAccounts(t.Context())
	if err != nil || len(states) != 1 || states[0].Secret.ID != second.AppPassword.ID {
		t.Errorf("%+v, %v", states, err)
	}

	_, err = h.ServiceAccountSecret(t.Context(), actor, "printer")
	refused(t, err, account.UnknownServiceAcc)
	_, err = h.Find(t.Context(), "mailserver")
	refused(t, err, account.UnknownAccount)
}
