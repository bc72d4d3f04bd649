package storetest

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// Open returns an empty database that is closed when the test ends.
type Open func(t *testing.T) *store.Store

// Run runs the whole suite, each test on a database of its own.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name  string
		tests map[string]func(*testing.T, *store.Store)
	}{
		{"accounts", accountTests},
		{"names", nameTests},
		{"groups", groupTests},
		{"app passwords", appPasswordTests},
		{"second factors and codes", methodTests},
		{"changes", changeTests},
		{"imports", importTests},
		{"sealed password hashes", sealedTests},
		{"events", eventTests},
		{"brakes", brakeTests},
		{"uses of primary passwords", primaryUseTests},
		{"lists", listTests},
		{"entries", entryTests},
		{"portal sessions", sessionTests},
		{"network sessions", networkSessionTests},
	} {
		t.Run(part.name, func(t *testing.T) {
			for name, test := range part.tests {
				t.Run(name, func(t *testing.T) { test(t, open(t)) })
			}
		})
	}
}

// now is the moment the suite takes place at.
var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func newID(t testing.TB) string {
	t.Helper()
	id, err := directory.NewID(rand.Reader)
	must(t, err)
	return id
}

// event is an event of that kind at now, with an id of its own.
func event(t testing.TB, kind directory.EventKind) directory.Event {
	t.Helper()
	return directory.Event{ID: newID(t), At: now, Kind: kind, Actor: "test"}
}

// unrecordable is an event that cannot be kept, so that its change cannot
// either.
func unrecordable() directory.Event {
	return directory.Event{At: now, Kind: directory.EventAccountChanged}
}

// digest is the digest of some secret, told from others by b.
func digest(b byte) (d secret.Digest) {
	d[0], d[35] = b, b
	return d
}

// named takes a name apart as a person types it, at example.org.
func named(typed string) directory.Name {
	return directory.ParseName(typed, directory.AnyName, "example.org")
}

// holderOf is a person not yet added.
func holderOf(t testing.TB, login, mail string, groups ...string) policy.Holder {
	t.Helper()
	return policy.Holder{
		Account: directory.Account{ID: newID(t), Login: login, Name: "Name of " + login, Mail: mail, CreatedAt: now, ModifiedAt: now},
		Groups:  groups,
	}
}

// person adds a person, for tests that are about something else.
func person(t testing.TB, s *store.Store, login, mail string, groups ...string) directory.Account {
	t.Helper()
	h := holderOf(t, login, mail, groups...)
	must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
	return h.Account
}

// group adds a group, for tests that are about something else.
func group(t testing.TB, s *store.Store, name string) directory.Group {
	t.Helper()
	g := directory.Group{ID: newID(t), Name: name, CreatedAt: now, ModifiedAt: now}
	must(t, s.AddGroup(t.Context(), g, event(t, directory.EventGroupAdded)))
	return g
}

// join makes m a member of g.
func join(t testing.TB, s *store.Store, g directory.Group, m directory.Member) {
	t.Helper()
	changed, err := s.SetMember(t.Context(), g.ID, m, true, event(t, directory.EventMemberAdded))
	must(t, err)
	if !changed {
		t.Fatalf("%s was a member of %s before", m.ID, g.Name)
	}
}

// holding is an app password not yet issued.
func holding(t testing.TB, accountID string, d secret.Digest) policy.Holding {
	t.Helper()
	return policy.Holding{Digest: d, Credential: directory.AppPassword{
		ID: newID(t), AccountID: accountID, Label: "phone", Services: []string{directory.AnyService}, CreatedAt: now}}
}

// issue keeps h.
func issue(t testing.TB, s *store.Store, h policy.Holding) policy.Holding {
	t.Helper()
	must(t, s.IssueAppPassword(t.Context(), h, policy.Limit{}, event(t, directory.EventAppPasswordIssued)))
	return h
}

// held reads the holder with that id.
func held(t testing.TB, s *store.Store, id string) policy.Holder {
	t.Helper()
	h, err := s.HolderByID(t.Context(), id)
	must(t, err)
	return h
}

func version(t testing.TB, s *store.Store) int64 {
	t.Helper()
	v, err := s.Version(t.Context())
	must(t, err)
	return v
}

// recorded returns all events, the oldest first.
func recorded(t testing.TB, s *store.Store) []directory.Event {
	t.Helper()
	list, err := s.Events(t.Context(), directory.EventFilter{Limit: 1000})
	must(t, err)
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError asks for an error of that kind.
func wantError(t testing.TB, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error is %v, want %v", err, kind)
	}
}

// ptr is for the fields of an AccountChange.
func ptr[T any](v T) *T { return &v }
