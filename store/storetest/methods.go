package storetest

import (
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

func methodOf(t testing.TB, accountID string) policy.Method {
	t.Helper()
	return policy.Method{ID: newID(t), AccountID: accountID, Kind: policy.MethodTOTP, Label: "phone",
		Sealed: []byte{1, 2, 3}, Counter: 100, CreatedAt: now}
}

func enrol(t testing.TB, s *store.Store, m policy.Method) policy.Method {
	t.Helper()
	must(t, s.AddMethod(t.Context(), m, event(t, directory.EventMFAEnrolled)))
	return m
}

var methodTests = map[string]func(*testing.T, *store.Store){
	"a second factor makes its account enrolled until the last is gone": func(t *testing.T, s *store.Store) {
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		one, two := methodOf(t, ann.ID), methodOf(t, ann.ID)
		one.CreatedAt, two.Kind = now.Add(-time.Hour), policy.MethodWebAuthn
		enrol(t, s, two)
		enrol(t, s, one)
		got, err := s.Methods(t.Context(), ann.ID)
		must(t, err)
		if want := []policy.Method{one, two}; !reflect.DeepEqual(got, want) {
			t.Errorf("methods are %+v, want %+v", got, want)
		}
		if !held(t, s, ann.ID).Enrolled || held(t, s, bob.ID).Enrolled {
			t.Error("not the one who enrolled counts as enrolled")
		}
		must(t, s.RenameMethod(t.Context(), ann.ID, one.ID, "tablet", event(t, directory.EventAccountChanged)))
		wantError(t, s.RemoveMethod(t.Context(), bob.ID, one.ID, 0, event(t, directory.EventAccountChanged)), directory.ErrNotFound)
		must(t, s.RemoveMethod(t.Context(), ann.ID, two.ID, 1, event(t, directory.EventAccountChanged)))
		got, err = s.Methods(t.Context(), ann.ID)
		must(t, err)
		if len(got) != 1 || got[0].Label != "tablet" || !held(t, s, ann.ID).Enrolled {
			t.Errorf("methods are %+v", got)
		}
		wantError(t, s.RemoveMethod(t.Context(), ann.ID, one.ID, 1, event(t, directory.EventAccountChanged)), directory.ErrConflict)
		if !held(t, s, ann.ID).Enrolled {
			t.Error("the last method went")
		}
		must(t, s.RemoveMethod(t.Context(), ann.ID, one.ID, 0, event(t, directory.EventAccountChanged)))
		if held(t, s, ann.ID).Enrolled {
			t.Error("enrolled without a method")
		}
		wantError(t, s.AddMethod(t.Context(), methodOf(t, newID(t)), event(t, directory.EventMFAEnrolled)), directory.ErrNotFound)
	},
	"a code of a method counts once, however many present it": func(t *testing.T, s *store.Store) {
		m := enrol(t, s, methodOf(t, person(t, s, "ann", "").ID))
		var won atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				err := s.AdvanceMethod(t.Context(), m.ID, 100, 101, now)
				if err == nil {
					won.Add(1)
					return
				}
				wantError(t, err, directory.ErrConflict)
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("it counted %d times", won.Load())
		}
		wantError(t, s.AdvanceMethod(t.Context(), m.ID, 101, 101, now), directory.ErrConflict)
		wantError(t, s.AdvanceMethod(t.Context(), m.ID, 101, 50, now), directory.ErrConflict)
		list, err := s.Methods(t.Context(), m.AccountID)
		must(t, err)
		if list[0].Counter != 101 || !list[0].LastUsedAt.Equal(now) {
			t.Errorf("method is %+v", list[0])
		}
	},
	"one-time codes are spent once, by their owner, in time, for their purpose": func(t *testing.T, s *store.Store) {
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		replace := func(set policy.CodeSet) {
			t.Helper()
			must(t, s.ReplaceCodes(t.Context(), set, event(t, directory.EventEnrolCodeMade)))
		}
		replace(policy.CodeSet{AccountID: ann.ID, Purpose: policy.CodeRecovery, Digests: []secret.Digest{digest(1), digest(2)}})
		replace(policy.CodeSet{AccountID: ann.ID, Purpose: policy.CodeEnrol, Digests: []secret.Digest{digest(3)}, ExpiresAt: now.Add(time.Hour)})
		spend := func(accountID string, purpose policy.CodePurpose, at time.Time, digests ...secret.Digest) error {
			return s.SpendCode(t.Context(), accountID, purpose, digests, at)
		}
		left := func(purpose policy.CodePurpose, at time.Time, want int) {
			t.Helper()
			if n, err := s.CodesLeft(t.Context(), ann.ID, purpose, at); err != nil || n != want {
				t.Errorf("%d %s codes are left (%v), want %d", n, purpose, err, want)
			}
		}
		wantError(t, spend(bob.ID, policy.CodeRecovery, now, digest(1)), directory.ErrNotFound)
		wantError(t, spend(ann.ID, policy.CodeEnrol, now, digest(1)), directory.ErrNotFound)
		wantError(t, spend(ann.ID, policy.CodeEnrol, now.Add(time.Hour), digest(3)), directory.ErrNotFound)
		left(policy.CodeRecovery, now, 2)
		left(policy.CodeEnrol, now, 1)
		left(policy.CodeEnrol, now.Add(time.Hour), 0)
		must(t, spend(ann.ID, policy.CodeRecovery, now, digest(9), digest(1)))
		wantError(t, spend(ann.ID, policy.CodeRecovery, now, digest(1)), directory.ErrNotFound)
		left(policy.CodeRecovery, now, 1)
		replace(policy.CodeSet{AccountID: ann.ID, Purpose: policy.CodeRecovery, Digests: []secret.Digest{digest(4)}})
		wantError(t, spend(ann.ID, policy.CodeRecovery, now, digest(2)), directory.ErrNotFound)
		left(policy.CodeRecovery, now, 1)
		left(policy.CodeEnrol, now, 1)
	},
	"a reset takes methods and codes and leaves the rest": func(t *testing.T, s *store.Store) {
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		for i, a := range []directory.Account{ann, bob} {
			enrol(t, s, methodOf(t, a.ID))
			set := policy.CodeSet{AccountID: a.ID, Purpose: policy.CodeRecovery, Digests: []secret.Digest{digest(byte(i + 1))}}
			must(t, s.ReplaceCodes(t.Context(), set, event(t, directory.EventMFAEnrolled)))
			issue(t, s, holding(t, a.ID, digest(byte(i+1))))
		}
		must(t, s.ChangeAccount(t.Context(), ann.ID, policy.AccountChange{RemoveMethods: true}, event(t, directory.EventMFAReset)))
		if held(t, s, ann.ID).Enrolled || !held(t, s, bob.ID).Enrolled {
			t.Error("not ann's methods, and hers alone, were removed")
		}
		wantError(t, s.SpendCode(t.Context(), ann.ID, policy.CodeRecovery, []secret.Digest{digest(1)}, now), directory.ErrNotFound)
		must(t, s.SpendCode(t.Context(), bob.ID, policy.CodeRecovery, []secret.Digest{digest(2)}, now))
		if !find(t, s, digest(1), "ann").Credential.RevokedAt.IsZero() {
			t.Error("the app password was revoked though nobody asked")
		}
	},
}
