package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
)

// shelf is a Sink as the store is one: an event of a known ID takes the count
// given last.
type shelf struct {
	mu     sync.Mutex
	events map[string]directory.Event
	uses   map[string]Use
	writes []int // events in each batch
	err    error
	took   time.Duration // what each write of events takes
	// What each write of uses takes.
	usesTook time.Duration
}

func newShelf() *shelf { return &shelf{events: map[string]directory.Event{}, uses: map[string]Use{}} }

func (s *shelf) AppendEvents(_ context.Context, events []directory.Event) error {
	time.Sleep(s.took)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.writes = append(s.writes, len(events))
	for _, e := range events {
		s.events[e.ID] = e
	}
	return nil
}

func (s *shelf) RecountEvents(_ context.Context, counts []Recount) (gone []int, err error) {
	time.Sleep(s.took)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	s.writes = append(s.writes, len(counts))
	for i, c := range counts {
		e, kept := s.events[c.Event]
		if !kept {
			gone = append(gone, i)
			continue
		}
		e.Count, e.LastAt = c.Count, c.LastAt
		s.events[c.Event] = e
	}
	return gone, nil
}

func (s *shelf) TouchAppPasswords(_ context.Context, uses []Use) error {
	time.Sleep(s.usesTook)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	for _, u := range uses {
		s.uses[u.Credential] = u
	}
	return nil
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// kept returns the events in order of their time.
func (s *shelf) kept() []directory.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.events), func(a, b directory.Event) int { return a.At.Compare(b.At) })
}

// total is how many sign-ins the kept events stand for.
func (s *shelf) total() (n int64) {
	for _, e := range s.kept() {
		n += e.Count
	}
	return n
}

func (s *shelf) batches() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// batches is a Sink that takes the events as they come.
type batches struct{ events []directory.Event }

func (b *batches) AppendEvents(_ context.Context, events []directory.Event) error {
	b.events = append(b.events, events...)
	return nil
}

func (*batches) RecountEvents(context.Context, []Recount) ([]int, error) { return nil, nil }

func (*batches) TouchAppPasswords(context.Context, []Use) error { return nil }

func signIn(account string, reason Reason) directory.Event {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return directory.Event{At: now, LastAt: now, Count: 1, Kind: directory.EventSignIn, AccountID: account, Reason: string(reason), Client: "vpn"}
}

// inBubble runs test with a Journal in a bubble where time is fake and starts
// at a full minute.
func inBubble(t *testing.T, test func(t *testing.T, j *Journal, s *shelf, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, log := newShelf(), new(bytes.Buffer)
		j := NewJournal(s, slog.New(slog.NewTextHandler(log, nil)))
		test(t, j, s, log)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = j.Close(ctx) // tests of failing sinks leave it failing
	})
}

func TestTheFirstOfAKindIsWrittenWithinAQuarterOfASecond(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		j.Record(signIn("ann", ReasonPrimary))
		time.Sleep(100 * time.Millisecond)
		j.Record(signIn("bob", ReasonPrimary))
		time.Sleep(149 * time.Millisecond)
		synctest.Wait()
		if n := len(s.kept()); n != 0 {
			t.Fatalf("%d events are kept before the batch is due", n)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := s.batches(); !slices.Equal(got, []int{2}) {
			t.Errorf("batches %v, want one of 2", got)
		}
		for _, e := range s.kept() {
			if len(e.ID) != 36 {
				t.Errorf("event id %q", e.ID)
			}
		}
	})
}

func TestRepeatsAreFoldedByTheMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		for range 240 { // four a second for a minute
			j.Record(signIn("ann", ReasonWrongSecret))
			time.Sleep(time.Minute / 240)
		}
		synctest.Wait()
		got := s.kept()
		if len(got) != 1 || got[0].Count != 240 {
			t.Fatalf("kept %+v, want one event that counts 240", got)
		}
		if lasted := got[0].LastAt.Sub(got[0].At); lasted != 239*time.Second/4 {
			t.Errorf("it lasts %v", lasted)
		}
		if got := s.batches(); len(got) != 2 {
			t.Errorf("%d writes, want one for the first and one for the minute", len(got))
		}
		j.Record(signIn("ann", ReasonWrongSecret))
		time.Sleep(time.Second)
		if got := s.kept(); len(got) != 2 || got[1].Count != 1 {
			t.Errorf("the next minute did not begin an event of its own: %+v", got)
		}
	})
}

