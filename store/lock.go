package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockName is the file in the data directory that the running server holds.
const lockName = "postern.lock"

// DirLock is a data directory held by one process. The kernel lets go of it
// when the process ends, however it ends.
type DirLock struct{ f *os.File }

// lockWithin is how long Lock tries: others hold the lock for a moment to ask
// whether a server runs.
const (
	lockWithin = time.Second
	lockEvery  = 20 * time.Millisecond
)

// Lock takes the data directory for this process and writes its pid into the
// lock file. ErrServing: another process has it; the error names its pid.
func Lock(dir string) (*DirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock file: %w", err)
	}
	if err := lockFile(f, time.Now().Add(lockWithin)); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w%s", ErrServing, holder(dir))
		}
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		f.Close()
		return nil, fmt.Errorf("writing the lock file: %w", err)
	}
	return &DirLock{f}, nil
}

func lockFile(f *os.File, until time.Time) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(until) {
			return err
		}
		time.Sleep(lockEvery)
	}
}

func writePID(f *os.File) error {
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// Unlock lets go of the directory. The file stays: removing it would let two
// processes lock two files of one name.
func (l *DirLock) Unlock() error {
	return errors.Join(l.f.Truncate(0), l.f.Close())
}

// ServerPID returns the process id of the server that holds dir, and whether
// one does.
func ServerPID(dir string) (pid int, running bool) {
	f, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return 0, false
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err == nil {
		return 0, false
	}
	return readPID(dir), true
}

func holder(dir string) string {
	if pid := readPID(dir); pid > 0 {
		return fmt.Sprintf(" (process %d)", pid)
	}
	return ""
}

func readPID(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, lockName))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// importLock is the file that an import holds, so that there is one at a time.
const importLock = "postern.import"

// lockImports takes the lock of imports on the data directory of the database
// at path, or fails with ErrBusy. Closing the file lets go of it.
func lockImports(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), importLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock file of imports: %w", err)
	}
	if err := lockFile(f, time.Now().Add(lockWithin)); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrBusy
		}
		return nil, fmt.Errorf("another import is under way: %w", err)
	}
	return f, nil
}
