package storetest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// Open returns an empty database that the test closes by itself.
type Open func(t *testing.T) *store.Store

// Run runs the whole suite.
func Run(t *testing.T, open Open) {
	t.Run("accounts", func(t *testing.T) { accounts(t, open) })
	t.Run("app passwords", func(t *testing.T) { appPasswords(t, open) })
}

// now is the moment the suite takes place at.
var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func newID(t testing.TB) string {
	t.Helper()
	id, err := directory.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// event is an event of that kind at now, with an id of its own.
func event(t testing.TB, kind directory.EventKind) directory.Event {
	t.Helper()
	return directory.Event{ID: newID(t), At: now, Kind: kind, Actor: "test"}
}

// digest is the digest of some secret, told apart by its first byte.
func digest(b byte) (d secret.Digest) {
	d[0], d[35] = b, b
	return d
}

// person adds an account for tests that are about something else.
func person(t testing.TB, s *store.Store, login, mail string, groups ...string) policy.Holder {
	t.Helper()
	h := policy.Holder{
		Account: directory.Account{ID: newID(t), Login: login, Name: "Name of " + login, Mail: mail, CreatedAt: now, ModifiedAt: now},
		Groups:  groups,
	}
	must(t, s.AddAccount(t.Context(), h, event(t, directory.EventAccountAdded)))
	return h
}

// appPassword issues one for tests that are about something else.
func appPassword(t testing.TB, s *store.Store, accountID string, d secret.Digest) policy.Holding {
	t.Helper()
	h := policy.Holding{Digest: d, Credential: directory.AppPassword{
		ID: newID(t), AccountID: accountID, Label: "mail on the phone", Services: []string{directory.AnyService}, CreatedAt: now}}
	must(t, s.IssueAppPassword(t.Context(), h, policy.Limit{}, event(t, directory.EventAppPasswordIssued)))
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func version(t testing.TB, s *store.Store) int64 {
	t.Helper()
	v, err := s.Version(context.Background())
	must(t, err)
	return v
}
