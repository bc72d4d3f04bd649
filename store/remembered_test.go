package store_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"postern/directory"
	"postern/policy"
	"postern/store"
)

// entryOf reads the one entry of a login.
func entryOf(t testing.TB, s *store.Store, login string) directory.AccountEntry {
	t.Helper()
	list, err := s.AccountEntries(t.Context(), directory.Query{AnyOf: []directory.Term{{Attribute: "uid", Value: login}}}, 0)
	ok(t, err)
	if len(list) != 1 {
		t.Fatalf("%s has %d entries", login, len(list))
	}
	return list[0]
}

// TestAnEntryIsReadAgainWhenSomethingHasChanged, and not otherwise.
func TestAnEntryIsReadAgainWhenSomethingHasChanged(t *testing.T) {
	dir := t.TempDir()
	s, other := open(t, dir), open(t, dir)
	addAnn(t, s)
	ask := func(statements int, name string) {
		t.Helper()
		before := s.StatementsRead()
		e := entryOf(t, s, "ann")
		if n := s.StatementsRead() - before; n != statements || e.Name != name {
			t.Errorf("%d statements say that ann is %q; want %d and %q", n, e.Name, statements, name)
		}
	}
	ask(2, "") // the change version, and the entry
	ask(0, "")
	name := "Ann Lee"
	ok(t, other.ChangeAccount(t.Context(), "ann", policy.AccountChange{Name: &name},
		directory.Event{ID: "3", Kind: directory.EventAccountChanged, At: start}))
	ask(2, name)
	ask(0, name)
	ok(t, other.AppendEvents(t.Context(), []directory.Event{{ID: "4", Kind: directory.EventSignIn, At: start, LastAt: start, Count: 1}}))
	ask(1, name) // the version alone: what signs in changes nobody
	ask(0, name)
	ok(t, s.DeleteAccount(t.Context(), "ann", directory.Event{ID: "5", Kind: directory.EventAccountDeleted, At: start}))
	list, err := s.AccountEntries(t.Context(), directory.Query{AnyOf: []directory.Term{{Attribute: "uid", Value: "ann"}}}, 0)
	if err != nil || len(list) > 0 {
		t.Errorf("an account that is gone is %+v, %v", list, err)
	}
}

// TestNoEntryIsOlderThanWhatWasAcknowledged before it was asked for, however
// many ask while it changes.
func TestNoEntryIsOlderThanWhatWasAcknowledged(t *testing.T) {
	s := open(t, t.TempDir())
	addAnn(t, s)
	var acknowledged atomic.Int64
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for !done.Load() {
				least := acknowledged.Load()
				list, err := s.AccountEntries(t.Context(), directory.Query{AnyOf: []directory.Term{{Attribute: "uid", Value: "ann"}}}, 0)
				if err != nil || len(list) != 1 {
					t.Errorf("ann is %+v, %v", list, err)
					return
				}
				if n, _ := strconv.ParseInt(list[0].Name, 10, 64); n < least {
					t.Errorf("change %d is read when %d was acknowledged", n, least)
					return
				}
			}
		})
	}
	for n := range int64(120) {
		name := strconv.FormatInt(n, 10)
		ok(t, s.ChangeAccount(t.Context(), "ann", policy.AccountChange{Name: &name},
			directory.Event{ID: fmt.Sprintf("change %d", n), Kind: directory.EventAccountChanged, At: start}))
		acknowledged.Store(n)
		if n%3 == 0 { // and something that changes nobody
			ok(t, s.AppendEvents(t.Context(), []directory.Event{{ID: fmt.Sprintf("sign-in %d", n), Kind: directory.EventSignIn, At: start, LastAt: start, Count: 1}}))
		}
	}
	done.Store(true)
	readers.Wait()
}
