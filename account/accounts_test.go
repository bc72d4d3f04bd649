package account_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/secret"
)

func TestAnAccountIsFoundByItsLoginHoweverWritten(t *testing.T) {
	h := newHouse(t)
	id := h.add("Ann")
	for _, login := range []string{"Ann", "ann", "ANN"} {
		found, err := h.Find(t.Context(), login)
		ok(t, err)
		if found.Account.ID != id {
			t.Errorf("%q is %s, want %s", login, found.Account.ID, id)
		}
	}
	_, err := h.Add(t.Context(), actor, account.Person{Login: "ANN"})
	refused(t, err, account.LoginTaken)
}

func TestAnUnknownLoginIsToldWithItsNeighbour(t *testing.T) {
	h := newHouse(t)
	h.add("ann")
	h.add("anton")
	for typed, near := range map[string]string{"anm": `"ann"`, "antno": `"anton"`, "ant": `"ann"`, "zoe": "", "ann ": "", "": ""} {
		_, err := h.Find(t.Context(), typed)
		refused(t, err, account.UnknownAccount)
		if got := strings.Contains(err.Error(), "did you mean"); got != (near != "") || !strings.Contains(err.Error(), near) {
			t.Errorf("%q: %s; want a hint at %s", typed, err, near)
		}
	}
}

func TestWhatCanBeNoAccountIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		p    account.Person
		want account.Code
	}{
		{"no login", account.Person{}, account.BadLogin},
		{"a space", account.Person{Login: "a b"}, account.BadLogin},
		{"a comma", account.Person{Login: "a,b"}, account.BadLogin},
		{"a flag", account.Person{Login: "-a"}, account.BadLogin},
		{"a filter", account.Person{Login: "a*"}, account.BadLogin},
		{"too long", account.Person{Login: strings.Repeat("a", 254)}, account.BadLogin},
		{"a control character in the name", account.Person{Login: "eve", Name: "E\x1bve"}, account.BadName},
		{"a long name", account.Person{Login: "eve", Name: strings.Repeat("e", 257)}, account.BadName},
		{"a name that is not UTF-8", account.Person{Login: "eve", Name: "\xff"}, account.BadName},
		{"no mail address", account.Person{Login: "eve", Mail: "eve"}, account.BadMail},
		{"two domains", account.Person{Login: "eve", Mail: "eve@a@b"}, account.BadMail},
		{"a short password", account.Person{Login: "eve", Secret: secret.NewText("short")}, account.PasswordTooShort},
		{"a group that is not there", account.Person{Login: "eve", Groups: []string{"nobody"}}, account.UnknownGroup},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			if n := h.changes(func() {
				_, err := h.Add(t.Context(), actor, c.p)
				refused(t, err, c.want)
			}); n != 0 {
				t.Errorf("it was refused and changed something")
			}
		})
	}
}

func TestSetChangesWhatIsNamedAndNothingElse(t *testing.T) {
	h := newHouse(t)
	a, err := h.Add(t.Context(), actor, account.Person{Login: "ann", Name: "Ann", Mail: "ann@example.org"})
	ok(t, err)
	name, ends := "Ann Other", h.at.Add(time.Hour)
	ok(t, h.Set(t.Context(), actor, a.ID, account.Fields{Name: &name, ExpiresAt: &ends, Attributes: map[string][]string{"telephoneNumber": {"1", "2"}, "l": {"Here"}}}))
	ok(t, h.Set(t.Context(), actor, a.ID, account.Fields{Attributes: map[string][]string{"L": nil}}))

	got, err := h.store.Account(t.Context(), a.ID)
	ok(t, err)
	if got.Name != name || got.Mail != "ann@example.org" || !got.ExpiresAt.Equal(ends) {
		t.Errorf("got %+v", got)
	}
	if want := map[string][]string{"telephoneNumber": {"1", "2"}}; !reflect.DeepEqual(got.Attributes, want) {
		t.Errorf("attributes %v, want %v", got.Attributes, want)
	}

	bad := "ann"
	refused(t, h.Set(t.Context(), actor, a.ID, account.Fields{Mail: &bad}), account.BadMail)
	for _, attribute := range []string{"", "1x", "a b", "userPassword", "UID", "mail", "memberOf", "ü"} {
		refused(t, h.Set(t.Context(), actor, a.ID, account.Fields{Attributes: map[string][]string{attribute: {"x"}}}), account.BadAttribute)
	}
	refused(t, h.Set(t.Context(), actor, a.ID, account.Fields{Attributes: map[string][]string{"l": {""}}}), account.BadAttribute)
	refused(t, h.Set(t.Context(), actor, "no-such-id", account.Fields{Name: &name}), account.UnknownAccount)
}

