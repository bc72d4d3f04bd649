package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
	"postern/store/storetest"
)

func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	ok(t, err)
	t.Cleanup(func() { ok(t, s.Close()) })
	return s
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store { return open(t, t.TempDir()) })
}

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// addAnn adds an account with an app password of the digest {1}.
func addAnn(t testing.TB, s *store.Store) policy.Holding {
	t.Helper()
	h := policy.Holding{Digest: secret.Digest{1}, Credential: directory.AppPassword{ID: "phone", AccountID: "ann", Services: []string{"any"}}}
	ok(t, s.AddAccount(t.Context(), policy.Holder{Account: directory.Account{ID: "ann", Login: "ann", Mail: "ann@example.net"}},
		directory.Event{ID: "1", Kind: directory.EventAccountAdded, At: start}))
	ok(t, s.IssueAppPassword(t.Context(), h, policy.Limit{}, directory.Event{ID: "2", Kind: directory.EventAppPasswordIssued, At: start}))
	return h
}

// TestAppPasswordIsOneStatement the first time and after any change, and none
// while nothing changes and it was found for the name it was asked with: it is
// asked at every attempt.
func TestAppPasswordIsOneStatement(t *testing.T) {
	s := open(t, t.TempDir())
	addAnn(t, s)
	ask := func(typed string, digests []secret.Digest, want int) {
		t.Helper()
		before := s.StatementsRead()
		_, err := s.AppPassword(t.Context(), digests, directory.ParseName(typed, directory.AnyName, "example.org"))
		if err != nil && !errors.Is(err, directory.ErrNotFound) {
			t.Fatal(err)
		}
		if n := s.StatementsRead() - before; n != want {
			t.Errorf("%s with %d digests ran %d statements, want %d", typed, len(digests), n, want)
		}
	}
	for n, typed := range []string{"ann", "ann@example.net", "ann@example.org", "bob"} {
		for _, digests := range [][]secret.Digest{{{1}}, {{9}}, {{9}, {1}}} {
			again := 0
			if typed == "bob" || digests[len(digests)-1] == (secret.Digest{9}) {
				again = 1 // no answer that says no is remembered
			}
			for round := range 3 {
				ask(typed, digests, 1)
				ask(typed, digests, again)
				ask(typed, digests, again)
				ok(t, s.SetMeta(t.Context(), "x", fmt.Sprint(n, len(digests), round)))
			}
		}
	}
}

func TestFilesAreTheirOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := open(t, dir)
	addAnn(t, s)
	mode := func(path string) os.FileMode {
		t.Helper()
		info, err := os.Stat(path)
		ok(t, err)
		return info.Mode().Perm()
	}
	if m := mode(dir); m != 0o700 {
		t.Errorf("the directory has mode %v", m)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if m := mode(s.Path() + suffix); m != 0o600 {
			t.Errorf("%s has mode %v", s.Path()+suffix, m)
		}
	}
	ok(t, s.Close())
	ok(t, os.Chmod(s.Path(), 0o644))
	ok(t, os.Chmod(dir, 0o755))
	open(t, dir)
	if mode(dir) != 0o700 || mode(s.Path()) != 0o600 {
		t.Errorf("modes that let others in were kept: %v and %v", mode(dir), mode(s.Path()))
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.new-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// TestOthersSeeAChangeAtOnce: a command writes while the server reads, through
// connections of their own.
func TestOthersSeeAChangeAtOnce(t *testing.T) {
	dir := t.TempDir()
	server, command := open(t, dir), open(t, dir)
	h := addAnn(t, command)
	name := directory.ParseName("ann", directory.AnyName, "")
	before, err := server.Version(t.Context())
	ok(t, err)
	_, err = server.AppPassword(t.Context(), []secret.Digest{h.Digest}, name)
	ok(t, err)
	_, err = command.RevokeAppPasswords(t.Context(), "ann", "", directory.Event{ID: "3", Kind: directory.EventAppPasswordEnded, At: start})
	ok(t, err)
	got, err := server.AppPassword(t.Context(), []secret.Digest{h.Digest}, name)
	ok(t, err)
	after, err := server.Version(t.Context())
	ok(t, err)
	if got.Credential.RevokedAt.IsZero() || after <= before {
		t.Errorf("revoked at %v, version %d after %d", got.Credential.RevokedAt, after, before)
	}
}

// TestTwoWritersTakeTurns: nothing that was acknowledged is lost,
// and opening and closing beside them disturbs nobody.
func TestTwoWritersTakeTurns(t *testing.T) {
	const each = 25
	dir := t.TempDir()
	stores := []*store.Store{open(t, dir), open(t, dir)}
	addAnn(t, stores[0])
	var all sync.WaitGroup
	for i, s := range stores {
		all.Go(func() {
			for n := range each {
				id := fmt.Sprintf("s%d-%d", i, n)
				err := s.SetMeta(t.Context(), id, "x")
				if err == nil {
					err = s.AppendEvents(t.Context(), []directory.Event{{ID: id, Kind: directory.EventSignIn, At: start}})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Go(func() {
		for range 5 {
			s, err := store.Open(t.Context(), store.Options{Dir: dir})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	list, err := open(t, dir).Events(t.Context(), directory.EventFilter{Limit: 1000})
	ok(t, err)
	if len(list) != len(stores)*each+2 {
		t.Errorf("%d events are kept, want %d", len(list), len(stores)*each+2)
	}
}

// keys is a key file known by its check value.
type keys string

func (k keys) CheckValue() []byte            { return []byte(k) }
func (k keys) CheckValid(stored []byte) bool { return bytes.Equal(stored, []byte(k)) }

func TestADatabaseBelongsToItsFirstKey(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ok(t, s.CheckKey(t.Context(), keys("first")))
	ok(t, s.CheckKey(t.Context(), keys("first")))
	if err := s.CheckKey(t.Context(), keys("second")); !errors.Is(err, store.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	if err := open(t, dir).CheckKey(t.Context(), keys("second")); !errors.Is(err, store.ErrWrongKey) {
		t.Errorf("another key after a restart: %v", err)
	}
}

func TestTheDirectoryIsHeldByOneServer(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, running := store.ServerPID(dir); running {
		t.Error("a server runs where nothing is")
	}
	lock, err := store.Lock(dir)
	ok(t, err)
	if pid, running := store.ServerPID(dir); !running || pid != os.Getpid() {
		t.Errorf("the server is %d (%v), want %d", pid, running, os.Getpid())
	}
	if _, err := store.Lock(dir); !errors.Is(err, store.ErrServing) {
		t.Errorf("a second server: %v", err)
	}
	open(t, dir) // a command works beside the server
	ok(t, lock.Unlock())
	if pid, running := store.ServerPID(dir); running {
		t.Errorf("the server %d runs after it ended", pid)
	}
	lock, err = store.Lock(dir)
	ok(t, err)
	ok(t, lock.Unlock())
}

func TestWaitingForTheWriterEndsWithItsContext(t *testing.T) {
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.SetMeta(ctx, "x", "y"); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if v, err := s.Meta(t.Context(), "x"); err != nil || v != "" {
		t.Errorf("kept is %q (%v)", v, err)
	}
}
