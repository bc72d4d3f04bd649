package store

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"postern/directory"
)

func TestTroubleIsClassified(t *testing.T) {
	for _, c := range []struct {
		err  sqlite3.Error
		want error
	}{
		{sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}, ErrFatal},
		{sqlite3.Error{Code: sqlite3.ErrCorrupt}, ErrFatal},
		{sqlite3.Error{Code: sqlite3.ErrNotADB}, ErrFatal},
		{sqlite3.Error{Code: sqlite3.ErrFull}, ErrReadOnly},
		{sqlite3.Error{Code: sqlite3.ErrReadonly}, ErrReadOnly},
		{sqlite3.Error{Code: sqlite3.ErrBusy}, ErrBusy},
		{sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintUnique}, directory.ErrConflict},
		{sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintForeignKey}, directory.ErrNotFound},
		{sqlite3.Error{Code: sqlite3.ErrConstraint, ExtendedCode: sqlite3.ErrConstraintCheck}, nil},
	} {
		if got := classify(fmt.Errorf("around: %w", c.err)); got != c.want {
			t.Errorf("%v is %v, want %v", c.err, got, c.want)
		}
	}
}

// TestAFailingDiskStopsEverything: after a failed write the next one may claim
// to succeed, so nothing is done any more, and the server is told once.
func TestAFailingDiskStopsEverything(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	fsync := sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}
	for range 2 {
		err := s.update(t.Context(), "writing", func(*session) error { return fsync })
		if !errors.Is(err, ErrFatal) {
			t.Errorf("error is %v", err)
		}
	}
	if err := s.SetMeta(t.Context(), "x", "y"); !errors.Is(err, ErrFatal) {
		t.Errorf("a later write gives %v", err)
	}
	if _, err := s.HolderByID(t.Context(), "x"); !errors.Is(err, ErrFatal) || errors.Is(err, directory.ErrNotFound) {
		t.Errorf("a later read gives %v", err)
	}
	if err := <-s.Failed(); !errors.Is(err, ErrFatal) {
		t.Errorf("the server is told %v", err)
	}
	select {
	case err := <-s.Failed():
		t.Errorf("the server is told again: %v", err)
	default:
	}
}

func TestADamagedFileIsFatal(t *testing.T) {
	dir := t.TempDir()
	s := openHere(t, Options{Dir: dir})
	for i := range 200 {
		ok(t, s.SetMeta(t.Context(), fmt.Sprint(i), strings.Repeat("x", 500)))
	}
	ok(t, s.Close())
	damage(t, s.Path())
	s, err := Open(t.Context(), Options{Dir: dir})
	if err == nil {
		for i := range 200 {
			if _, err = s.Meta(t.Context(), fmt.Sprint(i)); err != nil {
				break
			}
		}
		ok(t, s.Close())
	}
	if !errors.Is(err, ErrFatal) {
		t.Errorf("error is %v", err)
	}
}

// damage overwrites all but the first three quarters of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	ok(t, err)
	for i := len(content) * 3 / 4; i < len(content); i++ {
		content[i] = 0xAA
	}
	ok(t, os.WriteFile(path, content, 0o600))
}

func TestNotADatabaseIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	ok(t, errors.Join(err, s.Close()))
	text := []byte(strings.Repeat("somebody's letters, kept under the wrong name\n", 100))
	ok(t, os.WriteFile(s.Path(), text, 0o600))
	if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrFatal) {
		t.Errorf("error is %v", err)
	}
	if after, err := os.ReadFile(s.Path()); err != nil || string(after) != string(text) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// TestAFullDiskStopsWritingOnly: reading goes on, and writing recovers.
func TestAFullDiskStopsWritingOnly(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	pages := func(n int) {
		ok(t, s.use(t.Context(), s.write, "bounding the file", func(ses *session) error {
			return ses.script(fmt.Sprintf("PRAGMA max_page_count = %d", n))
		}))
	}
	pages(1) // no less than there are
	event := directory.Event{Kind: directory.EventSignIn, At: time.Unix(1, 0), Detail: strings.Repeat("x", 4096)}
	var err error
	for i := 0; err == nil && i < 10_000; i++ {
		event.ID = fmt.Sprint(i)
		err = s.AppendEvents(t.Context(), []directory.Event{event})
	}
	if !errors.Is(err, ErrReadOnly) || errors.Is(err, ErrFatal) {
		t.Fatalf("a full disk gives %v", err)
	}
	if _, err := s.Version(t.Context()); err != nil {
		t.Errorf("reading beside a full disk: %v", err)
	}
	pages(1_000_000)
	ok(t, s.AppendEvents(t.Context(), []directory.Event{event}))
}

func TestAnotherWriterIsWaitedForAndThenNamed(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	settings, pragmas := maps.Clone(writerSettings), maps.Clone(writerPragmas)
	settings.Set("_busy_timeout", "50")
	pragmas["busy_timeout"] = "50"
	other := &Store{write: newPool(1, connectSQLite(s.Path(), settings, pragmas)), failed: make(chan error, 1)}
	defer func() { ok(t, other.Close()) }()
	ok(t, other.SetMeta(t.Context(), "x", "before"))
	ok(t, s.update(t.Context(), "keeping the writer", func(*session) error {
		if err := other.SetMeta(t.Context(), "x", "meanwhile"); !errors.Is(err, ErrBusy) {
			t.Errorf("error is %v", err)
		}
		return nil
	}))
	ok(t, other.SetMeta(t.Context(), "x", "after"))
	if v, err := s.Meta(t.Context(), "x"); err != nil || v != "after" {
		t.Errorf("kept is %q (%v)", v, err)
	}
}
