package storetest

import (
	"testing"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// with adds a person with that stored password hash.
func with(t *testing.T, s *store.Store, login, hash string) directory.Account {
	t.Helper()
	h := holderOf(t, login, "")
	h.PasswordHash = secret.NewText(hash)
	must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
	return h.Account
}

var sealedTests = map[string]func(*testing.T, *store.Store){
	"sealed hashes come in batches, and no others": func(t *testing.T, s *store.Store) {
		want := map[string]string{}
		for login, hash := range map[string]string{"ann": "$sealed$one", "bob": "$sealed$two", "carl": "$sealed$three", "dora": "$argon2id$x", "emil": "", "fay": "$wrapped$sealed$x"} {
			if a := with(t, s, login, hash); len(hash) > 7 && hash[:8] == "$sealed$" {
				want[a.ID] = hash
			}
		}
		after, got := "", map[string]string{}
		for range 4 {
			list, err := s.SealedHashes(t.Context(), after, 2)
			must(t, err)
			if len(list) > 2 {
				t.Fatalf("a batch of %d", len(list))
			}
			for _, h := range list {
				got[h.Account.ID], after = h.PasswordHash.Reveal(), h.Account.ID
			}
		}
		if len(got) != 3 || len(want) != 3 {
			t.Errorf("there are %v, want %v", got, want)
		}
		for id, hash := range want {
			if got[id] != hash {
				t.Errorf("%s has %q, want %q", id, got[id], hash)
			}
		}
		if n, err := s.SealedCount(t.Context()); err != nil || n != 3 {
			t.Errorf("counted %d (%v)", n, err)
		}
	},
	"a hash is swapped where it is still the old one, and nobody is told": func(t *testing.T, s *store.Store) {
		ann, bob := with(t, s, "ann", "$sealed$one"), with(t, s, "bob", "$sealed$two")
		hash := func(s string) secret.Text { return secret.NewText(s) }
		must(t, s.ChangeAccount(t.Context(), bob.ID, policy.AccountChange{PasswordHash: ptr(hash("$argon2id$new"))}, event(t, directory.EventPasswordChanged)))
		before, changed := version(t, s), held(t, s, ann.ID).Account.PasswordChangedAt
		made, err := s.SwapHashes(t.Context(), []store.HashSwap{
			{AccountID: ann.ID, Old: hash("$sealed$one"), Replacement: hash("$wrapped$one")},
			{AccountID: bob.ID, Old: hash("$sealed$two"), Replacement: hash("$wrapped$two")},
			{AccountID: newID(t), Old: hash("x"), Replacement: hash("y")},
		})
		if err != nil || made != 1 {
			t.Errorf("%d swaps were made (%v), want 1", made, err)
		}
		a, b := held(t, s, ann.ID), held(t, s, bob.ID)
		if !a.PasswordHash.Equal(hash("$wrapped$one")) || !b.PasswordHash.Equal(hash("$argon2id$new")) {
			t.Errorf("they have %q and %q", a.PasswordHash.Reveal(), b.PasswordHash.Reveal())
		}
		if !a.Account.PasswordChangedAt.Equal(changed) || version(t, s) != before {
			t.Error("swapping a hash was told as a change of the password")
		}
		if n, err := s.SealedCount(t.Context()); err != nil || n != 0 {
			t.Errorf("%d are left (%v)", n, err)
		}
	},
}
