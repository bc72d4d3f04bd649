package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern/directory"
	"postern/store"
)

// logins lists the accounts q selects, in all batches, sorted.
func logins(t *testing.T, s *store.Store, q directory.Query) (all []string) {
	t.Helper()
	for {
		list, err := s.Holders(t.Context(), q)
		must(t, err)
		if len(list) == 0 {
			return slices.Sorted(slices.Values(all))
		}
		for _, h := range list {
			if h.Account.ID <= q.After {
				t.Fatalf("%s comes after %s", h.Account.ID, q.After)
			}
			all, q.After = append(all, h.Account.Login), h.Account.ID
		}
	}
}

var listTests = map[string]func(*testing.T, *store.Store){
	"accounts come in batches that leave none out": func(t *testing.T, s *store.Store) {
		var want []string
		for i := range 7 {
			want = append(want, fmt.Sprintf("user%d", i))
			person(t, s, want[i], "")
		}
		for limit := range 9 {
			if got := logins(t, s, directory.Query{Limit: limit}); !slices.Equal(got, want) {
				t.Errorf("in batches of %d there are %v", limit, got)
			}
		}
	},
	"kinds are listed apart": func(t *testing.T, s *store.Store) {
		person(t, s, "ann", "")
		h := holderOf(t, "mailserver", "")
		h.Account.Kind = directory.ServiceAccount
		must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
		if got := logins(t, s, directory.Query{}); !slices.Equal(got, []string{"ann"}) {
			t.Errorf("persons are %v", got)
		}
		if got := logins(t, s, directory.Query{Kind: directory.ServiceAccount}); !slices.Equal(got, []string{"mailserver"}) {
			t.Errorf("service accounts are %v", got)
		}
	},
	"terms select by what is compared, not by what is shown": func(t *testing.T, s *store.Store) {
		person(t, s, "Ann", "A.Lee@example.org")
		person(t, s, "annika", "")
		person(t, s, "bob_1", "bob@example.org")
		person(t, s, "bobx1", "")
		for _, c := range []struct {
			term directory.Term
			want []string
		}{
			{directory.Term{Attribute: "uid", Match: directory.Equals, Value: "ann"}, []string{"Ann"}},
			{directory.Term{Attribute: "uid", Match: directory.Prefix, Value: "ann"}, []string{"Ann", "annika"}},
			{directory.Term{Attribute: "uid", Match: directory.Contains, Value: "nn"}, []string{"Ann", "annika"}},
			{directory.Term{Attribute: "uid", Match: directory.Contains, Value: "b_1"}, []string{"bob_1"}},
			{directory.Term{Attribute: "uid", Match: directory.Contains, Value: "%"}, nil},
			{directory.Term{Attribute: "uid", Match: directory.AtLeast, Value: "bob_1"}, []string{"bob_1", "bobx1"}},
			{directory.Term{Attribute: "uid", Match: directory.AtMost, Value: "ann"}, []string{"Ann"}},
			{directory.Term{Attribute: "mail", Match: directory.Equals, Value: "a.lee@example.org"}, []string{"Ann"}},
			{directory.Term{Attribute: "mail", Match: directory.Present}, []string{"Ann", "bob_1"}},
			{directory.Term{Attribute: "cn", Match: directory.Prefix, Value: "name of a"}, []string{"Ann", "annika"}},
			{directory.Term{Attribute: "shoeSize", Match: directory.Equals, Value: "42"}, []string{"Ann", "annika", "bob_1", "bobx1"}},
			{directory.Term{Attribute: "uid", Match: directory.Equals, Value: "x' OR '1'='1"}, nil},
		} {
			got := logins(t, s, directory.Query{AnyOf: []directory.Term{c.term}, Limit: 1})
			if !slices.Equal(got, c.want) {
				t.Errorf("%+v selects %v, want %v", c.term, got, c.want)
			}
		}
	},
	"one term of several is enough": func(t *testing.T, s *store.Store) {
		for _, login := range []string{"ann", "bob", "carl"} {
			person(t, s, login, "")
		}
		is := func(login string) directory.Term {
			return directory.Term{Attribute: "uid", Match: directory.Equals, Value: login}
		}
		if got := logins(t, s, directory.Query{AnyOf: []directory.Term{is("ann"), is("carl")}}); !slices.Equal(got, []string{"ann", "carl"}) {
			t.Errorf("selected are %v", got)
		}
		if got := logins(t, s, directory.Query{AnyOf: slices.Repeat([]directory.Term{is("ann"), is("bob")}, 1000)}); !slices.Contains(got, "bob") {
			t.Errorf("with very many terms, selected are %v", got)
		}
		any := directory.Term{Attribute: "shoeSize", Match: directory.Present}
		if got := logins(t, s, directory.Query{AnyOf: []directory.Term{is("ann"), any}}); len(got) != 3 {
			t.Errorf("with a term that no index answers, selected are %v", got)
		}
	},
	"people are paged in each order, once each": func(t *testing.T, s *store.Store) {
		for _, p := range []struct{ login, name, mail string }{
			{"ann", "Zoe", "z@example.org"}, {"Bob", "zoe", "same@example.org"}, {"carl", "Émile", "same@example.org"}, {"dora", "", ""}, {"emil", "", ""},
		} {
			h := holderOf(t, p.login, p.mail)
			h.Account.Name = p.name
			must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
		}
		service := holderOf(t, "aserver", "")
		service.Account.Kind = directory.ServiceAccount
		must(t, s.AddAccount(t.Context(), service, event(t, directory.EventAccountAdded)))
		for _, c := range []struct {
			order  directory.PeopleOrder
			prefix string
			key    func(directory.Account) string
			want   []string
		}{
			{directory.ByLogin, "", func(a directory.Account) string { return strings.ToLower(a.Login) }, []string{"ann", "bob", "carl", "dora", "emil"}},
			{directory.ByLogin, "b", nil, []string{"bob"}},
			{directory.ByName, "", func(a directory.Account) string { return directory.FoldText(a.Name) }, []string{"zoe", "zoe", "émile"}},
			{directory.ByMail, "", func(a directory.Account) string { return a.Mail }, []string{"same@example.org", "same@example.org", "z@example.org"}},
		} {
			var got []string
			q := directory.PeopleQuery{Order: c.order, Prefix: c.prefix, Limit: 1}
			for range 9 {
				list, err := s.People(t.Context(), q)
				must(t, err)
				for _, h := range list {
					key := strings.ToLower(h.Account.Login)
					if c.key != nil {
						key = c.key(h.Account)
					}
					got, q.AfterKey, q.AfterID = append(got, key), key, h.Account.ID
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("order %d, prefix %q: %v, want %v", c.order, c.prefix, got, c.want)
			}
		}
	},
	"groups come in batches too": func(t *testing.T, s *store.Store) {
		for _, name := range []string{"a", "b", "c"} {
			group(t, s, name)
		}
		var got []string
		q := directory.Query{Limit: 2}
		for range 3 {
			list, err := s.Groups(t.Context(), q)
			must(t, err)
			for _, g := range list {
				got, q.After = append(got, g.Name), g.ID
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("groups are %v", got)
		}
		list, err := s.Groups(t.Context(), directory.Query{AnyOf: []directory.Term{{Attribute: "cn", Match: directory.Equals, Value: "b"}}})
		if err != nil || len(list) != 1 || list[0].Name != "b" {
			t.Errorf("selected are %v (%v)", list, err)
		}
	},
}
