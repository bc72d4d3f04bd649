package storetest

import (
	"reflect"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

var accountTests = map[string]func(*testing.T, *store.Store){
	"an account comes back as it was added": func(t *testing.T, s *store.Store) {
		added := holderOf(t, "Ann", "Ann@Example.org")
		added.PasswordHash, added.MFADemanded = secret.NewText("$argon2id$x"), true
		added.Account.ExpiresAt, added.Account.PasswordChangedAt = now.Add(time.Hour), now
		added.Account.UIDNumber = 4711
		added.Account.Attributes = map[string][]string{"roomNumber": {"12", "9"}, "title": {"Dr."}}
		must(t, s.AddAccount(t.Context(), added, event(t, directory.EventAccountAdded)))

		got, err := s.Account(t.Context(), added.Account.ID)
		must(t, err)
		if !reflect.DeepEqual(got, added.Account) {
			t.Errorf("account is %+v, want %+v", got, added.Account)
		}
		h := held(t, s, added.Account.ID)
		if !h.PasswordHash.Equal(added.PasswordHash) || !h.MFADemanded || h.Enrolled || len(h.Groups) > 0 {
			t.Errorf("holder is %+v", h)
		}
	},
	"a login is taken once per kind, however it is written": func(t *testing.T, s *store.Store) {
		person(t, s, "ann", "")
		again := holderOf(t, "ANN", "")
		wantError(t, s.AddAccount(t.Context(), again, event(t, directory.EventAccountAdded)), directory.ErrConflict)
		again.Account.Kind = directory.ServiceAccount
		must(t, s.AddAccount(t.Context(), again, event(t, directory.EventAccountAdded)))
	},
	"a login that can be none is refused": func(t *testing.T, s *store.Store) {
		if err := s.AddAccount(t.Context(), holderOf(t, "ann lee", ""), event(t, directory.EventAccountAdded)); err == nil {
			t.Error("an account with a space in its login was added")
		}
	},
	"numbers are unique and never given twice": func(t *testing.T, s *store.Store) {
		ann := held(t, s, person(t, s, "ann", "").ID).Account
		taken := holderOf(t, "bob", "")
		taken.Account.UIDNumber = ann.UIDNumber + 1
		must(t, s.AddAccount(t.Context(), taken, event(t, directory.EventAccountAdded)))
		must(t, s.DeleteAccount(t.Context(), ann.ID, event(t, directory.EventAccountDeleted)))
		carl := held(t, s, person(t, s, "carl", "").ID).Account
		if ann.UIDNumber < 10000 || carl.UIDNumber != ann.UIDNumber+2 {
			t.Errorf("numbers are %d, %d and %d", ann.UIDNumber, taken.Account.UIDNumber, carl.UIDNumber)
		}
		taken.Account.ID, taken.Account.Login = newID(t), "dora"
		wantError(t, s.AddAccount(t.Context(), taken, event(t, directory.EventAccountAdded)), directory.ErrConflict)
	},
	"a change touches what it names and nothing else": func(t *testing.T, s *store.Store) {
		h := holderOf(t, "ann", "ann@example.org")
		h.PasswordHash, h.Account.PasswordChangedAt = secret.NewText("old"), now
		h.Account.Attributes = map[string][]string{"title": {"Dr."}, "roomNumber": {"12"}}
		must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
		ev := event(t, directory.EventAccountChanged)
		ev.At = now.Add(time.Minute)
		must(t, s.ChangeAccount(t.Context(), h.Account.ID, policy.AccountChange{
			Mail: ptr("lee@example.org"), Disabled: ptr(true), MFADemanded: ptr(true),
			Attributes: map[string][]string{"TITLE": {"Prof.", "Dr."}, "roomNumber": nil},
		}, ev))

		want := h.Account
		want.Mail, want.Disabled, want.ModifiedAt, want.UIDNumber = "lee@example.org", true, ev.At, 10000
		want.Attributes = map[string][]string{"TITLE": {"Prof.", "Dr."}}
		got, err := s.Account(t.Context(), h.Account.ID)
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("account is %+v, want %+v", got, want)
		}
		if now := held(t, s, h.Account.ID); !now.PasswordHash.Equal(h.PasswordHash) || !now.MFADemanded {
			t.Errorf("holder is %+v", now)
		}
	},
	"what was set can be taken away": func(t *testing.T, s *store.Store) {
		h := holderOf(t, "ann", "ann@example.org")
		h.PasswordHash, h.Account.PasswordChangedAt, h.Account.ExpiresAt = secret.NewText("old"), now, now
		must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
		must(t, s.ChangeAccount(t.Context(), h.Account.ID, policy.AccountChange{
			Name: ptr(""), Mail: ptr(""), ExpiresAt: ptr(time.Time{}), PasswordHash: ptr(secret.Text{}),
		}, event(t, directory.EventAccountChanged)))
		got := held(t, s, h.Account.ID)
		a := got.Account
		if a.Name != "" || a.Mail != "" || !a.ExpiresAt.IsZero() || !got.PasswordHash.Empty() || !a.PasswordChangedAt.IsZero() {
			t.Errorf("holder is %+v", got)
		}
		_, err := s.HolderByName(t.Context(), named("ann@example.org"))
		must(t, err) // by login and domain
		must(t, s.AddAccount(t.Context(), holderOf(t, "bob", "ann@example.org"), event(t, directory.EventAccountAdded)))
	},
	"a new password is dated and ends app passwords where asked": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		kept := issue(t, s, holding(t, ann.ID, digest(1)))
		ev := event(t, directory.EventPasswordChanged)
		ev.At = now.Add(time.Minute)
		must(t, s.ChangeAccount(t.Context(), ann.ID, policy.AccountChange{PasswordHash: ptr(secret.NewText("new"))}, ev))
		if h := held(t, s, ann.ID); h.PasswordHash.Reveal() != "new" || !h.Account.PasswordChangedAt.Equal(ev.At) {
			t.Errorf("holder is %+v", h)
		}
		if p := find(t, s, kept.Digest, "ann").Credential; !p.RevokedAt.IsZero() {
			t.Error("the app password was revoked though nobody asked")
		}
		ev = event(t, directory.EventPasswordChanged)
		must(t, s.ChangeAccount(t.Context(), ann.ID, policy.AccountChange{RevokeAppPasswords: true}, ev))
		if p := find(t, s, kept.Digest, "ann").Credential; !p.RevokedAt.Equal(ev.At) {
			t.Errorf("the app password was revoked at %v, want %v", p.RevokedAt, ev.At)
		}
	},
	"a renewed hash replaces the one it was made from and no other": func(t *testing.T, s *store.Store) {
		h := holderOf(t, "ann", "")
		h.PasswordHash, h.Account.PasswordChangedAt = secret.NewText("one"), now
		must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
		two, three := secret.NewText("two"), secret.NewText("three")
		must(t, s.CompareAndSwapHash(t.Context(), h.Account.ID, h.PasswordHash, two))
		wantError(t, s.CompareAndSwapHash(t.Context(), h.Account.ID, h.PasswordHash, three), directory.ErrConflict)
		got := held(t, s, h.Account.ID)
		if !got.PasswordHash.Equal(two) || !got.Account.PasswordChangedAt.Equal(now) {
			t.Errorf("holder is %+v", got)
		}
	},
	"deleting takes everything but the events": func(t *testing.T, s *store.Store) {
		g := group(t, s, "staff")
		h := holderOf(t, "ann", "", "staff")
		h.Account.Attributes = map[string][]string{"title": {"Dr."}}
		must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
		id := h.Account.ID
		issue(t, s, holding(t, id, digest(1)))
		must(t, s.AddMethod(t.Context(), methodOf(t, id), event(t, directory.EventMFAEnrolled)))
		before := len(recorded(t, s))
		must(t, s.DeleteAccount(t.Context(), id, event(t, directory.EventAccountDeleted)))

		_, err := s.HolderByID(t.Context(), id)
		wantError(t, err, directory.ErrNotFound)
		_, err = s.AppPassword(t.Context(), []secret.Digest{digest(1)}, named("ann"))
		wantError(t, err, directory.ErrNotFound)
		if members, err := s.Members(t.Context(), g.ID); err != nil || len(members) > 0 {
			t.Errorf("the group still holds %v (%v)", members, err)
		}
		if n := len(recorded(t, s)); n != before+1 {
			t.Errorf("%d events are kept, want %d", n, before+1)
		}
		wantError(t, s.DeleteAccount(t.Context(), id, event(t, directory.EventAccountDeleted)), directory.ErrNotFound)
		again := person(t, s, "ann", "")
		if list, err := s.AppPasswords(t.Context(), again.ID); err != nil || len(list) > 0 || len(held(t, s, again.ID).Groups) > 0 {
			t.Errorf("a later account of that login holds %v (%v)", list, err)
		}
	},
	"an account that is not there cannot be changed": func(t *testing.T, s *store.Store) {
		err := s.ChangeAccount(t.Context(), newID(t), policy.AccountChange{Disabled: ptr(true)}, event(t, directory.EventAccountDisabled))
		wantError(t, err, directory.ErrNotFound)
		_, err = s.Account(t.Context(), newID(t))
		wantError(t, err, directory.ErrNotFound)
	},
}