// TestWhatDiffersInAnythingIsNotFolded, and what differs in nothing is, also
// where one credential is used in several ways by turns.
func TestWhatDiffersInAnythingIsNotFolded(t *testing.T) {
	changes := []func(*directory.Event){
		func(*directory.Event) {},
		func(e *directory.Event) { e.AccountID = "bob" },
		func(e *directory.Event) { e.Reason = string(ReasonRevoked) },
		func(e *directory.Event) { e.Client = "wifi" },
		func(e *directory.Event) { e.Source = "192.0.2.1" },
		func(e *directory.Event) { e.Credential += "c1" },
		func(e *directory.Event) { e.Kind = directory.EventBreakGlass },
		func(e *directory.Event) { e.At = e.At.Add(-foldWithin); e.LastAt = e.At },
	}
	for _, credential := range []string{"", "phone"} {
		inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
			base := signIn("ann", ReasonWrongSecret)
			base.Credential = credential
			for range 3 {
				for _, change := range changes {
					e := base
					change(&e)
					j.Record(e)
				}
			}
			time.Sleep(foldWithin)
			synctest.Wait()
			if n := len(s.kept()); n != len(changes) {
				t.Errorf("%d events, want %d", n, len(changes))
			}
			for _, e := range s.kept() {
				if e.Count != 3 {
					t.Errorf("counted %d times, want 3: %+v", e.Count, e)
				}
			}
			checkNothingHeld(t, j)
		})
	}
}

func TestNobodyWhoRecordsWaitsForTheDisk(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		s.took = 5 * time.Second
		j.Record(signIn("ann", ReasonPrimary))
		time.Sleep(time.Second) // the write is under way
		began := time.Now()
		j.Record(signIn("bob", ReasonPrimary))
		j.Used(Use{Credential: "c1", At: began})
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v", waited)
		}
		time.Sleep(20 * time.Second)
		if n := s.total(); n != 2 {
			t.Errorf("%d kept, want 2", n)
		}
	})
}

func TestAFailingSinkIsTriedAgainAndNothingIsLost(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, log *bytes.Buffer) {
		s.fail(errors.New("disk full"))
		for i := range 300 {
			j.Record(signIn(fmt.Sprint("account", i%100), ReasonPrimary))
			time.Sleep(time.Second)
		}
		j.Used(Use{Credential: "c1", At: time.Now()})
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := s.total(); n != 0 || !strings.Contains(log.String(), "disk full") {
			t.Fatalf("%d kept by a failing sink, log:\n%s", n, log)
		}
		s.fail(nil)
		time.Sleep(retryAtMost + usesWithin)
		synctest.Wait()
		if n := s.total(); n != 300 {
			t.Errorf("%d kept after it recovered, want 300", n)
		}
		if len(s.uses) != 1 {
			t.Error("the use is lost")
		}
	})
}

func TestAFailingSinkIsNotPestered(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, log *bytes.Buffer) {
		s.fail(errors.New("disk full"))
		for range 6000 { // ten a second for ten minutes
			j.Record(signIn("ann", ReasonPrimary))
			time.Sleep(time.Second / 10)
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "disk full"); n < 20 || n > 60 {
			t.Errorf("%d tries in ten minutes", n)
		}
	})
}

func TestBeyondTheBoundSignInsAreCountedAndTheLogSaysSo(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, log *bytes.Buffer) {
		s.fail(errors.New("disk full"))
		const extra = 1000
		for i := range eventsFresh + extra {
			j.Record(signIn(fmt.Sprint("account", i), ReasonPrimary))
		}
		if n := j.held.n.Load(); n != eventsFresh {
			t.Errorf("%d events are held, the bound is %d", n, eventsFresh)
		}
		s.fail(nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		checkNotRecorded(t, s, extra)
		if n := s.total(); n != eventsFresh+extra {
			t.Errorf("%d sign-ins are accounted for, want %d", n, eventsFresh+extra)
		}
		if n := strings.Count(log.String(), "not recorded one by one any more"); n != 1 {
			t.Errorf("the log says it %d times", n)
		}
	})
}

