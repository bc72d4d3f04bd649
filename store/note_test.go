package store

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// TestOnlyOursIsOneCommitAndNobodyElses, also where the count begins anew.
func TestOnlyOursIsOneCommitAndNobodyElses(t *testing.T) {
	at := func(commit uint64, foreign int64) committed { return committed{headerOf(commit), foreign} }
	last := at(math.MaxUint32, 7)
	for _, c := range []struct {
		name          string
		before, after committed
		want          bool
	}{
		{"ours", at(5, 7), at(6, 7), true},
		{"ours, and the count begins anew", last, at(0, 7), true},
		{"ours and another's", at(5, 7), at(7, 8), false},
		{"two", at(5, 7), at(7, 7), false},
		{"another's alone", at(5, 7), at(6, 8), false},
		{"another's where the count begins anew", last, at(0, 8), false},
		{"another's behind ours", at(5, 7), at(6, 8), false},
		{"nothing", at(5, 7), at(5, 7), false},
		{"backwards", at(6, 7), at(5, 7), false},
		{"recovered", at(6, 7), at(0, 7), false},
		{"not known before", committed{foreign: 7}, at(1, 7), false},
		{"not known after", last, committed{foreign: 7}, false},
	} {
		if got := onlyOurs(c.before, c.after); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestWhatIsCommittedBehindANoteIsRead: a revocation by another process, between
// the commit of the note and the look at what is committed.
func TestWhatIsCommittedBehindANoteIsRead(t *testing.T) {
	for _, ours := range []bool{true, false} {
		for _, theirs := range []string{"nothing", "a revocation", "a revocation and another commit", "a revocation, and the WAL begun anew"} {
			t.Run(fmt.Sprintf("ours %v, theirs %s", ours, theirs), func(t *testing.T) {
				d, account, _ := openDoor(t)
				other := openHere(t, Options{Dir: strings.TrimSuffix(d.s.Path(), "/"+fileName)})
				d.costs(1, "ann", secret.Digest{1})
				moved := d.interleave(ours, func() {
					if theirs != "nothing" {
						_, err := other.RevokeAppPasswords(t.Context(), account, "", doorEvent())
						ok(t, err)
					}
					if strings.HasSuffix(theirs, "another commit") {
						ok(t, other.SetMeta(t.Context(), "x", "y"))
					}
					if strings.HasSuffix(theirs, "anew") {
						beginAnew(t, d.s, "TRUNCATE")
						ok(t, other.SetMeta(t.Context(), "x", "y"))
					}
				})
				if want := map[string]uint32{"nothing": 0, "a revocation": 1}[theirs] + uint32(bit(ours)); theirs == "nothing" || theirs == "a revocation" {
					if moved != want {
						t.Fatalf("the count of commits has moved by %d, want %d", moved, want)
					}
				}
				h := d.costs(int(bit(theirs != "nothing")), "ann", secret.Digest{1})
				if h.Credential.RevokedAt.IsZero() != (theirs == "nothing") {
					t.Errorf("revoked at %v", h.Credential.RevokedAt)
				}
			})
		}
	}
}

// interleave makes a note, which writes something or not, and lets the others
// commit before it looks at what is committed. It returns by how much the count
// of commits moved.
func (d doorOf) interleave(writes bool, others func()) (moved uint32) {
	d.t.Helper()
	ok(d.t, d.s.use(d.t.Context(), d.s.write, "noting", func(ses *session) error {
		var before committed
		err := ses.within("BEGIN IMMEDIATE", func(ses *session) (err error) {
			before, err = d.s.committed(ses)
			if err == nil && writes {
				err = insertEvents(ses, []directory.Event{doorEvent()})
			}
			return err
		})
		others()
		now := d.s.Mark()
		moved = commits(&now) - commits(&before.mark)
		d.s.noted(ses, before)
		return err
	}))
	return moved
}

// beginAnew has everything filed by a connection of its own, so that the WAL
// begins anew.
func beginAnew(t *testing.T, s *Store, how string) {
	t.Helper()
	conn, err := (&sqlite3.SQLiteDriver{}).Open(s.Path())
	ok(t, err)
	ses := newSession(conn)
	defer func() { ok(t, ses.close()) }()
	for began := time.Now(); ; {
		s.read.letGo(func(*session) bool { return true })
		busy := int64(1)
		ok(t, ses.adhoc("PRAGMA wal_checkpoint("+how+")", nil, func(r *row) error { busy = r.int(); return nil }))
		if busy == 0 {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatal("somebody keeps the WAL")
		}
	}
}

// TestTheWALBegunAnewIsOnlyAnotherMark: what was remembered is read again, or is
// right, and what changes afterwards is seen.
func TestTheWALBegunAnewIsOnlyAnotherMark(t *testing.T) {
	for _, how := range []string{"PASSIVE", "FULL", "RESTART", "TRUNCATE"} {
		t.Run(how, func(t *testing.T) {
			d, account, _ := openDoor(t)
			for _, disabled := range []bool{true, false, true} {
				d.ask("ann", secret.Digest{1})
				before := d.s.Mark()
				beginAnew(t, d.s, how)
				after := d.s.Mark()
				if commits(&before) != commits(&after) {
					t.Errorf("the count of commits was %d and is %d", commits(&before), commits(&after))
				}
				d.ask("ann", secret.Digest{1})
				ok(t, d.s.AppendEvents(t.Context(), []directory.Event{doorEvent()}))
				d.costs(0, "ann", secret.Digest{1})
				beginAnew(t, d.s, how)
				ok(t, d.s.ChangeAccount(t.Context(), account, policy.AccountChange{Disabled: &disabled}, doorEvent()))
				if d.costs(1, "ann", secret.Digest{1}).Holder.Account.Disabled != disabled {
					t.Errorf("it is not disabled: %v", disabled)
				}
			}
		})
	}
}

// TestTheCountOfCommitsGrowsByOneWithEach that writes anything: one that writes
// what is there already does not, although it changes rows.
func TestTheCountOfCommitsGrowsByOneWithEach(t *testing.T) {
	d, _, id := openDoor(t)
	count := func() uint32 { m := d.s.Mark(); return commits(&m) }
	for _, c := range []struct {
		name string
		by   uint32
		do   func() error
	}{
		{"an event", 1, func() error { return d.s.AppendEvents(t.Context(), []directory.Event{doorEvent()}) }},
		{"many events", 1, func() error { return d.s.AppendEvents(t.Context(), manyEvents(3000)) }},
		{"a failed note", 0, func() error {
			_ = d.s.AppendEvents(t.Context(), append(manyEvents(3000), directory.Event{}))
			return nil
		}},
		{"an event of nobody counted further", 1, func() error { // the counter of changes
			_, err := d.s.RecountEvents(t.Context(), []policy.Recount{{Event: "x", Count: 1}})
			return err
		}},
		{"a use", 1, func() error {
			return d.s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: id, At: benchStart}})
		}},
		{"the same use again", 0, func() error {
			return d.s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: id, At: benchStart}})
		}},
		{"a use of nobody", 0, func() error {
			return d.s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: "x", At: benchStart}})
		}},
		{"a setting", 1, func() error { return d.s.SetMeta(t.Context(), "x", "y") }},
		{"the same again", 0, func() error { return d.s.SetMeta(t.Context(), "x", "y") }},
		{"filing", 0, func() error { beginAnew(t, d.s, "RESTART"); return nil }},
	} {
		before := count()
		ok(t, c.do())
		if by := count() - before; by != c.by {
			t.Errorf("%s: the count has moved by %d, want %d", c.name, by, c.by)
		}
	}
}