func TestDisableStopsEverythingAndEnableRestoresIt(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	phone := h.issue(id, account.Request{})
	ok(t, h.Disable(t.Context(), actor, id))
	h.decided(h.signIn("ann", phone.Secret), policy.Reject, policy.ReasonAccountDisabled)
	h.decided(h.signIn("ann", secret.NewText(primary)), policy.Reject, policy.ReasonAccountDisabled)
	ok(t, h.Enable(t.Context(), actor, id))
	h.decided(h.signIn("ann", phone.Secret), policy.Accept, policy.ReasonAppPassword)
	h.decided(h.signIn("ann", secret.NewText(primary)), policy.Accept, policy.ReasonPrimary)
}

func TestADeletedAccountIsGoneAndALaterOneIsNew(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	phone := h.issue(id, account.Request{})
	ok(t, h.Delete(t.Context(), actor, id))
	h.decided(h.signIn("ann", phone.Secret), policy.Reject, policy.ReasonUnknownAccount)
	refused(t, h.Delete(t.Context(), actor, id), account.UnknownAccount)

	if later := h.add("ann"); later == id {
		t.Error("the later account has the id of the deleted one")
	}
	h.decided(h.signIn("ann", phone.Secret), policy.Reject, policy.ReasonWrongSecret)
	if !slices.Contains(h.events(), "account_deleted ann cli/cli:root ") {
		t.Errorf("the deletion is not among %q", h.events())
	}
}

func TestAPrimaryPasswordHasRules(t *testing.T) {
	h := newHouse(t)
	id := h.add("a-long-login")
	phone := h.issue(id, account.Request{})
	for _, c := range []struct {
		name, password string
		want           account.Code
	}{
		{"empty", "", account.PasswordTooShort},
		{"seven characters in more bytes", "ééééééé", account.PasswordTooShort},
		{"129 bytes", strings.Repeat("x", 129), account.PasswordTooLong},
		{"NUL", "pass\x00word", account.PasswordForbidden},
		{"a newline", "password\n", account.PasswordForbidden},
		{"not UTF-8", "password\xff", account.PasswordForbidden},
		{"the login", "A-Long-Login", account.PasswordForbidden},
		{"an app password", phone.Secret.Reveal(), account.PasswordShape},
		{"an app password as people type it", strings.ToUpper(phone.Secret.Reveal()[:5]) + " " + phone.Secret.Reveal()[5:], account.PasswordShape},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := h.SetPassword(t.Context(), actor, id, secret.NewText(c.password), false)
			refused(t, err, c.want)
			if len(c.password) > 6 && strings.Contains(err.Error(), c.password) {
				t.Errorf("the refusal repeats the password: %s", err)
			}
		})
	}
	h.decided(h.signIn("a-long-login", secret.NewText(primary)), policy.Accept, policy.ReasonPrimary)

	for _, password := range []string{"12345678", strings.Repeat("x", 128), "pass word with spaces ", "пароль-пароль"} {
		ok(t, h.SetPassword(t.Context(), actor, id, secret.NewText(password), false))
		h.decided(h.signIn("a-long-login", secret.NewText(password)), policy.Accept, policy.ReasonPrimary)
	}
	h.decided(h.signIn("a-long-login", secret.NewText(primary)), policy.Reject, policy.ReasonWrongSecret)
}

func TestANewPasswordKeepsOrRevokesAppPasswords(t *testing.T) {
	for _, c := range []struct {
		name           string
		configured, by bool
		want           policy.Outcome
	}{
		{"kept as shipped", false, false, policy.Accept},
		{"revoked by the configuration", true, false, policy.Reject},
		{"revoked by the administrator", false, true, policy.Reject},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.settings.RevokeOnPasswordChange = c.configured
			id := h.add("ann")
			phone := h.issue(id, account.Request{})
			ok(t, h.SetPassword(t.Context(), actor, id, secret.NewText("another password"), c.by))
			if d := h.signIn("ann", phone.Secret); d.Outcome != c.want {
				t.Errorf("the app password is decided %s, want %s", d.Outcome, c.want)
			}
		})
	}
}

func TestAGeneratedPasswordMayBeSet(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	password, err := h.GeneratePassword()
	ok(t, err)
	ok(t, h.SetPassword(t.Context(), actor, id, password, false))
	h.decided(h.signIn("ann", password), policy.Accept, policy.ReasonPrimary)
}

