package storetest

import (
	"reflect"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/store"
)

// session signs an account in at the portal.
func session(t *testing.T, s *store.Store, accountID, digest string, at time.Time) directory.Session {
	t.Helper()
	p := directory.Session{Digest: digest, AccountID: accountID, Stage: directory.SessionSecond,
		CreatedAt: at, SeenAt: at, ProvenAt: at, Source: "192.0.2.1", Agent: "a browser"}
	must(t, s.AddSession(t.Context(), p))
	return p
}

// sessionsOf are the digests of an account's sessions.
func sessionsOf(t *testing.T, s *store.Store, accountID string) (digests []string) {
	t.Helper()
	list, err := s.SessionsOf(t.Context(), accountID)
	must(t, err)
	for _, p := range list {
		digests = append(digests, p.Digest)
	}
	return digests
}

var sessionTests = map[string]func(*testing.T, *store.Store){
	"a session comes back as it was kept, and as it was last seen": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		want := session(t, s, ann.ID, "one", now)
		want.SeenAt = now.Add(time.Minute)
		for _, at := range []time.Time{want.SeenAt, now} {
			must(t, s.SeeSession(t.Context(), "one", at))
		}
		got, err := s.SessionByDigest(t.Context(), "one")
		must(t, err)
		if got != want {
			t.Errorf("session is %+v, want %+v", got, want)
		}
		_, err = s.SessionByDigest(t.Context(), "two")
		wantError(t, err, directory.ErrNotFound)
	},
	"sessions are listed newest first and end one by one or all but one": func(t *testing.T, s *store.Store) {
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		for i, digest := range []string{"one", "two", "three", "four"} {
			session(t, s, ann.ID, digest, now.Add(time.Duration(i)*time.Second))
		}
		session(t, s, bob.ID, "other", now)
		must(t, s.EndSession(t.Context(), bob.ID, "one"))
		must(t, s.EndSession(t.Context(), ann.ID, "two"))
		if got := sessionsOf(t, s, ann.ID); !reflect.DeepEqual(got, []string{"four", "three", "one"}) {
			t.Errorf("sessions are %v", got)
		}
		n, err := s.EndOtherSessions(t.Context(), ann.ID, "three")
		must(t, err)
		if got := sessionsOf(t, s, ann.ID); n != 2 || !reflect.DeepEqual(got, []string{"three"}) {
			t.Errorf("%d were ended, sessions are %v", n, got)
		}
		if got := sessionsOf(t, s, bob.ID); len(got) != 1 {
			t.Errorf("bob's sessions are %v", got)
		}
	},
	"one that is ended for a reason ends with its event, once": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		session(t, s, ann.ID, "one", now)
		for range 2 {
			must(t, s.BreakSession(t.Context(), ann.ID, "one", event(t, directory.EventSessionBroken)))
		}
		events, err := s.Events(t.Context(), directory.EventFilter{Kinds: []directory.EventKind{directory.EventSessionBroken}, Limit: 10})
		must(t, err)
		if got := sessionsOf(t, s, ann.ID); len(got) != 0 || len(events) != 1 {
			t.Errorf("sessions are %v, %d events", got, len(events))
		}
	},
	"a change of the account ends them where asked": func(t *testing.T, s *store.Store) {
		ann, bob := person(t, s, "ann", ""), person(t, s, "bob", "")
		session(t, s, ann.ID, "one", now)
		session(t, s, bob.ID, "other", now)
		must(t, s.ChangeAccount(t.Context(), ann.ID, policy.AccountChange{MFADemanded: ptr(true)}, event(t, directory.EventMFAOn)))
		if got := sessionsOf(t, s, ann.ID); len(got) != 1 {
			t.Errorf("sessions are %v though nobody asked", got)
		}
		must(t, s.ChangeAccount(t.Context(), ann.ID, policy.AccountChange{EndSessions: true}, event(t, directory.EventMFAReset)))
		must(t, s.DeleteAccount(t.Context(), bob.ID, event(t, directory.EventAccountDeleted)))
		for _, digest := range []string{"one", "other"} {
			_, err := s.SessionByDigest(t.Context(), digest)
			wantError(t, err, directory.ErrNotFound)
		}
	},
	"one that nobody uses for a day is dropped at the next sign-in": func(t *testing.T, s *store.Store) {
		ann := person(t, s, "ann", "")
		session(t, s, ann.ID, "old", now.Add(-24*time.Hour-time.Second))
		session(t, s, ann.ID, "day", now.Add(-24*time.Hour))
		session(t, s, ann.ID, "new", now)
		if got := sessionsOf(t, s, ann.ID); !reflect.DeepEqual(got, []string{"new", "day"}) {
			t.Errorf("sessions are %v", got)
		}
	},
}
