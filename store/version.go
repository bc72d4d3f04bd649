package store

import (
	"context"
	"errors"

	"postern/directory"
)

const (
	counterGet  = `SELECT value FROM counters WHERE name = 'change_version'`
	counterBump = `UPDATE counters SET value = value + 1 WHERE name = 'change_version'`
	counterNext = `UPDATE counters SET value = value + $2 WHERE name = $1 RETURNING value`
)

// Version returns the change version. It grows with every change of an
// account, a group or a credential, in the transaction of the change; events
// and the noting of last use leave it alone.
func (s *Store) Version(ctx context.Context) (version int64, err error) {
	err = s.view(ctx, "reading the change version", func(ses *session) error {
		version, err = ses.number(counterGet)
		return err
	})
	return version, err
}

// errUnchanged ends a change that found everything as it should be. Nothing is
// written, no event either, and the caller sees success.
var errUnchanged = errors.New("nothing to change")

// change runs fn, the recording of events and the move of the change version
// in one durable transaction.
func (s *Store) change(ctx context.Context, attempted string, fn func(*session) error, events ...directory.Event) error {
	err := s.update(ctx, attempted, func(ses *session) error {
		if err := fn(ses); err != nil {
			return err
		}
		if err := insertEvents(ses, events); err != nil {
			return err
		}
		return ses.one(counterBump)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// next takes n numbers of a counter and returns the last of them.
func next(ses *session, counter string, n int) (last int64, err error) {
	return ses.number(counterNext, counter, n)
}

// unchangedIfThere tells "is so already" from "is not there" after a change
// that met no row: count counts the rows it could have met.
func unchangedIfThere(ses *session, count string, args ...any) error {
	n, err := ses.number(count, args...)
	if err == nil && n == 0 {
		err = directory.ErrNotFound
	}
	if err == nil {
		err = errUnchanged
	}
	return err
}