func TestEveryChangeIsOneStepWithItsEvent(t *testing.T) {
	h := newHouse(t)
	name := "Ann"
	var id, credential string
	for _, c := range []struct {
		what string
		do   func() error
		want string
	}{
		{"add group", func() error { h.group("office"); return nil }, "group_added  cli/cli:root group office"},
		{"add", func() error { id = h.add("ann"); return nil }, "account_added ann cli/cli:root "},
		{"set", func() error { return h.Set(t.Context(), actor, id, account.Fields{Name: &name}) }, "account_changed ann cli/cli:root name"},
		{"password", func() error { return h.SetPassword(t.Context(), "portal:ann", id, secret.NewText("another one"), true) }, "password_changed ann portal/portal:ann app passwords revoked"},
		{"mfa on", func() error { return h.MFAOn(t.Context(), actor, id) }, "mfa_on ann cli/cli:root "},
		{"mfa off", func() error { return h.MFAOff(t.Context(), actor, id) }, "mfa_off ann cli/cli:root "},
		{"mfa reset", func() error { return h.MFAReset(t.Context(), actor, id) }, "mfa_reset ann cli/cli:root "},
		{"enrol code", func() error { _, _, err := h.EnrolCode(t.Context(), actor, id); return err }, "enrol_code_made ann cli/cli:root "},
		{"recovery codes", func() error { _, err := h.NewRecoveryCodes(t.Context(), actor, id); return err }, "account_changed ann cli/cli:root recovery codes made"},
		{"issue", func() error { credential = h.issue(id, account.Request{}).AppPassword.ID; return nil }, "app_password_issued ann cli/cli:root for any"},
		{"rename", func() error { return h.Rename(t.Context(), actor, id, credential, "tablet") }, "account_changed ann cli/cli:root app password renamed"},
		{"revoke", func() error { _, err := h.Revoke(t.Context(), actor, id, credential); return err }, "app_password_revoked ann cli/cli:root "},
		{"join", func() error {
			m, err := h.PersonMember(t.Context(), "ann")
			ok(t, err)
			_, err = h.AddMember(t.Context(), actor, "office", m)
			return err
		}, "group_member_added ann cli/cli:root group office"},
		{"disable", func() error { return h.Disable(t.Context(), actor, id) }, "account_disabled ann cli/cli:root "},
		{"enable", func() error { return h.Enable(t.Context(), actor, id) }, "account_enabled ann cli/cli:root "},
		{"delete group", func() error { return h.DeleteGroup(t.Context(), actor, "office") }, "group_deleted  cli/cli:root group office"},
		{"delete", func() error { return h.Delete(t.Context(), actor, id) }, "account_deleted ann cli/cli:root "},
	} {
		before := len(h.events())
		if n := h.changes(func() { ok(t, c.do()) }); n != 1 {
			t.Errorf("%s moved the version by %d, want 1", c.what, n)
		}
		if got := h.events()[before:]; len(got) != 1 || got[0] != c.want {
			t.Errorf("%s recorded %q, want %q", c.what, got, c.want)
		}
	}
}

func TestWhatIsSoAlreadyIsNoChange(t *testing.T) {
	h := newHouse(t)
	id := h.add("ann")
	h.group("office")
	m, err := h.PersonMember(t.Context(), "ann")
	ok(t, err)
	for _, again := range []func() error{
		func() error { return h.Enable(t.Context(), actor, id) },
		func() error { return h.MFAOff(t.Context(), actor, id) },
		func() error { _, err := h.RevokeAll(t.Context(), actor, id); return err },
		func() error { _, err := h.RemoveMember(t.Context(), actor, "office", m); return err },
	} {
		before := len(h.events())
		if n := h.changes(func() { ok(t, again()) }); n != 0 || len(h.events()) != before {
			t.Errorf("version moved by %d, events %q", n, h.events()[before:])
		}
	}
}

func TestABrokenDatabaseIsNeitherYesNorNo(t *testing.T) {
	h := newHouse(t)
	h.Records = broken{h.store}
	for what, do := range map[string]func() error{
		"find":    func() error { _, err := h.Find(t.Context(), "ann"); return err },
		"group":   func() error { _, err := h.FindGroup(t.Context(), "staff"); return err },
		"disable": func() error { return h.Disable(t.Context(), actor, "id") },
		"issue":   func() error { _, err := h.Issue(t.Context(), actor, "id", account.Request{Label: "x"}); return err },
		"totp":    func() error { _, err := h.CheckTOTP(t.Context(), "id", "123456"); return err },
		"recovery": func() error {
			_, err := h.SpendRecoveryCode(t.Context(), "id", secret.NewText("0123456789abcdef"))
			return err
		},
		"import":  func() error { _, err := h.PlanCSV(t.Context(), strings.NewReader("login\nann\n")); return err },
		"account": func() error { _, err := h.ServiceAccountSecret(t.Context(), actor, "mailserver"); return err },
	} {
		err := do()
		var r *account.Refusal
		var i *account.ImportError
		if !errors.Is(err, errBroken) || errors.As(err, &r) || errors.As(err, &i) {
			t.Errorf("%s: %v, want the database's error and no refusal", what, err)
		}
	}
}

func TestAnAccountWithoutAPasswordIsNobodysToSignInTo(t *testing.T) {
	h := newHouse(t)
	_, err := h.Add(t.Context(), actor, account.Person{Login: "ann"})
	ok(t, err)
	h.decided(h.signIn("ann", secret.Text{}), policy.Reject, policy.ReasonWrongSecret)
	h.decided(h.signIn("ann", secret.NewText(primary)), policy.Reject, policy.ReasonWrongSecret)
	if a := h.holder(mustFind(h, "ann")).Account; !a.PasswordChangedAt.IsZero() || a.Kind != directory.Person {
		t.Errorf("got %+v", a)
	}
}

func mustFind(h *house, login string) string {
	h.t.Helper()
	found, err := h.Find(h.t.Context(), login)
	ok(h.t, err)
	return found.Account.ID
}
