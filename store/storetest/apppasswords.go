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
	t.Run("a digest nobody has is not found", func(t *testing.T) {
		_, err := open(t).AppPassword(t.Context(), []secret.Digest{digest(1)}, directory.ParseName("ann", directory.AnyName, ""))
		if !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("got %v, want not found", err)
		}
	})
}
