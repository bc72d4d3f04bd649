package storetest

import (
	"errors"
	"testing"

	"postern/directory"
	"postern/secret"
)

func appPasswords(t *testing.T, open Open) {
	t.Run("it is found by its digest and names its account", func(t *testing.T) {
		s := open(t)
		ann, bob := person(t, s, "ann", "ann@example.org"), person(t, s, "bob", "")
		issued := appPassword(t, s, ann.Account.ID, digest(1))
		for _, c := range []struct {
			typed string
			named bool
		}{{"ann", true}, {"ANN", true}, {"ann@example.org", true}, {"bob", false}, {"carl", false}, {bob.Account.ID, false}} {
			h, err := s.AppPassword(t.Context(), []secret.Digest{digest(9), digest(1)}, directory.ParseName(c.typed, directory.AnyName, "example.org"))
			must(t, err)
			if h.Named != c.named || h.Credential.ID != issued.Credential.ID || h.Holder.Account.ID != ann.Account.ID {
				t.Errorf("%s: named %v, credential %s", c.typed, h.Named, h.Credential.ID)
			}
		}
	})
	t.Run("ended ones are among the account's credentials, others' are not", func(t *testing.T) {
		s := open(t)
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		ended, live := appPassword(t, s, ann.Account.ID, digest(1)), appPassword(t, s, ann.Account.ID, digest(2))
		appPassword(t, s, bob.Account.ID, digest(3))
		_, err := s.RevokeAppPasswords(t.Context(), ann.Account.ID, ended.Credential.ID, event(t, directory.EventAppPasswordEnded))
		must(t, err)
		list, err := s.Holdings(t.Context(), ann.Account.ID)
		must(t, err)
		found := map[string]secret.Digest{}
		for _, h := range list {
			found[h.Credential.ID] = h.Digest
		}
		if len(list) != 2 || found[ended.Credential.ID] != digest(1) || found[live.Credential.ID] != digest(2) {
			t.Errorf("found %d credentials", len(list))
		}
	})
	t.Run("a digest nobody has is not found", func(t *testing.T) {
		_, err := open(t).AppPassword(t.Context(), []secret.Digest{digest(1)}, directory.ParseName("ann", directory.AnyName, ""))
		if !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("got %v, want not found", err)
		}
	})
}
