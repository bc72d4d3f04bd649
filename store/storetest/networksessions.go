package storetest

import (
	"slices"
	"testing"
	"time"

	"postern/directory"
	"postern/store"
)

// on reports the start of a session of that account and app password.
func on(t *testing.T, s *store.Store, session, account, credential string) directory.AccountingRecord {
	t.Helper()
	r := directory.AccountingRecord{
		Key:  directory.NetworkSessionKey{Client: "vpn", NAS: "gate", Session: session, UserName: "ann"},
		Kind: directory.AccountingStart, At: now, AccountID: account, Credential: credential, NASIdentifier: "gate", Address: "192.0.2.7",
	}
	must(t, s.KeepAccounting(t.Context(), r))
	return r
}

func networkSessions(t *testing.T, s *store.Store, f directory.NetworkSessionFilter) []directory.NetworkSession {
	t.Helper()
	list, err := s.NetworkSessions(t.Context(), f)
	must(t, err)
	return list
}

// due are the sessions that a device may be asked to end at that time.
func due(t *testing.T, s *store.Store, at time.Time) (sessions []string) {
	t.Helper()
	for last := ""; ; {
		list, err := s.LiveSessions(t.Context(), at, last, 2)
		must(t, err)
		if len(list) == 0 {
			slices.Sort(sessions)
			return sessions
		}
		for _, n := range list {
			sessions, last = append(sessions, n.Session), n.ID
		}
	}
}

var networkSessionTests = map[string]func(*testing.T, *store.Store){
	"a session is kept whole, once, and is no change": func(t *testing.T, s *store.Store) {
		a := person(t, s, "ann", "")
		h := issue(t, s, holding(t, a.ID, digest(1)))
		before := version(t, s)
		r := on(t, s, "1", a.ID, h.Credential.ID)
		on(t, s, "1", a.ID, h.Credential.ID)
		r.Kind, r.At, r.InOctets, r.Seconds = directory.AccountingInterim, now.Add(time.Minute), 5<<32, 60
		must(t, s.KeepAccounting(t.Context(), r))
		list := networkSessions(t, s, directory.NetworkSessionFilter{AccountID: a.ID})
		if len(list) != 1 {
			t.Fatalf("%d sessions: %+v", len(list), list)
		}
		if n := list[0]; n.Login != "ann" || n.Label != "phone" || n.Credential != h.Credential.ID || n.StartedAt != now || n.InOctets != 5<<32 || n.Address != "192.0.2.7" || n.NAS != "gate" {
			t.Errorf("%+v", n)
		}
		r.Kind, r.At = directory.AccountingStop, now.Add(time.Hour)
		must(t, s.KeepAccounting(t.Context(), r))
		if list := networkSessions(t, s, directory.NetworkSessionFilter{}); len(list) != 0 {
			t.Errorf("on after the stop: %+v", list)
		}
		if list := networkSessions(t, s, directory.NetworkSessionFilter{Ended: true}); len(list) != 1 || list[0].EndedAt != now.Add(time.Hour) {
			t.Errorf("kept after the stop: %+v", list)
		}
		if v := version(t, s); v != before {
			t.Errorf("the version moved from %d to %d", before, v)
		}
	},
	"a device that starts ends its own sessions and no others": func(t *testing.T, s *store.Store) {
		r := on(t, s, "1", "", "")
		r.Key.NAS = "another"
		must(t, s.KeepAccounting(t.Context(), r))
		must(t, s.KeepAccounting(t.Context(), directory.AccountingRecord{
			Key: directory.NetworkSessionKey{Client: "vpn", NAS: "gate"}, Kind: directory.AccountingOn, At: now.Add(time.Second)}))
		list := networkSessions(t, s, directory.NetworkSessionFilter{})
		if len(list) != 1 || list[0].NAS != "another" {
			t.Errorf("on: %+v", list)
		}
	},
	"sessions that are on are listed, in pages": func(t *testing.T, s *store.Store) {
		a := person(t, s, "ann", "")
		for _, session := range []string{"1", "2", "3", "4", "5"} {
			on(t, s, session, a.ID, "")
		}
		ended := on(t, s, "ended", a.ID, "")
		ended.Kind = directory.AccountingStop
		must(t, s.KeepAccounting(t.Context(), ended))
		on(t, s, "nobody's", "", "")
		must(t, s.DeleteAccount(t.Context(), a.ID, event(t, directory.EventAccountDeleted)))
		if got := due(t, s, now); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
			t.Errorf("listed: %v", got)
		}
	},
	"what a session was granted for is kept": func(t *testing.T, s *store.Store) {
		r := on(t, s, "1", newID(t), "")
		r.Class, r.Kind, r.At = "sealed", directory.AccountingInterim, now.Add(time.Minute)
		must(t, s.KeepAccounting(t.Context(), r))
		list, err := s.LiveSessions(t.Context(), now, "", 10)
		must(t, err)
		if len(list) != 1 || list[0].Class != "sealed" {
			t.Errorf("kept: %+v", list)
		}
	},
	"what became of a disconnect is kept": func(t *testing.T, s *store.Store) {
		a := person(t, s, "ann", "")
		on(t, s, "1", a.ID, "")
		list, err := s.LiveSessions(t.Context(), now, "", 10)
		must(t, err)
		n := list[0]
		n.Tries, n.NextTry = 1, now.Add(time.Minute)
		must(t, s.NoteDisconnect(t.Context(), n, event(t, directory.EventDisconnect)))
		if got := due(t, s, now); got != nil {
			t.Errorf("due before its time: %v", got)
		}
		if got := due(t, s, now.Add(time.Minute)); len(got) != 1 {
			t.Errorf("not due at its time: %v", got)
		}
		n.Outcome, n.EndedAt = "acknowledged", now.Add(time.Minute)
		must(t, s.NoteDisconnect(t.Context(), n, event(t, directory.EventDisconnect)))
		if list := networkSessions(t, s, directory.NetworkSessionFilter{Ended: true}); len(list) != 1 || list[0].Ended != directory.EndedByDisconnect {
			t.Errorf("kept: %+v", list)
		}
		if got := due(t, s, now.Add(time.Hour)); got != nil {
			t.Errorf("due after its end: %v", got)
		}
		wantError(t, s.NoteDisconnect(t.Context(), directory.NetworkSession{ID: newID(t)}, event(t, directory.EventDisconnect)), directory.ErrNotFound)
	},
	"what is silent ends, and what is old goes": func(t *testing.T, s *store.Store) {
		on(t, s, "1", "", "")
		must(t, s.SweepNetworkSessions(t.Context(), now, now, now))
		if list := networkSessions(t, s, directory.NetworkSessionFilter{}); len(list) != 1 {
			t.Errorf("ended too soon: %+v", list)
		}
		later := now.Add(time.Hour)
		must(t, s.SweepNetworkSessions(t.Context(), later, later, now))
		list := networkSessions(t, s, directory.NetworkSessionFilter{Ended: true})
		if len(list) != 1 || list[0].Ended != directory.EndedBySilence || list[0].EndedAt != later {
			t.Errorf("after the sweep: %+v", list)
		}
		must(t, s.SweepNetworkSessions(t.Context(), later, now, later.Add(time.Second)))
		if list := networkSessions(t, s, directory.NetworkSessionFilter{Ended: true}); len(list) != 0 {
			t.Errorf("kept for ever: %+v", list)
		}
	},
}
