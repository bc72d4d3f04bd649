package store

import (
	"context"
	"errors"
	"maps"
	"testing"

	"postern/directory"
	"postern/policy"
)

// begun is an import of n accounts that has written all but the accounts, by a
// process of its own. Its end leaves all as it is.
func begun(t *testing.T, s *Store, n int) (i *importing, end func()) {
	t.Helper()
	ses, end, err := s.importSession()
	ok(t, err)
	i = newImporting(ses, crowd(n), directory.Event{ID: benchID("import", n), At: benchStart, Kind: directory.EventAccountsImported})
	ok(t, i.stage(t.Context()))
	ok(t, i.prepare(t.Context()))
	return i, end
}

// rows counts what is in tables that an import writes to.
func rows(t *testing.T, s *Store) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for _, table := range []string{"accounts", "account_attributes", "group_accounts", "groups", "events", "imports", "import_accounts", "import_events", "trigrams"} {
		ok(t, s.view(t.Context(), "counting", func(ses *session) (err error) {
			counts[table], err = ses.number("SELECT count(*) FROM " + table)
			return err
		}))
	}
	return counts
}

// ann is somebody who is there before, in a group that the import fills.
func addAnn(t *testing.T, s *Store) {
	t.Helper()
	at := directory.Event{ID: benchID("ann", 1), At: benchStart, Kind: directory.EventAccountAdded}
	ok(t, s.AddGroup(t.Context(), directory.Group{ID: benchID("staff", 0), Name: "staff"}, directory.Event{ID: benchID("staff", 1), At: benchStart, Kind: directory.EventGroupAdded}))
	ok(t, s.AddAccount(t.Context(), policy.Holder{Account: directory.Account{ID: benchID("ann", 0), Login: "ann", Name: "Ann Some"}, Groups: []string{"staff"}}, at))
}

// TestNothingIsSeenOfAnImportThatIsUnderWay, nor of one that was broken off,
// and the next one takes it away.
func TestNothingIsSeenOfAnImportThatIsUnderWay(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	addAnn(t, s)
	before, version := rows(t, s), must(s.Version(t.Context()))(t)
	_, end := begun(t, s, 300)
	if now := rows(t, s); now["account_attributes"] != 1800 || now["import_accounts"] != 300 || now["accounts"] != 1 {
		t.Fatalf("before the last step there are %v", now)
	}
	for _, term := range []directory.Term{
		{Attribute: "+givenname", Value: "some"},
		{Attribute: "+sn", Match: directory.Contains, Value: "body"},
		{Attribute: "cn", Match: directory.Contains, Value: "body"},
		{Attribute: "uid", Match: directory.Prefix, Value: "user"},
		{Attribute: "memberof", Value: "team1"},
	} {
		list, err := s.AccountEntries(t.Context(), directory.Query{AnyOf: []directory.Term{term}}, directory.WithAttributes|directory.WithMemberOf)
		if err != nil || len(list) != 0 {
			t.Errorf("%+v finds %d (%v)", term, len(list), err)
		}
	}
	if now := must(s.Version(t.Context()))(t); now != version {
		t.Errorf("the version moved from %d to %d", version, now)
	}
	end() // as the kernel would
	ok(t, s.FinishImports(t.Context()))
	if now := rows(t, s); !maps.Equal(now, before) {
		t.Errorf("afterwards there are %v, want %v", now, before)
	}
	trigramsAreRight(t, s)
	ok(t, s.ImportAccounts(t.Context(), crowd(300), directory.Event{ID: benchID("import", 300), At: benchStart, Kind: directory.EventAccountsImported}))
	trigramsAreRight(t, s)
}

// TestAnImportWhoseProcessEndedAfterItCountsIsCompleted: its events follow.
func TestAnImportWhoseProcessEndedAfterItCountsIsCompleted(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	i, end := begun(t, s, 300)
	ok(t, i.ses.within("BEGIN IMMEDIATE", func(*session) error { return i.apply() }))
	end()
	if now := rows(t, s); now["accounts"] != 300 || now["events"] != 1 {
		t.Fatalf("there are %v", now)
	}
	for range 2 { // the second time there is nothing to do
		ok(t, s.FinishImports(t.Context()))
	}
	now := rows(t, s)
	if now["accounts"] != 300 || now["account_attributes"] != 1800 || now["events"] != 301 || now["imports"]+now["import_accounts"]+now["import_events"] != 0 {
		t.Errorf("there are %v", now)
	}
	list, err := s.Events(t.Context(), directory.EventFilter{After: benchID("import", 300), Limit: 1000})
	ok(t, err)
	for n, e := range list {
		if e.ID != benchID("event", n) {
			t.Fatalf("event %d is of %s", n, e.Login)
		}
	}
	trigramsAreRight(t, s)
}

