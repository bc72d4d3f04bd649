package storetest

import (
	"testing"

	"postern/directory"
	"postern/secret"
	"postern/store"
)

// found is whom a name denotes by both ways of asking, "" for nobody. The two
// must agree: a credential is only accepted under a name that would find its
// account.
func found(t *testing.T, s *store.Store, name directory.Name, credentials map[string]secret.Digest) string {
	t.Helper()
	byName := ""
	if h, err := s.HolderByName(t.Context(), name); err == nil {
		byName = h.Account.Login
	} else {
		wantError(t, err, directory.ErrNotFound)
	}
	for login, d := range credentials {
		h, err := s.AppPassword(t.Context(), []secret.Digest{d}, name)
		must(t, err)
		if h.Named != (login == byName) {
			t.Errorf("%+v denotes %q, but for the app password of %q it says %v", name, byName, login, h.Named)
		}
	}
	return byName
}

// crowd adds accounts whose names overlap, each with an app password.
func crowd(t *testing.T, s *store.Store) map[string]secret.Digest {
	t.Helper()
	credentials := map[string]secret.Digest{}
	for i, p := range []struct{ login, mail string }{
		{"ann", "ann.lee@example.org"},
		{"bob", "shared@example.org"},
		{"carl", "shared@example.org"},
		{"dora@example.org", ""},
		{"dora", ""},
		{"emil", "frida@example.org"},
		{"frida", ""},
		{"gus", "gus@example.org"},
		{"Straße", "strasse@example.net"},
		{"hugo@example.net", "hugo@example.net"},
	} {
		a := person(t, s, p.login, p.mail)
		credentials[p.login] = digest(byte(i + 1))
		issue(t, s, holding(t, a.ID, credentials[p.login]))
	}
	return credentials
}

var nameTests = map[string]func(*testing.T, *store.Store){
	"a name denotes one account or none": func(t *testing.T, s *store.Store) {
		credentials := crowd(t, s)
		for _, c := range []struct{ typed, login, why string }{
			{"ann", "ann", "login"},
			{"ANN", "ann", "login in another case"},
			{"ann@example.org", "ann", "login at the domain"},
			{"ann@EXAMPLE.org", "ann", "login at the domain in another case"},
			{"ann.lee@example.org", "ann", "mail address"},
			{"ann@example.net", "", "login at another domain"},
			{"shared@example.org", "", "mail address of two"},
			{"dora@example.org", "", "login of one, login at the domain of another"},
			{"dora", "dora", "login alone means one"},
			{"frida@example.org", "", "mail address of one, login at the domain of another"},
			{"frida", "frida", "login alone means one"},
			{"gus@example.org", "gus", "mail address and login at the domain of the same"},
			{"hugo@example.net", "hugo@example.net", "login and mail address of the same"},
			{"straße", "Straße", "login beyond ASCII"},
			{"nobody", "", "nobody's"},
			{"nobody@example.org", "", "nobody's"},
			{"", "", "nothing"},
			{"ann lee", "", "what can be no login"},
		} {
			if got := found(t, s, named(c.typed), credentials); got != c.login {
				t.Errorf("%q denotes %q, want %q (%s)", c.typed, got, c.login, c.why)
			}
		}
	},
	"a login in a DN is a login and nothing else": func(t *testing.T, s *store.Store) {
		credentials := crowd(t, s)
		for typed, want := range map[string]string{"gus": "gus", "gus@example.org": "", "shared@example.org": "", "dora@example.org": "dora@example.org"} {
			name := directory.ParseName(typed, directory.LoginOnly, "example.org")
			if got := found(t, s, name, credentials); got != want {
				t.Errorf("%q denotes %q, want %q", typed, got, want)
			}
		}
	},
	"a service account is found as one and not as a person": func(t *testing.T, s *store.Store) {
		h := holderOf(t, "mailserver", "")
		h.Account.Kind = directory.ServiceAccount
		must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
		issue(t, s, holding(t, h.Account.ID, digest(1)))
		credentials := map[string]secret.Digest{"mailserver": digest(1)}
		if got := found(t, s, named("mailserver"), credentials); got != "" {
			t.Errorf("as a person it denotes %q", got)
		}
		if got := found(t, s, directory.ParseName("MailServer", directory.ServiceAccountOnly, ""), credentials); got != "mailserver" {
			t.Errorf("as a service account it denotes %q", got)
		}
	},
	"the zero name denotes nobody": func(t *testing.T, s *store.Store) {
		credentials := crowd(t, s)
		if got := found(t, s, directory.Name{}, credentials); got != "" {
			t.Errorf("it denotes %q", got)
		}
	},
	"a service account does not make a person's address ambiguous": func(t *testing.T, s *store.Store) {
		person(t, s, "ann", "ann@example.net")
		h := holderOf(t, "ann@example.net", "")
		h.Account.Kind = directory.ServiceAccount
		must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
		if got := found(t, s, named("ann@example.net"), nil); got != "ann" {
			t.Errorf("it denotes %q", got)
		}
	},
}