// manyEvents are more than fit into the pages a connection keeps in memory, so
// that some are written before the commit.
func manyEvents(n int) (list []directory.Event) {
	for range n {
		e := doorEvent()
		e.Detail = strings.Repeat("x", 8000)
		list = append(list, e)
	}
	return list
}

// TestNotesChangeNothingThatDecides: of all that is stored, what is written all
// the time changes events, and of app passwords the last use. Of the columns
// that AppPassword reads that is one.
func TestNotesChangeNothingThatDecides(t *testing.T) {
	d, _, id := openDoor(t)
	changed := func(note func() error) []string {
		t.Helper()
		before := d.stored()
		ok(t, note())
		var list []string
		for column, values := range d.stored() {
			if values != before[column] {
				list = append(list, column)
			}
		}
		slices.Sort(list)
		return list
	}
	hostile := directory.Event{ID: "x", Kind: directory.EventAccountDeleted, At: benchStart, AccountID: benchID("account ann", 0), Login: "ann", Credential: id,
		Detail: "'; DELETE FROM accounts; --"}
	for range 2 { // the second is of an id that is there
		events := changed(func() error { hostile.Count++; return d.s.AppendEvents(t.Context(), []directory.Event{hostile}) })
		for _, column := range events {
			if !strings.HasPrefix(column, "events.") && column != "counters.value" {
				t.Errorf("events change %s", column)
			}
		}
		if len(events) == 0 {
			t.Error("events change nothing")
		}
	}
	counts := changed(func() error {
		_, err := d.s.RecountEvents(t.Context(), []policy.Recount{{Event: "x", Count: 9, LastAt: benchStart.Add(time.Minute)}})
		return err
	})
	if want := []string{"counters.value", "events.changed", "events.count", "events.last_at"}; !slices.Equal(counts, want) {
		t.Errorf("counting further changes %s, want %s", counts, want)
	}
	uses := changed(func() error {
		return d.s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: id, At: benchStart, From: "192.0.2.1", Service: "mail"}})
	})
	if want := []string{"app_passwords.last_used_at", "app_passwords.last_used_from", "app_passwords.last_used_service"}; !slices.Equal(uses, want) {
		t.Errorf("last uses change %s, want %s", uses, want)
	}
	read := strings.Fields(strings.ReplaceAll(doorColumns, ",", ""))
	if want := []string{"c.id", "c.kind", "c.account_id", "c.services", "c.networks", "c.created_at", "c.expires_at", "c.revoked_at", "c.last_used_at",
		"c.digest", "c.row_mac", "a.kind", "a.login", "a.disabled", "a.expires_at"}; !slices.Equal(read, want) {
		t.Errorf("AppPassword reads %s: say here what of it changes without a change", read)
	}
}

// stored are the values of every column of every table.
func (d doorOf) stored() map[string]string {
	d.t.Helper()
	all := map[string]string{}
	ok(d.t, d.s.view(d.t.Context(), "reading everything", func(ses *session) error {
		var columns [][2]string
		err := ses.adhoc(`SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'`, nil,
			func(r *row) error { columns = append(columns, [2]string{r.text(), r.text()}); return nil })
		for _, c := range columns {
			if err == nil {
				err = ses.adhoc("SELECT "+c[1]+" FROM "+c[0]+" ORDER BY rowid", nil, func(r *row) error {
					all[c[0]+"."+c[1]] += fmt.Sprintf("%v\n", r.take())
					return nil
				})
			}
		}
		return err
	}))
	if len(all) < 50 {
		d.t.Fatalf("only %d columns are read", len(all))
	}
	return all
}

// TestNothingIsDoneBehindTheBackOfAStatement: with a trigger, a note could change
// what decides.
func TestNothingIsDoneBehindTheBackOfAStatement(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	ok(t, s.view(t.Context(), "looking for triggers", func(ses *session) error {
		return ses.adhoc("SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index')", nil, func(r *row) error {
			t.Errorf("there is %s", r.text())
			return nil
		})
	}))
}
