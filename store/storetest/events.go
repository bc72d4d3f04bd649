package storetest

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/store"
)

// signIn is a sign-in of an account, some seconds after now.
func signIn(t *testing.T, accountID string, seconds int) directory.Event {
	e := event(t, directory.EventSignIn)
	e.At = now.Add(time.Duration(seconds) * time.Second)
	e.LastAt, e.Count, e.AccountID = e.At, 1, accountID
	return e
}

// again is how often e came, and when last.
func again(e directory.Event) policy.Recount {
	return policy.Recount{Event: e.ID, Count: e.Count, LastAt: e.LastAt}
}

func ids(events []directory.Event) (list []string) {
	for _, e := range events {
		list = append(list, e.ID)
	}
	return list
}

// selected returns the events that f selects.
func selected(t *testing.T, s *store.Store, f directory.EventFilter) []string {
	t.Helper()
	list, err := s.Events(t.Context(), f)
	must(t, err)
	return ids(list)
}

var eventTests = map[string]func(*testing.T, *store.Store){
	"an event comes back as it was written": func(t *testing.T, s *store.Store) {
		e := directory.Event{
			ID: newID(t), At: now.Add(7 * time.Millisecond), LastAt: now.Add(time.Minute), Count: 3, Kind: directory.EventSignIn,
			AccountID: "a", Login: "ann", Unknown: "u", Outcome: "reject", Reason: "wrong_secret", Service: "mail", Protocol: "ldap",
			Method: "simple", Client: "c", Source: "192.0.2.1", Reported: "r", Credential: "p", Actor: "cli:root", Detail: "d",
		}
		must(t, s.AppendEvents(t.Context(), []directory.Event{e}))
		if got := recorded(t, s); !reflect.DeepEqual(got, []directory.Event{e}) {
			t.Errorf("event is %+v, want %+v", got, e)
		}
	},
	"what was folded since is added to the event": func(t *testing.T, s *store.Store) {
		e := signIn(t, "a", 0)
		must(t, s.AppendEvents(t.Context(), []directory.Event{e}))
		e.Count, e.LastAt = 17, e.At.Add(time.Minute)
		for range 2 { // a repeated write changes nothing
			must(t, s.AppendEvents(t.Context(), []directory.Event{signIn(t, "b", -1), e}))
		}
		got := recorded(t, s)
		if len(got) != 3 || !reflect.DeepEqual(got[2], e) {
			t.Errorf("events are %+v", got)
		}
	},
	"events are counted further, and those kept no more are named": func(t *testing.T, s *store.Store) {
		a, b, none := signIn(t, "a", 0), signIn(t, "b", 1), signIn(t, "c", 2)
		must(t, s.AppendEvents(t.Context(), []directory.Event{a, b, none}))
		_, at, err := s.EventsChanged(t.Context(), 0, 100)
		must(t, err)
		a.Count, a.LastAt = 17, a.At.Add(time.Minute)
		b.Count, b.LastAt = 3, b.At.Add(time.Second)
		counts := []policy.Recount{again(signIn(t, "d", 0)), again(b), again(signIn(t, "e", 0)), again(a)}
		for range 2 { // a repeated write changes nothing
			gone, err := s.RecountEvents(t.Context(), counts)
			must(t, err)
			if !slices.Equal(gone, []int{0, 2}) {
				t.Errorf("gone are %v, want the first and the third", gone)
			}
		}
		if got, want := recorded(t, s), []directory.Event{a, b, none}; !reflect.DeepEqual(got, want) {
			t.Errorf("events are %+v, want %+v", got, want)
		}
		changed, _, err := s.EventsChanged(t.Context(), at, 100)
		must(t, err)
		if want := []directory.Event{b, a}; !reflect.DeepEqual(changed, want) {
			t.Errorf("who copies them gets %+v, want %+v", changed, want)
		}
	},
	"an event deleted meanwhile does not come back": func(t *testing.T, s *store.Store) {
		old, young := signIn(t, "a", 0), signIn(t, "b", 10)
		must(t, s.AppendEvents(t.Context(), []directory.Event{old, young}))
		_, err := s.DeleteEvents(t.Context(), young.At, 10)
		must(t, err)
		old.Count, young.Count = 2, 2
		gone, err := s.RecountEvents(t.Context(), []policy.Recount{again(old), again(young)})
		must(t, err)
		if got := recorded(t, s); !slices.Equal(gone, []int{0}) || !reflect.DeepEqual(got, []directory.Event{young}) {
			t.Errorf("gone are %v, events %+v", gone, got)
		}
	},
	"none is counted further where one cannot be": func(t *testing.T, s *store.Store) {
		a, b := signIn(t, "a", 0), signIn(t, "b", 1)
		must(t, s.AppendEvents(t.Context(), []directory.Event{a, b}))
		bad := again(b)
		bad.Count = 0
		if gone, err := s.RecountEvents(t.Context(), []policy.Recount{{Event: a.ID, Count: 5, LastAt: a.At}, {Event: "x", Count: 1}, bad}); err == nil || gone != nil {
			t.Errorf("an event counts 0: %v", gone)
		}
		if got := recorded(t, s); !reflect.DeepEqual(got, []directory.Event{a, b}) {
			t.Errorf("events are %+v", got)
		}
		gone, err := s.RecountEvents(t.Context(), nil)
		must(t, err)
		if len(gone) > 0 {
			t.Errorf("of none are gone %v", gone)
		}
	},
	"a batch is kept whole or not at all": func(t *testing.T, s *store.Store) {
		if err := s.AppendEvents(t.Context(), []directory.Event{signIn(t, "a", 0), unrecordable()}); err == nil {
			t.Error("an event without an id was kept")
		}
		if got := recorded(t, s); len(got) > 0 {
			t.Errorf("events are %+v", got)
		}
		must(t, s.AppendEvents(t.Context(), nil))
	},
	"events are no change": func(t *testing.T, s *store.Store) {
		before := version(t, s)
		must(t, s.AppendEvents(t.Context(), []directory.Event{signIn(t, "a", 0)}))
		if v := version(t, s); v != before {
			t.Errorf("the version moved from %d to %d", before, v)
		}
	},
	"they are listed newest first and paged back": func(t *testing.T, s *store.Store) {
		// Written out of order, two at the same moment.
		e := []directory.Event{signIn(t, "a", 3), signIn(t, "b", 1), signIn(t, "a", 2), signIn(t, "b", 2)}
		e[1].Kind, e[2].Outcome, e[3].Outcome = directory.EventBreakGlass, "accept", "reject"
		must(t, s.AppendEvents(t.Context(), e))
		id := ids(e)
		for _, c := range []struct {
			name   string
			filter directory.EventFilter
			want   []string
		}{
			{"all", directory.EventFilter{}, []string{id[0], id[3], id[2], id[1]}},
			{"two", directory.EventFilter{Limit: 2}, []string{id[0], id[3]}},
			{"the next two", directory.EventFilter{Limit: 2, Before: id[3]}, []string{id[2], id[1]}},
			{"none before the first", directory.EventFilter{Before: id[1]}, nil},
			{"of b", directory.EventFilter{AccountID: "b"}, []string{id[3], id[1]}},
			{"since", directory.EventFilter{Since: e[2].At}, []string{id[0], id[3], id[2]}},
			{"of a kind", directory.EventFilter{Kinds: []directory.EventKind{directory.EventBreakGlass}}, []string{id[1]}},
			{"of an outcome", directory.EventFilter{Outcomes: []string{"accept"}}, []string{id[2]}},
			{"of two outcomes", directory.EventFilter{Outcomes: []string{"accept", "reject"}}, []string{id[3], id[2]}},
			{"of two kinds", directory.EventFilter{AccountID: "b", Kinds: []directory.EventKind{directory.EventBreakGlass, directory.EventSignIn}}, []string{id[3], id[1]}},
		} {
			if got := selected(t, s, c.filter); !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	},
	"a follower misses none that is written late": func(t *testing.T, s *store.Store) {
		seen, late, next := signIn(t, "a", 10), signIn(t, "a", 1), signIn(t, "a", 11)
		for _, e := range []directory.Event{seen, late, next} {
			must(t, s.AppendEvents(t.Context(), []directory.Event{e}))
		}
		if got := selected(t, s, directory.EventFilter{After: seen.ID}); !slices.Equal(got, []string{late.ID, next.ID}) {
			t.Errorf("following shows %v, want %v", got, []string{late.ID, next.ID})
		}
		if got := selected(t, s, directory.EventFilter{After: next.ID}); len(got) > 0 {
			t.Errorf("after the last there is %v", got)
		}
		for _, f := range []directory.EventFilter{{After: newID(t)}, {Before: newID(t)}} {
			_, err := s.Events(t.Context(), f)
			wantError(t, err, directory.ErrNotFound)
		}
	},
	"who copies them gets each again when it was counted further": func(t *testing.T, s *store.Store) {
		a, b := signIn(t, "a", 10), signIn(t, "b", 1)
		must(t, s.AppendEvents(t.Context(), []directory.Event{a}))
		must(t, s.AppendEvents(t.Context(), []directory.Event{b}))
		first, at, err := s.EventsChanged(t.Context(), 0, 1)
		must(t, err)
		second, at, err := s.EventsChanged(t.Context(), at, 100)
		must(t, err)
		a.Count, a.LastAt = 7, a.At.Add(time.Minute)
		must(t, s.AppendEvents(t.Context(), []directory.Event{a}))
		third, at, err := s.EventsChanged(t.Context(), at, 100)
		must(t, err)
		none, end, err := s.EventsChanged(t.Context(), at, 100)
		must(t, err)
		if !slices.Equal(ids(first), []string{a.ID}) || !slices.Equal(ids(second), []string{b.ID}) || len(none) > 0 || end != at {
			t.Errorf("copied %v, %v, then %v up to %d of %d", ids(first), ids(second), ids(none), end, at)
		}
		if !reflect.DeepEqual(third, []directory.Event{a}) {
			t.Errorf("after it was counted further there is %+v, want %+v", third, a)
		}
		if got := selected(t, s, directory.EventFilter{After: a.ID}); !slices.Equal(got, []string{b.ID}) {
			t.Errorf("for who follows, the event has moved: %v", got)
		}
	},
	"old ones are deleted oldest first, so many at a time": func(t *testing.T, s *store.Store) {
		e := []directory.Event{signIn(t, "a", 3), signIn(t, "a", 1), signIn(t, "a", 2), signIn(t, "a", 4)}
		must(t, s.AppendEvents(t.Context(), e))
		for _, want := range []int{2, 1, 0} {
			n, err := s.DeleteEvents(t.Context(), e[3].At, 2)
			must(t, err)
			if n != want {
				t.Errorf("%d were deleted, want %d", n, want)
			}
			if left := recorded(t, s); left[len(left)-1].ID != e[3].ID {
				t.Errorf("the newest is gone: %v", left)
			}
		}
	},
}
