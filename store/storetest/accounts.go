package storetest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

func accounts(t *testing.T, open Open) {
	t.Run("an account comes back as it was added", func(t *testing.T) {
		s := open(t)
		added := policy.Holder{
			Account: directory.Account{
				ID: newID(t), Login: "Ann", Name: "Ann Lee", Mail: "Ann@Example.org", ExpiresAt: now.Add(time.Hour),
				UIDNumber: 4711, Attributes: map[string][]string{"roomNumber": {"12", "9"}},
				PasswordChangedAt: now, CreatedAt: now, ModifiedAt: now},
			PasswordHash: secret.NewText("$argon2id$x"), MFADemanded: true,
		}
		must(t, s.AddAccount(t.Context(), added, event(t, directory.EventAccountAdded)))
		got, err := s.Account(t.Context(), added.Account.ID)
		must(t, err)
		if !reflect.DeepEqual(got, added.Account) {
			t.Errorf("account is %+v, want %+v", got, added.Account)
		}
		h, err := s.HolderByName(t.Context(), directory.ParseName("aNN", directory.AnyName, ""))
		must(t, err)
		if !h.PasswordHash.Equal(added.PasswordHash) || !h.MFADemanded || h.Enrolled || len(h.Groups) > 0 {
			t.Errorf("holder is %+v", h)
		}
	})
	t.Run("a login is taken once per kind, however it is written", func(t *testing.T) {
		s := open(t)
		person(t, s, "ann", "")
		again := policy.Holder{Account: directory.Account{ID: newID(t), Login: "ANN"}}
		err := s.AddAccount(t.Context(), again, event(t, directory.EventAccountAdded))
		if !errors.Is(err, directory.ErrConflict) {
			t.Errorf("adding the same login again: %v", err)
		}
		again.Account.Kind = directory.ServiceAccount
		must(t, s.AddAccount(t.Context(), again, event(t, directory.EventAccountAdded)))
	})
}
