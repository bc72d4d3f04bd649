package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// frozen makes a database of an old schema from its file in testdata.
func frozen(t *testing.T, file string) (dir string) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", file))
	ok(t, err)
	dir = t.TempDir()
	run(t, dir, string(script))
	return dir
}

// run runs a script on the database in dir, behind the Store's back.
func run(t *testing.T, dir, script string) {
	t.Helper()
	conn, err := (&sqlite3.SQLiteDriver{}).Open(filepath.Join(dir, fileName))
	ok(t, err)
	_, err = conn.(driver.ExecerContext).ExecContext(context.Background(), script, nil)
	ok(t, errors.Join(err, conn.Close()))
}

func openHere(t testing.TB, opts Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), opts)
	ok(t, err)
	t.Cleanup(func() { ok(t, s.Close()) })
	return s
}

func TestAFrozenDatabaseIsUpgradedWithAllItHolds(t *testing.T) {
	dir := frozen(t, "schema-0001.sql")
	s := openHere(t, Options{Dir: dir})
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

	h, err := s.HolderByName(t.Context(), directory.ParseName("ann@example.org", directory.AnyName, "example.net"))
	ok(t, err)
	want := policy.Holder{
		Account: directory.Account{ID: "11111111-1111-4111-8111-111111111111", Login: "Ann", Name: "Ann Lee", Mail: "ann@example.org",
			UIDNumber: 10000, PasswordChangedAt: at, CreatedAt: at, ModifiedAt: at.Add(time.Second)},
		PasswordHash: secret.NewText("hash"), MFADemanded: true, Enrolled: true, Groups: []string{"staff"},
	}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("holder is %+v, want %+v", h, want)
	}
	p, err := s.AppPassword(t.Context(), []secret.Digest{{0: 1, 35: 1}}, directory.ParseName("ann", directory.AnyName, ""))
	ok(t, err)
	list, err := s.AppPasswords(t.Context(), h.Account.ID)
	ok(t, err)
	if !p.Named || len(list) != 1 || list[0].Label != "phone" || list[0].ID != p.Credential.ID || !p.Credential.LastUsedAt.Equal(at.Add(time.Minute)) {
		t.Errorf("app password is %+v", p)
	}
	ok(t, s.SpendCode(t.Context(), h.Account.ID, policy.CodeRecovery, []secret.Digest{{0: 5, 35: 5}}, at))
	events, err := s.Events(t.Context(), directory.EventFilter{})
	ok(t, err)
	if len(events) != 1 || events[0].Count != 3 || events[0].At.UnixMilli() != at.UnixMilli()+7 {
		t.Errorf("events are %+v", events)
	}
	if v, err := s.Version(t.Context()); err != nil || v != 5 {
		t.Errorf("version is %d (%v)", v, err)
	}
}

func TestADatabaseIsCopiedBeforeItIsMigrated(t *testing.T) {
	dir := frozen(t, "schema-0001.sql")
	path := filepath.Join(dir, fileName)
	openHere(t, Options{Dir: dir})
	info, err := os.Stat(path + ".before-0002")
	ok(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %v", info.Mode())
	}
	restored := t.TempDir()
	ok(t, os.Rename(path+".before-0002", filepath.Join(restored, fileName)))
	copied, err := connectSQLite(filepath.Join(restored, fileName), writerSettings, writerPragmas)()
	ok(t, err)
	ses := newSession(copied)
	if n, err := applied(ses); err != nil || n != 1 {
		t.Errorf("the copy has schema %d (%v)", n, err)
	}
	ok(t, ses.close())
	if h, err := openHere(t, Options{Dir: restored}).HolderByID(t.Context(), "11111111-1111-4111-8111-111111111111"); err != nil {
		t.Errorf("the copy holds %+v (%v)", h, err)
	}
}

func TestANewDatabaseHasNothingToCopy(t *testing.T) {
	dir := t.TempDir()
	openHere(t, Options{Dir: dir})
	if copies, err := filepath.Glob(filepath.Join(dir, "*before*")); err != nil || len(copies) > 0 {
		t.Errorf("copies are %v (%v)", copies, err)
	}
}

func TestNobodyMigratesUnderARunningServer(t *testing.T) {
	dir := frozen(t, "schema-0001.sql")
	lock, err := Lock(dir)
	ok(t, err)
	if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrServing) {
		t.Errorf("a command beside the server: %v", err)
	}
	s := openHere(t, Options{Dir: dir, Lock: lock})
	openHere(t, Options{Dir: dir}) // nothing is left to migrate
	if n, err := schemaOf(t, s); err != nil || n != len(migrations) {
		t.Errorf("schema is %d (%v), want %d", n, err, len(migrations))
	}
	ok(t, lock.Unlock())
}

func schemaOf(t *testing.T, s *Store) (n int, err error) {
	t.Helper()
	err = s.view(t.Context(), "reading the schema", func(ses *session) error {
		n, err = applied(ses)
		return err
	})
	return n, err
}

func TestADatabaseOfAnotherHistoryIsRefusedAndLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   error
	}{
		"newer":   {`INSERT INTO migrations (number, name, checksum, applied_at) VALUES (9999, '9999_later', '', 0)`, ErrNewer},
		"changed": {`UPDATE migrations SET checksum = 'other' WHERE number = 1`, nil},
		"gap":     {`DELETE FROM migrations WHERE number = 1`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(t.Context(), Options{Dir: dir})
			ok(t, errors.Join(err, s.Close()))
			run(t, dir, c.script)
			before, err := os.ReadFile(filepath.Join(dir, fileName))
			ok(t, err)
			_, err = Open(t.Context(), Options{Dir: dir})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("opening gives %v", err)
			}
			after, err := os.ReadFile(filepath.Join(dir, fileName))
			ok(t, err)
			if !reflect.DeepEqual(before, after) {
				t.Error("the database was changed")
			}
		})
	}
}

func TestAMigrationIsWholeOrNothing(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	broken := migration{number: 9999, name: "9999_broken", text: "CREATE TABLE half (x TEXT); INSERT INTO nowhere VALUES (1);"}
	whole := migration{number: 9999, name: "9999_whole", text: "CREATE TABLE half (x TEXT);"}
	for _, c := range []struct {
		m       migration
		fails   bool
		present bool
	}{{broken, true, false}, {whole, false, true}, {whole, false, true}} {
		var present bool
		err := s.use(t.Context(), s.write, "migrating", func(ses *session) error {
			err := c.m.apply(ses)
			if (err != nil) != c.fails {
				t.Errorf("%s: %v", c.m.name, err)
			}
			present, err = tableExists(ses, "half")
			return err
		})
		ok(t, err)
		if present != c.present {
			t.Errorf("%s: the table is there: %v", c.m.name, present)
		}
	}
}

func TestADatabaseKnowsWhenItWasMade(t *testing.T) {
	dir := t.TempDir()
	before := time.Now().Truncate(time.Second)
	s := openHere(t, Options{Dir: dir})
	made, err := s.Made(t.Context())
	ok(t, err)
	if made.Before(before) || made.After(time.Now()) {
		t.Errorf("it was made at %v, not between %v and now", made, before)
	}
	again, err := openHere(t, Options{Dir: dir}).Made(t.Context())
	if err != nil || !again.Equal(made) {
		t.Errorf("opened again it was made at %v, %v; before, at %v", again, err, made)
	}
}
