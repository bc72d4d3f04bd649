package storetest

import (
	"slices"
	"testing"

	"postern/directory"
	"postern/policy"
	"postern/store"
)

// entryTests hold the listings that the directory is shown by.
var entryTests = map[string]func(*testing.T, *store.Store){
	"entries come with what is asked for": func(t *testing.T, s *store.Store) {
		outer, middle := group(t, s, "outer"), group(t, s, "middle")
		join(t, s, outer, inner(middle))
		ann := person(t, s, "ann", "ann@example.org", "middle")
		must(t, s.ChangeAccount(t.Context(), ann.ID, policy.AccountChange{Attributes: map[string][]string{"title": {"Dr.", "Prof."}}},
			event(t, directory.EventAccountChanged)))
		person(t, s, "bob", "")

		read := func(d directory.Detail, terms ...directory.Term) []directory.AccountEntry {
			list, err := s.AccountEntries(t.Context(), directory.Query{AnyOf: terms}, d)
			must(t, err)
			return list
		}
		is := func(attribute, value string) directory.Term {
			return directory.Term{Attribute: attribute, Value: value}
		}
		if list := read(0); len(list) != 2 || list[0].MemberOf != nil || list[0].Attributes != nil {
			t.Errorf("everybody, with nothing besides, is %+v", list)
		}
		for _, term := range []directory.Term{is("uid", "ann"), is("id", ann.ID), is("mail", "ann@example.org"), is("memberof", "middle"), is("+title", "prof.")} {
			list := read(directory.WithAttributes|directory.WithMemberOf, term)
			if len(list) != 1 || list[0].Login != "ann" || !slices.Equal(list[0].MemberOf, []string{"middle"}) ||
				!slices.Equal(list[0].Attributes["title"], []string{"Dr.", "Prof."}) {
				t.Errorf("%+v selects %+v", term, list)
			}
		}
		for _, d := range []directory.Detail{0, directory.WithAttributes, directory.WithAttributes | directory.WithMemberOf} {
			if list := read(d, is("uid", "bob")); len(list) != 1 || list[0].Login != "bob" || list[0].Attributes != nil || len(list[0].MemberOf) > 0 {
				t.Errorf("bob, who has nothing, is %+v with %v", list, d)
			}
			if list := read(d, is("uid", "nobody")); len(list) > 0 {
				t.Errorf("nobody is %+v", list)
			}
		}
		carl, dora := person(t, s, "carl", "shared@example.org"), person(t, s, "dora", "shared@example.org")
		for _, d := range []directory.Detail{0, directory.WithAttributes} {
			ids := func(list []directory.AccountEntry) (ids []string) {
				for _, e := range list {
					ids = append(ids, e.ID)
				}
				return ids
			}
			both := []string{carl.ID, dora.ID}
			slices.Sort(both)
			if got := ids(read(d, is("mail", "shared@example.org"), is("uid", "dora"), is("id", carl.ID))); !slices.Equal(got, both) {
				t.Errorf("two of one address are %v, want %v", got, both)
			}
			list, err := s.AccountEntries(t.Context(), directory.Query{AnyOf: []directory.Term{is("mail", "shared@example.org")}, Limit: 1}, d)
			must(t, err)
			rest, err := s.AccountEntries(t.Context(), directory.Query{AnyOf: []directory.Term{is("mail", "shared@example.org")}, Limit: 1, After: list[0].ID}, d)
			must(t, err)
			if got := append(ids(list), ids(rest)...); !slices.Equal(got, both) {
				t.Errorf("two of one address, one by one, are %v, want %v", got, both)
			}
		}
		list := read(directory.WithMemberOf|directory.WithNested, is("uid", "ann"))
		if slices.Sort(list[0].MemberOf); !slices.Equal(list[0].MemberOf, []string{"middle", "outer"}) {
			t.Errorf("by nesting, ann is in %v", list[0].MemberOf)
		}
	},
	"groups are found by what they hold": func(t *testing.T, s *store.Store) {
		outer, middle := group(t, s, "outer"), group(t, s, "middle")
		join(t, s, outer, inner(middle))
		person(t, s, "ann", "", "middle")
		for _, c := range []struct {
			term directory.Term
			want string
		}{
			{directory.Term{Attribute: "account", Value: "ann"}, "middle"},
			{directory.Term{Attribute: "group", Value: "middle"}, "outer"},
			{directory.Term{Attribute: "memberof", Value: "outer"}, "middle"},
			{directory.Term{Attribute: "cn", Value: "outer"}, "outer"},
		} {
			list, err := s.GroupEntries(t.Context(), directory.Query{AnyOf: []directory.Term{c.term}}, directory.WithMembers)
			must(t, err)
			if len(list) != 1 || list[0].Name != c.want || len(list[0].Members) != 1 {
				t.Errorf("%+v selects %+v, want %s", c.term, list, c.want)
			}
		}
		above, err := s.GroupsAbove(t.Context(), directory.Member{Name: "ann"})
		must(t, err)
		below, err := s.GroupsBelow(t.Context(), "outer")
		must(t, err)
		slices.Sort(above)
		slices.Sort(below)
		if both := []string{"middle", "outer"}; !slices.Equal(above, both) || !slices.Equal(below, both) {
			t.Errorf("above ann are %v, at and below outer %v", above, below)
		}
		counts, err := s.DirectoryCounts(t.Context())
		must(t, err)
		if counts != (directory.Counts{People: 1, Groups: 2}) {
			t.Errorf("there are %+v", counts)
		}
	},
	"a group's time moves when a member is deleted": func(t *testing.T, s *store.Store) {
		group(t, s, "staff")
		ann := person(t, s, "ann", "", "staff")
		before, err := s.GroupByName(t.Context(), "staff")
		must(t, err)
		ev := event(t, directory.EventAccountDeleted)
		ev.At = ev.At.AddDate(1, 0, 0)
		must(t, s.DeleteAccount(t.Context(), ann.ID, ev))
		after, err := s.GroupByName(t.Context(), "staff")
		must(t, err)
		if !after.ModifiedAt.After(before.ModifiedAt) {
			t.Errorf("it was modified at %v, and is so still: %v", before.ModifiedAt, after.ModifiedAt)
		}
	},
}
