package store

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
)

// keptOpen is how many of the resting sessions for reading keep a transaction.
func keptOpen(s *Store) (n int) {
	s.read.mu.Lock()
	defer s.read.mu.Unlock()
	for _, ses := range s.read.free {
		n += int(bit(ses.kept.open))
	}
	return n
}

// TestOneTransactionServesUntilSomethingIsCommitted, and no longer.
func TestOneTransactionServesUntilSomethingIsCommitted(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	read := func() (mark policy.Mark) {
		t.Helper()
		ok(t, s.view(t.Context(), "reading", func(ses *session) error {
			_, err := ses.number(counterGet)
			if c := ses.conn.(interface{ AutoCommit() bool }); !ses.kept.open || c.AutoCommit() {
				t.Error("the question is not within a transaction that is kept")
			}
			mark = ses.kept.mark
			return err
		}))
		return mark
	}
	first := read()
	if again := read(); again != first || first != s.Mark() {
		t.Errorf("with nothing committed the transaction is another: %v after %v, the mark is %v", again, first, s.Mark())
	}
	ok(t, s.SetMeta(t.Context(), "x", "y"))
	if after := read(); after == first || after != s.Mark() {
		t.Errorf("after a commit the transaction is that of %v, was %v, the mark is %v", after, first, s.Mark())
	}
}

// TestNothingIsKeptForLongWhereNobodyAsks: what is kept holds the WAL back.
func TestNothingIsKeptForLongWhereNobodyAsks(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	_, err := s.Version(t.Context())
	ok(t, err)
	for began := time.Now(); keptOpen(s) > 0; time.Sleep(idle / 10) {
		if time.Since(began) > time.Minute {
			t.Fatal("a transaction is kept although nobody asks")
		}
	}
	_, err = s.Version(t.Context())
	ok(t, err)
}

func TestNothingIsKeptAfterTrouble(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	broken := errors.New("broken")
	if err := s.view(t.Context(), "reading", func(*session) error { return broken }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if n := keptOpen(s); n > 0 {
		t.Errorf("%d transactions are kept after an error", n)
	}
	if _, err := s.HolderByID(t.Context(), "nobody"); !errors.Is(err, directory.ErrNotFound) {
		t.Error(err)
	}
}

// TestWithoutMarksEveryQuestionBeginsAnew: where the header cannot be read, for
// it is being written, the engine is asked each time.
func TestWithoutMarksEveryQuestionBeginsAnew(t *testing.T) {
	dir := t.TempDir()
	s, other := openHere(t, Options{Dir: dir}), openHere(t, Options{Dir: dir})
	torn := viewOf(headerOf(1), headerOf(2))
	torn.done = new(uint32)
	s.read.index, s.index = torn, torn
	ok(t, s.view(t.Context(), "reading", func(ses *session) error { ses.kept.index = torn; return nil }))
	for n := range 20 {
		ok(t, other.SetMeta(t.Context(), "x", strconv.Itoa(n)))
		if v, err := s.Meta(t.Context(), "x"); err != nil || v != strconv.Itoa(n) {
			t.Fatalf("read %q after %d (%v)", v, n, err)
		}
		if keptOpen(s) > 0 {
			t.Fatal("a transaction is kept whose state is not known")
		}
	}
}

// everySession asks a question by each session for reading, so that each
// keeps a transaction.
func everySession(t *testing.T, s *Store) {
	t.Helper()
	var lent []*session
	for range readers() {
		ses, err := s.read.get(t.Context())
		ok(t, err)
		lent = append(lent, ses)
		ok(t, ses.asking())
		_, err = ses.number(counterGet)
		ok(t, ses.asked(err))
		if !ses.kept.open {
			t.Fatal("nothing is kept")
		}
	}
	for _, ses := range lent {
		s.read.put(ses, nil)
	}
}

// TestTheWALStaysShort although every session for reading keeps a transaction
// all the time, and sees each commit.
func TestTheWALStaysShort(t *testing.T) {
	s := openHere(t, Options{Dir: t.TempDir()})
	const page, commits, rows = 4096, 120, 64
	var longest int64
	for n := range commits {
		everySession(t, s)
		var list []directory.Event
		for i := range rows {
			list = append(list, directory.Event{ID: benchID("event", n*rows+i), At: benchStart, Kind: directory.EventSignIn, Detail: strings.Repeat("x", 3000)})
		}
		ok(t, s.AppendEvents(t.Context(), list))
		info, err := os.Stat(s.Path() + "-wal")
		ok(t, err)
		longest = max(longest, info.Size()/page)
	}
	if written := int64(commits * rows); longest > 2*walFrames || written < 4*longest {
		t.Errorf("the WAL has grown to %d pages after %d, and is filed from %d on", longest, written, walFrames)
	}
}
