package store

import (
	"errors"
	"fmt"
)

// Errors of the database itself, compared with errors.Is. That something is
// not there or is taken is said with directory.ErrNotFound and ErrConflict.
var (
	// ErrFatal says that the disk failed under the database, or that the file
	// is damaged. What was being written is in doubt and nothing more can be
	// trusted to be written: the process should stop and be started again.
	ErrFatal = errors.New("the database is damaged, or the disk under it failed")
	// ErrReadOnly says that nothing can be written for now: the disk is full
	// or read-only. Reading goes on, and writing recovers by itself.
	ErrReadOnly = errors.New("the database cannot be written: the disk is full or read-only")
	// ErrBusy says that another process kept the database for too long.
	ErrBusy = errors.New("the database is busy")
	// ErrNewer says that the database was written by a newer Postern.
	ErrNewer = errors.New("the database was written by a newer version of postern")
	// ErrServing says that a running server holds the data directory.
	ErrServing = errors.New("postern serve is running on this data directory")
	// ErrWrongKey says that the key file is not the database's.
	ErrWrongKey = errors.New("the key file does not belong to this database")
)

// fail wraps err with what was attempted and with the class it belongs to, and
// remembers a fatal one.
func (s *Store) fail(attempted string, err error) error {
	if err == nil {
		return nil
	}
	class := classify(err)
	if class == nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	wrapped := fmt.Errorf("%s: %w: %w", attempted, class, err)
	if class == ErrFatal {
		s.breakDown(wrapped)
	}
	return wrapped
}

// breakDown stops all further work: after a failed write to the disk the next
// one may claim to succeed although what came before it is lost.
func (s *Store) breakDown(err error) {
	if s.broken.CompareAndSwap(nil, &err) {
		s.failed <- err
	}
}

// Failed delivers the first fatal error, once. The server stops on it.
func (s *Store) Failed() <-chan error { return s.failed }
