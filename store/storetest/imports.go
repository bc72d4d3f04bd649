package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

var importTests = map[string]func(*testing.T, *store.Store){
	"an import adds groups and accounts and changes others": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		must(t, s.ImportAccounts(t.Context(), policy.Import{
			Groups:  []directory.Group{{ID: newID(t), Name: "staff"}, {ID: newID(t), Name: "Guests"}},
			Add:     []policy.Holder{holderOf(t, "bob", "bob@example.org", "staff", "guests")},
			Changes: []policy.ImportChange{{AccountID: ann.ID, Change: policy.AccountChange{MFADemanded: ptr(true)}, Join: []string{"Staff"}}},
		}, event(t, directory.EventAccountsImported)))
		if h := held(t, s, ann.ID); !h.MFADemanded || !slices.Equal(h.Groups, []string{"staff"}) {
			t.Errorf("ann is %+v", h)
		}
		bob, err := s.HolderByName(t.Context(), named("bob"))
		must(t, err)
		if got := groupsOf(t, s, bob.Account); !slices.Equal(got, []string{"guests", "staff"}) {
			t.Errorf("bob is in %v", got)
		}
	},
	"an import brings app passwords, and one that is nobody's stops it": func(t *testing.T, s *store.Store) {
		bob := holderOf(t, "bob", "")
		h := holding(t, bob.Account.ID, digest(1))
		im := policy.Import{Add: []policy.Holder{bob}, AppPasswords: []policy.Holding{h}}
		must(t, s.ImportAccounts(t.Context(), im, event(t, directory.EventAccountsImported)))
		got, err := s.AppPassword(t.Context(), []secret.Digest{h.Digest}, named("bob"))
		must(t, err)
		if got.Credential.ID != h.Credential.ID || !got.Named {
			t.Errorf("found %+v", got.Credential)
		}
		carl := holderOf(t, "carl", "")
		stray := holding(t, newID(t), digest(2))
		im = policy.Import{Add: []policy.Holder{carl}, AppPasswords: []policy.Holding{stray}}
		if err := s.ImportAccounts(t.Context(), im, event(t, directory.EventAccountsImported)); err == nil || !strings.Contains(err.Error(), stray.Credential.ID) {
			t.Errorf("error is %v, want one that names %s", err, stray.Credential.ID)
		}
		if _, err := s.HolderByName(t.Context(), named("carl")); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("carl: %v, want none", err)
		}
	},
	"an import with one bad account is not done at all, and names it": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		before := version(t, s)
		good := policy.Import{
			Groups:  []directory.Group{{ID: newID(t), Name: "staff"}},
			Add:     []policy.Holder{holderOf(t, "bob", "", "staff"), holderOf(t, "carl", "")},
			Changes: []policy.ImportChange{{AccountID: ann.ID, Change: policy.AccountChange{PasswordHash: ptr(secret.NewText("x"))}}},
		}
		for name, spoil := range map[string]func(*policy.Import){
			"carl":  func(im *policy.Import) { im.Add[1].Groups = []string{"guests"} },
			"ANN":   func(im *policy.Import) { im.Add[1].Account.Login = "ANN" },
			"staff": func(im *policy.Import) { im.Groups = append(im.Groups, directory.Group{ID: newID(t), Name: "staff"}) },
			"nobody": func(im *policy.Import) {
				im.Changes = append(im.Changes, policy.ImportChange{AccountID: "nobody"})
			},
		} {
			im := policy.Import{Groups: slices.Clone(good.Groups), Add: slices.Clone(good.Add), Changes: slices.Clone(good.Changes)}
			spoil(&im)
			err := s.ImportAccounts(t.Context(), im, event(t, directory.EventAccountsImported))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error is %v, want one that names %s", err, name)
			}
		}
		list, err := s.Holders(t.Context(), directory.Query{})
		must(t, err)
		if len(list) != 1 || !list[0].PasswordHash.Empty() || version(t, s) != before {
			t.Errorf("after failed imports there are %+v", list)
		}
	},
}