// TestAnImportThatIsOvertakenLeavesNothing: somebody takes a name, or a group
// goes, while all but the accounts is being written; or it is called off.
func TestAnImportThatIsOvertakenLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, other *Store, cancel func())
		want      error
	}{
		"a name": {func(t *testing.T, other *Store, _ func()) {
			ok(t, other.AddAccount(t.Context(), policy.Holder{Account: directory.Account{ID: benchID("other", 0), Login: "USER0000001"}},
				directory.Event{ID: benchID("other", 1), At: benchStart, Kind: directory.EventAccountAdded}))
		}, directory.ErrConflict},
		"a group": {func(t *testing.T, other *Store, _ func()) {
			ok(t, other.DeleteGroup(t.Context(), benchID("staff", 0), directory.Event{ID: benchID("other", 1), At: benchStart, Kind: directory.EventGroupDeleted}))
		}, directory.ErrNotFound},
		"the caller": {func(_ *testing.T, _ *Store, cancel func()) { cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, other := openHere(t, Options{Dir: dir}), openHere(t, Options{Dir: dir})
			addAnn(t, s)
			im := crowd(300)
			im.Add[9].Groups = append(im.Add[9].Groups, "staff")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var before map[string]int64
			im.Progress = func(int) {
				if before == nil {
					c.meanwhile(t, other, cancel)
					before = rows(t, s)
				}
			}
			err := s.ImportAccounts(ctx, im, directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported})
			if !errors.Is(err, c.want) {
				t.Errorf("the error is %v, want %v", err, c.want)
			}
			now := rows(t, s)
			for _, table := range []string{"accounts", "groups", "events"} {
				if now[table] != before[table] {
					t.Errorf("%s: %d, before %d", table, now[table], before[table])
				}
			}
			if now["account_attributes"]+now["imports"]+now["import_accounts"]+now["import_events"] != 0 || now["group_accounts"] > 1 {
				t.Errorf("it leaves %v", now)
			}
			trigramsAreRight(t, s)
		})
	}
}

// TestOthersWriteBetweenTheStepsOfAnImport at once, in each pause; and what the
// one transaction that counts writes is less than a tenth of all.
func TestOthersWriteBetweenTheStepsOfAnImport(t *testing.T) {
	const n = 3000
	dir := t.TempDir()
	s, other := openHere(t, Options{Dir: dir}), openHere(t, Options{Dir: dir})
	addAnn(t, s)
	impatient := func(ses *session) error { return ses.script("PRAGMA busy_timeout = 0") }
	ok(t, other.use(t.Context(), other.write, "setting", impatient))
	ses, end, err := s.importSession()
	ok(t, err)
	defer end()
	i := newImporting(ses, crowd(n), directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported})
	steps := 0
	i.im.Progress = func(int) {
		on := steps%2 == 0
		steps++
		ok(t, other.ChangeAccount(t.Context(), benchID("ann", 0), policy.AccountChange{Disabled: &on},
			directory.Event{ID: benchID("change", steps), At: benchStart, Kind: directory.EventAccountDisabled}))
	}
	written := func() int64 {
		n, err := ses.number("SELECT total_changes()")
		ok(t, err)
		return n
	}
	ok(t, i.stage(t.Context()))
	start := written()
	ok(t, i.prepare(t.Context()))
	prepared := written()
	ok(t, ses.within("BEGIN IMMEDIATE", func(*session) error { return i.apply() }))
	applied := written()
	ok(t, finishImports(t.Context(), ses))
	if steps < n*9/importStep {
		t.Errorf("others had %d pauses for %d accounts", steps, n)
	}
	once, all := applied-prepared, written()-start
	t.Logf("%d pauses; of %d rows written, %d at once", steps, all, once)
	if once > all/10 || once < n {
		t.Errorf("of %d rows written, %d were written at once", all, once)
	}
}

func TestOneImportAtATime(t *testing.T) {
	dir := t.TempDir()
	s, other := openHere(t, Options{Dir: dir}), openHere(t, Options{Dir: dir})
	_, end := begun(t, s, 10)
	err := other.ImportAccounts(t.Context(), crowd(5), directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported})
	if !errors.Is(err, ErrBusy) {
		t.Errorf("beside another: %v", err)
	}
	if err := other.FinishImports(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("looking after one that is under way: %v", err)
	}
	if now := rows(t, s); now["import_accounts"] != 10 {
		t.Errorf("there are %v", now)
	}
	end()
	ok(t, other.ImportAccounts(t.Context(), crowd(5), directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported}))
	if now := rows(t, s); now["accounts"] != 5 || now["import_accounts"]+now["imports"] != 0 {
		t.Errorf("there are %v", now)
	}
}

// must is for a value with its error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		ok(t, err)
		return v
	}
}
