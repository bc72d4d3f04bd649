package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"postern/policy"
)

// readers is how many reads run side by side. A point read takes less than ten
// microseconds, so twice the processors keep any number of clients busy.
func readers() int { return min(max(4, 2*runtime.GOMAXPROCS(0)), 16) }

// Store is an open database. It may be used concurrently. Reads run side by
// side; changes run one after the other.
type Store struct {
	path    string
	read    *pool
	write   *pool
	anchor  *session  // does nothing; while it is open, the WAL index is in use
	index   *walIndex // nil: cannot be looked at
	entries remembered
	doors   *doors
	closed  atomic.Bool
	broken  atomic.Pointer[error]
	failed  chan error
}

// Options say which database to open and how.
type Options struct {
	// Dir is the data directory. It is made, with mode 0700, if it is missing.
	Dir string
	// Lock is the lock the caller holds on Dir, if it does: the server's. A
	// command leaves it nil; then Open migrates only while nobody holds it.
	Lock *DirLock
}

// Open opens the database in opts.Dir, making or migrating it where that is
// due, and checks that it will keep what it acknowledges. ErrNewer, ErrServing
// and ErrBusy say why it was refused.
func Open(ctx context.Context, opts Options) (*Store, error) {
	if err := checkEngine(); err != nil {
		return nil, err
	}
	path, err := prepareFile(opts.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, doors: newDoors(time.Now, doorsHeld), failed: make(chan error, 1)}
	if err := s.open(ctx, opts); err != nil {
		_ = s.Close() // the first error says more
		return nil, s.fail("opening the database "+path, err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, opts Options) error {
	s.write = newPool(1, connectSQLite(s.path, writerSettings, writerPragmas))
	if err := s.prepareSchema(ctx, opts); err != nil {
		return err
	}
	s.read = newPool(readers(), connectSQLite(s.path, readerSettings, readerPragmas))
	if err := s.watchCommits(ctx); err != nil {
		return err
	}
	ses, err := s.read.get(ctx)
	if err != nil {
		return err
	}
	s.read.put(ses, nil)
	return nil
}

// watchCommits makes the anchor, and with it marks that can be relied on. From
// then on the Store files the WAL by itself.
func (s *Store) watchCommits(ctx context.Context) error {
	conn, err := s.read.connect()
	if err != nil {
		return err
	}
	s.anchor = newSession(conn)
	if _, err := s.anchor.number(counterGet); err != nil {
		return err
	}
	if s.index = openWALIndex(s.path); s.index == nil {
		return nil
	}
	s.read.index = s.index
	return s.use(ctx, s.write, "leaving the WAL to the store", func(ses *session) error {
		return ses.script("PRAGMA wal_autocheckpoint = 0")
	})
}

// Mark names the state of the database; see policy.Marks. It takes no lock
// and makes no system call.
func (s *Store) Mark() policy.Mark {
	if s.closed.Load() || s.broken.Load() != nil {
		return policy.Mark{}
	}
	return s.index.mark()
}

// Close waits for what is running and ends all connections. What is called
// after it fails.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var errs []error
	for _, p := range []*pool{s.read, s.write} {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	if s.anchor != nil {
		errs = append(errs, s.anchor.close())
	}
	return errors.Join(errs...)
}

// FileIn is the database file of a data directory.
func FileIn(dir string) string { return filepath.Join(dir, fileName) }

// Path is the database file.
func (s *Store) Path() string { return s.path }

// prepareFile makes the directory and an empty database file with modes that
// keep others out, and takes away what others may do to files already there.
// SQLite gives its side files the mode of the database.
func prepareFile(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the data directory: %w", err)
	}
	if err := refuseNetworkDisk(dir); err != nil {
		return "", err
	}
	path := filepath.Join(dir, fileName)
	if err := makeEmpty(path); err != nil {
		return "", fmt.Errorf("making the database file: %w", err)
	}
	for _, p := range []string{dir, path} {
		if err := keepOthersOut(p); err != nil {
			return "", err
		}
	}
	return path, nil
}

// makeEmpty makes an empty file at path unless there is one. The file gets its
// name only when it is closed: closing a database file by another way than
// SQLite's own would drop the locks this process holds on it (POSIX locks end
// with the first close).
func makeEmpty(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), fileName+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func keepOthersOut(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(path, info.Mode().Perm()&^0o077); err != nil {
		return fmt.Errorf("%s can be read by others and its mode cannot be changed: %w", path, err)
	}
	return nil
}

// view runs fn with a connection for reading. ctx bounds the wait for one and
// not the reads themselves: a cancelled SQLite statement takes others with it,
// and a point read is over before anybody could cancel it.
func (s *Store) view(ctx context.Context, attempted string, fn func(*session) error) error {
	return s.use(ctx, s.read, attempted, fn)
}

// update runs fn in one durable transaction: all of it is kept, or nothing.
func (s *Store) update(ctx context.Context, attempted string, fn func(*session) error) error {
	return s.use(ctx, s.write, attempted, func(ses *session) error {
		err := ses.within("BEGIN IMMEDIATE", fn)
		if err == nil {
			s.file(ses)
		}
		return err
	})
}

// StatementsRead is how many statements the connections for reading have run,
// for those who count what an attempt costs. It may be asked while none is in
// use.
func (s *Store) StatementsRead() (n int) {
	s.read.mu.Lock()
	defer s.read.mu.Unlock()
	for _, ses := range s.read.free {
		n += ses.ran
	}
	return n
}

func (s *Store) use(ctx context.Context, p *pool, attempted string, fn func(*session) error) error {
	if e := s.broken.Load(); e != nil {
		return *e
	}
	ses, err := p.get(ctx)
	if err != nil {
		return s.fail(attempted, err)
	}
	defer func() { p.put(ses, err) }()
	if err = ses.asking(); err == nil {
		err = ses.asked(fn(ses))
	}
	return s.fail(attempted, err)
}
