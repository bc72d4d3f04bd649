package storetest

import (
	"reflect"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/policy/brake"
	"postern/store"
)

// brakesKept reads what is kept, which must be want, the newest first.
func brakesKept(t *testing.T, s *store.Store, want ...brake.Row) {
	t.Helper()
	got, err := s.Brakes(t.Context())
	must(t, err)
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("kept is %+v, want %+v", got, want)
	}
}

var brakeTests = map[string]func(*testing.T, *store.Store){
	"rows come back as they were written, replaced and removed": func(t *testing.T, s *store.Store) {
		a := brake.Row{Key: "a", Account: "id", Failures: 3, At: now.Add(time.Millisecond), Until: now.Add(time.Minute), Releases: 2}
		b := brake.Row{Key: "b", At: now}
		must(t, s.SaveBrakes(t.Context(), []brake.Row{a, b}))
		brakesKept(t, s, a, b)
		a.Failures, b.Gone = 4, true
		must(t, s.SaveBrakes(t.Context(), []brake.Row{a, b, {Key: "never there", Gone: true}}))
		brakesKept(t, s, a)
		if of, err := s.BrakesOf(t.Context(), "id"); err != nil || !reflect.DeepEqual(of, []brake.Row{a}) {
			t.Errorf("of the account there is %+v (%v)", of, err)
		}
		must(t, s.ForgetBrakes(t.Context(), now))
		brakesKept(t, s, a)
		must(t, s.ForgetBrakes(t.Context(), now.Add(time.Second)))
		brakesKept(t, s)
	},
	"keeping them is no change, and releasing them is": func(t *testing.T, s *store.Store) {
		a := person(t, s, "ann", "")
		before := version(t, s)
		must(t, s.SaveBrakes(t.Context(), []brake.Row{{Key: "a", Account: a.ID, At: now}}))
		if v := version(t, s); v != before {
			t.Errorf("the version moved from %d to %d", before, v)
		}
		for want := range int64(3) {
			if got := held(t, s, a.ID).BrakeReleases; got != want {
				t.Errorf("released %d times, want %d", got, want)
			}
			must(t, s.ChangeAccount(t.Context(), a.ID, policy.AccountChange{ReleaseBrakes: true}, event(t, directory.EventBrakesReleased)))
		}
		if v := version(t, s); v != before+3 {
			t.Errorf("the version moved from %d to %d", before, v)
		}
	},
}
