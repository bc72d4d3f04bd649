package policy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
)

// moody is a shelf that takes its time and fails one write in three, and
// notes uses as the store does.
type moody struct{ *shelf }

func (m moody) AppendEvents(ctx context.Context, events []directory.Event) error {
	if err := mood(); err != nil {
		return err
	}
	return m.shelf.AppendEvents(ctx, events)
}

func (m moody) RecountEvents(ctx context.Context, counts []Recount) ([]int, error) {
	if err := mood(); err != nil {
		return nil, err
	}
	return m.shelf.RecountEvents(ctx, counts)
}

func (m moody) TouchAppPasswords(_ context.Context, uses []Use) error {
	if err := mood(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range uses {
		if old, ok := m.uses[u.Credential]; !ok || u.At.After(old.At) {
			m.uses[u.Credential] = u
		}
	}
	return nil
}

func mood() error {
	time.Sleep(rand.N(400 * time.Millisecond))
	if rand.IntN(3) == 0 {
		return errors.New("not now")
	}
	return nil
}

// ledger is what a Journal was told: how often each kind of event, and when
// each credential was used last.
type ledger struct {
	mu     sync.Mutex
	counts map[directory.Event]int64 // by foldKey
	uses   map[string]time.Time
	total  int64
}

func (l *ledger) note(ev directory.Event, used bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[foldKey(ev)]++
	l.total++
	if used && ev.At.After(l.uses[ev.Credential]) {
		l.uses[ev.Credential] = ev.At
	}
}

// foldKey is what ev shares with its repeats: all but the time, and the minute.
func foldKey(ev directory.Event) directory.Event {
	ev.ID, ev.Count, ev.LastAt = "", 0, time.Time{}
	ev.At = time.Unix(minuteOf(ev.At), 0)
	return ev
}

// anyEvent is of one of few accounts, credentials and reasons, so that some
// are repeats, some take turns, and some are of no account at all.
func anyEvent() directory.Event {
	ev := signIn(fmt.Sprint("account", rand.IntN(20)), ReasonWrongSecret)
	switch rand.IntN(8) {
	case 0:
		ev.Source = fmt.Sprint("192.0.2.", rand.IntN(3))
	case 1:
		ev.AccountID, ev.Unknown = "", fmt.Sprint("hash", rand.IntN(5))
	case 2, 3, 4, 5:
		ev.Credential, ev.Reason = fmt.Sprint("c", rand.IntN(300)), string(ReasonAppPassword)
	}
	return ev
}

// tell records something in one of the ways there are.
func (l *ledger) tell(j *Journal) {
	ev := anyEvent()
	u := Use{Credential: ev.Credential, At: ev.At, From: ev.Source, Service: "mail"}
	used := ev.Credential != "" && rand.IntN(4) > 0
	l.note(ev, used)
	switch {
	case !used:
		j.Record(ev)
	case rand.IntN(2) == 0:
		j.RecordUse(ev, u)
	default:
		j.Used(u)
		j.Record(ev)
	}
}

// tellAtRandom is one of several who record: for some minutes, with pauses and
// with calls to Flush.
func (l *ledger) tellAtRandom(j *Journal, flushes *atomic.Int64) {
	for range 400 {
		for range rand.IntN(12) {
			l.tell(j)
		}
		time.Sleep(rand.N(time.Second))
		if rand.IntN(20) == 0 && j.Flush(context.Background()) == nil {
			flushes.Add(1)
		}
	}
}

// tellManyAtOnce has several record at random in a Journal with room for so many
// events, and closes it. It returns what was told, and how many flushes went well.
func tellManyAtOnce(t *testing.T, s Sink, room int64) (told *ledger, flushes int64) {
	t.Helper()
	j := NewJournal(s, slog.New(slog.DiscardHandler))
	j.held.most = room
	told = &ledger{counts: map[directory.Event]int64{}, uses: map[string]time.Time{}}
	var all sync.WaitGroup
	var well atomic.Int64
	for range 8 {
		all.Go(func() { told.tellAtRandom(j, &well) })
	}
	all.Wait()
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return told, well.Load()
}

// TestManyAtOnceLoseNothing lets several record at random for some minutes,
// with a sink that fails at random, and compares what is kept with what was
// told: once with room for all, once with far too little.
func TestManyAtOnceLoseNothing(t *testing.T) {
	for _, room := range []int64{eventsHeld, 60} {
		synctest.Test(t, func(t *testing.T) {
			s := moody{newShelf()}
			told, flushes := tellManyAtOnce(t, s, room)
			if flushes == 0 {
				t.Error("no Flush went well")
			}
			told.checkTotal(t, s.shelf, room < eventsHeld)
			told.checkUses(t, s.uses)
			if room == eventsHeld {
				told.checkFolded(t, s.kept())
			}
		})
	}
}

// checkTotal checks that what is kept stands for as many as were told, some of
// them not recorded if crowded.
func (l *ledger) checkTotal(t *testing.T, s *shelf, crowded bool) {
	t.Helper()
	if n := s.total(); n != l.total {
		t.Errorf("%d are accounted for of %d", n, l.total)
	}
	var lost int64
	for _, e := range s.kept() {
		if e.Kind == directory.EventNotRecorded {
			lost += e.Count
		}
	}
	if crowded != (lost > 0) || lost == l.total {
		t.Errorf("%d of %d not recorded, crowded %v", lost, l.total, crowded)
	}
}

// checkFolded checks that all of one kind in one minute are one event.
func (l *ledger) checkFolded(t *testing.T, kept []directory.Event) {
	t.Helper()
	if len(kept) != len(l.counts) {
		t.Errorf("%d events are kept of %d kinds and minutes", len(kept), len(l.counts))
	}
	for _, e := range kept {
		if want := l.counts[foldKey(e)]; e.Count != want {
			t.Errorf("counted %d times, want %d: %+v", e.Count, want, e)
		}
	}
}

// checkUses checks that the last use of each credential is kept.
func (l *ledger) checkUses(t *testing.T, kept map[string]Use) {
	t.Helper()
	if len(kept) != len(l.uses) {
		t.Errorf("uses of %d credentials are kept, want %d", len(kept), len(l.uses))
	}
	for credential, want := range l.uses {
		if got := kept[credential].At; !got.Equal(want) {
			t.Errorf("%s was last used at %v, kept is %v", credential, want, got)
		}
	}
}
