package storetest

import (
	"slices"
	"testing"
	"time"

	"postern/directory"
	"postern/store"
)

func account(a directory.Account) directory.Member { return directory.Member{ID: a.ID} }

func inner(g directory.Group) directory.Member { return directory.Member{Group: true, ID: g.ID} }

// groupsOf are the sorted names of the groups an account is in.
func groupsOf(t *testing.T, s *store.Store, a directory.Account) []string {
	t.Helper()
	return slices.Sorted(slices.Values(held(t, s, a.ID).Groups))
}

var groupTests = map[string]func(*testing.T, *store.Store){
	"a group comes back as it was added": func(t *testing.T, s *store.Store) {
		g := directory.Group{ID: newID(t), Name: "Staff", Description: "Those who work here", GIDNumber: 500, CreatedAt: now, ModifiedAt: now}
		must(t, s.AddGroup(t.Context(), g, event(t, directory.EventGroupAdded)))
		got, err := s.GroupByName(t.Context(), "sTAFF")
		must(t, err)
		if got != g {
			t.Errorf("group is %+v, want %+v", got, g)
		}
		_, err = s.GroupByName(t.Context(), "guests")
		wantError(t, err, directory.ErrNotFound)
		again := directory.Group{ID: newID(t), Name: "STAFF"}
		wantError(t, s.AddGroup(t.Context(), again, event(t, directory.EventGroupAdded)), directory.ErrConflict)
	},
	"nesting counts, to any depth and by more than one way": func(t *testing.T, s *store.Store) {
		a, b, c, other := group(t, s, "a"), group(t, s, "b"), group(t, s, "C"), group(t, s, "other")
		ann := person(t, s, "ann", "")
		join(t, s, a, inner(b))
		join(t, s, b, inner(c))
		join(t, s, a, inner(c))
		join(t, s, c, account(ann))
		if got := groupsOf(t, s, ann); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("groups are %v", got)
		}
		_, err := s.SetMember(t.Context(), b.ID, inner(c), false, event(t, directory.EventMemberRemoved))
		must(t, err)
		if got := groupsOf(t, s, ann); !slices.Equal(got, []string{"a", "c"}) {
			t.Errorf("without the membership in b groups are %v", got)
		}
		must(t, s.DeleteGroup(t.Context(), c.ID, event(t, directory.EventGroupDeleted)))
		if got := groupsOf(t, s, ann); len(got) > 0 {
			t.Errorf("without c groups are %v", got)
		}
		wantError(t, s.DeleteGroup(t.Context(), c.ID, event(t, directory.EventGroupDeleted)), directory.ErrNotFound)
		if members, err := s.Members(t.Context(), other.ID); err != nil || len(members) > 0 {
			t.Errorf("other holds %v (%v)", members, err)
		}
	},
	"a group cannot come to contain itself": func(t *testing.T, s *store.Store) {
		a, b, c := group(t, s, "a"), group(t, s, "b"), group(t, s, "c")
		join(t, s, a, inner(b))
		join(t, s, b, inner(c))
		before := version(t, s)
		for _, m := range []directory.Group{a, b} {
			changed, err := s.SetMember(t.Context(), c.ID, inner(m), true, event(t, directory.EventMemberAdded))
			wantError(t, err, directory.ErrLoop)
			if changed {
				t.Errorf("%s became a member of c", m.Name)
			}
		}
		_, err := s.SetMember(t.Context(), a.ID, inner(a), true, event(t, directory.EventMemberAdded))
		wantError(t, err, directory.ErrLoop)
		if v := version(t, s); v != before {
			t.Errorf("the version moved from %d to %d", before, v)
		}
	},
	"a membership is changed once and says so": func(t *testing.T, s *store.Store) {
		g, ann := group(t, s, "staff"), person(t, s, "ann", "")
		for _, c := range []struct{ member, changed bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
			events, before := len(recorded(t, s)), version(t, s)
			ev := event(t, directory.EventMemberAdded)
			ev.At = now.Add(time.Hour)
			changed, err := s.SetMember(t.Context(), g.ID, account(ann), c.member, ev)
			must(t, err)
			moved := version(t, s) > before && len(recorded(t, s)) == events+1
			if changed != c.changed || moved != c.changed {
				t.Errorf("setting %v: changed %v, recorded %v, want %v", c.member, changed, moved, c.changed)
			}
		}
		got, err := s.GroupByName(t.Context(), "staff")
		must(t, err)
		if !got.ModifiedAt.Equal(now.Add(time.Hour)) {
			t.Errorf("the group was modified at %v", got.ModifiedAt)
		}
	},
	"members are listed groups first, each by name": func(t *testing.T, s *store.Store) {
		g := group(t, s, "all")
		for _, login := range []string{"carl", "Ann", "bob"} {
			join(t, s, g, account(person(t, s, login, "")))
		}
		for _, name := range []string{"z", "Y"} {
			join(t, s, g, inner(group(t, s, name)))
		}
		list, err := s.Members(t.Context(), g.ID)
		must(t, err)
		var got []string
		for _, m := range list {
			got = append(got, m.Name)
		}
		if want := []string{"Y", "z", "Ann", "bob", "carl"}; !slices.Equal(got, want) || !list[1].Group || list[2].Group {
			t.Errorf("members are %v, want %v", got, want)
		}
	},
	"who is not there becomes no member": func(t *testing.T, s *store.Store) {
		g, ann := group(t, s, "staff"), person(t, s, "ann", "")
		for _, c := range []struct {
			group string
			m     directory.Member
		}{{g.ID, directory.Member{ID: newID(t)}}, {g.ID, directory.Member{ID: newID(t), Group: true}}, {newID(t), account(ann)}} {
			_, err := s.SetMember(t.Context(), c.group, c.m, true, event(t, directory.EventMemberAdded))
			wantError(t, err, directory.ErrNotFound)
		}
	},
	"an account joins its groups when it is added, or is not added": func(t *testing.T, s *store.Store) {
		group(t, s, "staff")
		ann := person(t, s, "ann", "", "Staff")
		if got := groupsOf(t, s, ann); !slices.Equal(got, []string{"staff"}) {
			t.Errorf("groups are %v", got)
		}
		bob := holderOf(t, "bob", "", "staff", "guests")
		wantError(t, s.AddAccount(t.Context(), bob, event(t, directory.EventAccountAdded)), directory.ErrNotFound)
		_, err := s.HolderByName(t.Context(), named("bob"))
		wantError(t, err, directory.ErrNotFound)
	},
}
