package store

import (
	"context"
	"errors"
	"time"

	"postern/directory"
	"postern/policy"
)

// kept is the read transaction that a session for reading keeps between two
// questions, for as long as the state it sees is the newest: to begin one anew
// costs SQLite two locks on a file, which are system calls.
type kept struct {
	index  *walIndex // nil: none is kept
	open   bool
	mark   policy.Mark // the newest state when it was about to begin
	filed  bool        // all of that was in the database file
	rested bool        // nobody has asked since somebody looked
}

// asking prepares a session for a question: what is committed by now will be
// in the answer. SQLite chooses the state that a transaction sees at its first
// statement. So it sees the one that was marked before, or a newer one; and
// while the mark is still that, nothing newer than what it sees.
func (s *session) asking() error {
	k := &s.kept
	if k.index == nil {
		return nil
	}
	k.rested = false
	mark := k.index.mark()
	if k.open {
		// One that needs the WAL where nobody has to would keep the writer from
		// beginning the WAL anew.
		if mark == k.mark && (k.filed || !k.index.filed(&mark)) {
			return nil
		}
		if err := s.release(); err != nil {
			return err
		}
	}
	if mark == (policy.Mark{}) {
		return nil // each statement will see the newest state by itself
	}
	k.mark, k.filed = mark, k.index.filed(&mark)
	err := s.control("BEGIN")
	k.open = err == nil
	return err
}

// asked follows a question. Nothing is kept after trouble.
func (s *session) asked(err error) error {
	if err == nil || !s.kept.open || errors.Is(err, directory.ErrNotFound) {
		return err
	}
	return errors.Join(err, s.release())
}

// release ends the transaction that is kept.
func (s *session) release() error {
	if !s.kept.open {
		return nil
	}
	s.kept.open = false
	err := s.control("COMMIT")
	if err != nil {
		return s.rollback(err)
	}
	return nil
}

// control runs a statement that asks nothing.
func (s *session) control(text string) error {
	_, err := s.exec(text)
	s.ran--
	return err
}

// idle is how long a session that nobody uses keeps its transaction, and twice
// that at most: it holds the WAL back.
const idle = 50 * time.Millisecond

// letGoSoon sees to it that ses, which was just put back, does not keep its
// transaction for long. The caller holds mu.
func (p *pool) letGoSoon(ses *session) {
	if ses.kept.open && !p.watched {
		p.watched = true
		time.AfterFunc(idle, func() { p.letGo(func(ses *session) bool { return ses.kept.rested }) })
	}
}

// letGo ends the transactions of those sessions, of them that nobody uses now,
// that which names. The others are looked at again later.
func (p *pool) letGo(which func(*session) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watched = false
	free := p.free[:0]
	for _, ses := range p.free {
		if which(ses) && ses.release() != nil {
			_ = ses.close() // it is of no use any more
			continue
		}
		ses.kept.rested = true
		p.letGoSoon(ses)
		free = append(free, ses)
	}
	clear(p.free[len(free):])
	p.free = free
}

// The WAL is filed when it holds walFrames pages. Where it holds twice as many
// it could not be before, because of readers: then the writer waits for them a
// little, filingTries times.
const (
	walFrames   = 1000
	filingTries = 3
	filingPause = time.Millisecond
)

// file copies what the WAL holds to the database file where it has grown long,
// as far as readers allow. It follows a commit, so that it fails is no matter
// of the change; but a failing disk stops everything as always. The readers
// that rest let go first, and those at work are through in microseconds:
// SQLite by itself, in the middle of the commit, would find each of them in
// the state before, and would never get to the end of the WAL.
func (s *Store) file(ses *session) {
	mark := s.index.mark()
	if mark == (policy.Mark{}) || frames(&mark) < walFrames {
		return
	}
	for try := 1; !s.index.filed(&mark); try++ {
		s.read.letGo(func(*session) bool { return true })
		err := ses.each("PRAGMA wal_checkpoint(PASSIVE)", nil, func(*row) error { return nil })
		if s.fail("filing the write-ahead log", err) != nil || try == filingTries || frames(&mark) < 2*walFrames {
			return
		}
		time.Sleep(filingPause)
	}
}

// snapshot is view for several statements that must see one state.
func (s *Store) snapshot(ctx context.Context, attempted string, fn func(*session) error) error {
	return s.use(ctx, s.read, attempted, func(ses *session) error {
		if ses.kept.open {
			return fn(ses)
		}
		return ses.within("BEGIN", fn)
	})
}