// checkNothingHeld checks that no event is held any more, nor counted as held.
func checkNothingHeld(t *testing.T, j *Journal) {
	t.Helper()
	left := int(j.held.n.Load() + j.fresh.n.Load())
	for i := range j.shards {
		s := &j.shards[i]
		left += len(s.held) + len(s.queue) + len(s.kept) + len(s.stirred)
	}
	if left != 0 {
		t.Errorf("%d things are still held after their minute", left)
	}
}

// checkNotRecorded checks that one event of that kind counts want.
func checkNotRecorded(t *testing.T, s *shelf, want int64) {
	t.Helper()
	var counts []int64
	for _, e := range s.kept() {
		if e.Kind == directory.EventNotRecorded {
			counts = append(counts, e.Count)
		}
	}
	if !slices.Equal(counts, []int64{want}) {
		t.Errorf("not_recorded events count %v, want one of %d", counts, want)
	}
}

func TestWrittenEventsMakeRoomForMoreAccountsThanTheBound(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		const room = eventsHeld / 8
		j.held.most = room
		for i := range 3 * room {
			j.Record(signIn(fmt.Sprint("account", i), ReasonAppPassword))
			if i%1000 == 0 {
				time.Sleep(firstWithin)
				synctest.Wait()
			}
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := len(s.kept()); n != 3*room {
			t.Errorf("%d events are kept, want %d", n, 3*room)
		}
		checkNothingHeld(t, j)
	})
}

func TestStrangersCannotFillTheRecord(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		for i := range 5000 {
			e := signIn("", ReasonUnknownAccount)
			e.Unknown = fmt.Sprint("hash", i)
			j.Record(e)
		}
		j.Record(signIn("ann", ReasonPrimary))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		checkNotRecorded(t, s, 5000-unknownHeld)
		if n := len(s.kept()); n != unknownHeld+2 {
			t.Errorf("%d events, want those of %d unknown logins, ann's and the count", n, unknownHeld)
		}
		e := signIn("", ReasonUnknownAccount)
		e.Unknown = "hash of the next minute"
		j.Record(e)
		time.Sleep(time.Second)
		if n := len(s.kept()); n != unknownHeld+3 {
			t.Error("the next minute has no room of its own")
		}
	})
}

func TestOfSeveralUsesTheLastIsWrittenWithin30Seconds(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		began := time.Now()
		for range 29 {
			j.Used(Use{Credential: "c1", At: time.Now(), From: "192.0.2.1"})
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if at := s.uses["c1"].At.Sub(began); at < 15*time.Second {
			t.Errorf("the kept use is %v after the first", at)
		}
		j.Used(Use{Credential: "c1", At: began.Add(-time.Hour)})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if at := s.uses["c1"].At.Sub(began); at != 28*time.Second {
			t.Errorf("the last use is %v after the first, want 28s", at)
		}
	})
}

// TestFlushWritesWhatCameDuringAnotherWrite, also where that is a repeat of
// what is being written.
func TestFlushWritesWhatCameDuringAnotherWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		s.took = 5 * time.Second
		j.Record(signIn("ann", ReasonPrimary))
		time.Sleep(time.Second) // the write is under way
		j.Record(signIn("ann", ReasonPrimary))
		j.Record(signIn("bob", ReasonPrimary))
		if err := j.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := s.total(); n != 3 {
			t.Errorf("%d kept, want 3", n)
		}
	})
}

func TestEventsAreWrittenInOrderOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(batches)
		j := NewJournal(s, slog.New(slog.DiscardHandler))
		for i := range 200 {
			j.Record(signIn(fmt.Sprint("account", i), ReasonPrimary))
			time.Sleep(time.Millisecond)
		}
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(s.events) != 200 || !slices.IsSortedFunc(s.events, func(a, b directory.Event) int { return strings.Compare(a.ID, b.ID) }) {
			t.Errorf("%d events, their IDs not in order", len(s.events))
		}
	})
}

func TestManyMayRecordAtOnce(t *testing.T) {
	s := newShelf()
	j := NewJournal(s, slog.New(slog.DiscardHandler))
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				j.Record(signIn(fmt.Sprint("account", i%(g+1)), ReasonPrimary))
				j.Used(Use{Credential: fmt.Sprint("c", i%7), At: time.Now()})
			}
			if err := j.Flush(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := s.total(); n != 4000 {
		t.Errorf("%d sign-ins are accounted for, want 4000", n)
	}
}
