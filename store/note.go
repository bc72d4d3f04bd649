package store

import (
	"context"
	"unsafe"

	"postern/policy"
)

// changeWord is where the header of the WAL index counts commits: the third of
// its numbers of 32 bits.
const changeWord = 2

// commits is the count of commits in the state m, modulo 2^32. SQLite adds one
// at each commit that writes anything, and at nothing else: beginning the WAL
// anew writes a header without frames and with another salt, and the same
// count; filing it writes none. Recovery, after a process was killed while it
// wrote a header, begins to count at 0.
func commits(m *policy.Mark) uint32 { return (*[headerWords * 2]uint32)(unsafe.Pointer(m))[changeWord] }

// committed is what a connection that writes finds committed.
type committed struct {
	mark policy.Mark
	// foreign is SQLite's data_version: it stays the same over commits of this
	// connection, and is another after those of all others, of this process too.
	foreign int64
}

func (s *Store) committed(ses *session) (c committed, err error) {
	c.mark = s.index.mark() // before foreign is known, so that it is of no later state
	c.foreign, err = ses.number("PRAGMA data_version")
	return c, err
}

// onlyOurs reports whether exactly one commit lies between two states, which a
// connection found in a transaction of its own, in which nobody else can commit,
// and after the end of that: the commit of this transaction. The count alone
// would not tell: a transaction that meets no row, or writes into rows what is
// there already, commits nothing, and then the one commit is another's.
func onlyOurs(before, after committed) bool {
	none := policy.Mark{}
	return before.mark != none && after.mark != none && before.foreign == after.foreign && commits(&after.mark) == commits(&before.mark)+1
}

// note is update for what is written all the time and changes nothing that
// AppPassword answers, but for the time of last use: what is remembered of that
// stays.
func (s *Store) note(ctx context.Context, attempted string, fn func(*session) error) error {
	return s.use(ctx, s.write, attempted, func(ses *session) error {
		var before committed
		defer s.doors.noting.Store(false)
		err := ses.within("BEGIN IMMEDIATE", func(ses *session) (err error) {
			if before, err = s.committed(ses); err != nil {
				return err
			}
			s.doors.noting.Store(true)
			return fn(ses)
		})
		if err == nil {
			s.noted(ses, before)
			s.file(ses)
		}
		return err
	})
}

// noted moves what is remembered over the commit that a note has just made. It
// stays where it is, and so is not used again, where somebody else has committed
// since: that can have been a revocation.
func (s *Store) noted(ses *session, before committed) {
	after, err := s.committed(ses)
	if s.fail("looking for what was committed", err) == nil && onlyOurs(before, after) {
		s.doors.move(before.mark, after.mark)
	}
}
