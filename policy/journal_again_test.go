package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
)

// drop deletes the events that which says.
func (s *shelf) drop(which func(directory.Event) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.events {
		if which(e) {
			delete(s.events, id)
		}
	}
}

func anyOfThem(directory.Event) bool { return true }

func ofAccount(account string) func(directory.Event) bool {
	return func(e directory.Event) bool { return e.AccountID == account }
}

// TestRepeatsOfAnEventDeletedMeanwhileAreNotLost: they are counted, once, and
// the next is an event of its own.
func TestRepeatsOfAnEventDeletedMeanwhileAreNotLost(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		for _, account := range []string{"ann", "bob"} {
			j.Record(signIn(account, ReasonPrimary))
		}
		time.Sleep(time.Second) // both are written
		s.drop(ofAccount("ann"))
		for range 3 {
			j.Record(signIn("ann", ReasonPrimary))
			j.Record(signIn("bob", ReasonPrimary))
		}
		if err := j.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		checkNotRecorded(t, s, 3)
		if n := s.total(); n != 7 {
			t.Errorf("%d are accounted for, want bob's four and three", n)
		}
		j.Record(signIn("ann", ReasonPrimary))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		checkNotRecorded(t, s, 3)
		if n := s.total(); n != 8 {
			t.Errorf("%d are accounted for, want eight", n)
		}
		checkNothingHeld(t, j)
	})
}

// TestWhatIsNotRecordedOutlivesItsOwnDeletion: the event that counts them is
// deleted like any other.
func TestWhatIsNotRecordedOutlivesItsOwnDeletion(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, log *bytes.Buffer) {
		j.held.most = 0
		j.Record(signIn("ann", ReasonPrimary))
		time.Sleep(time.Second)
		checkNotRecorded(t, s, 1)
		s.drop(anyOfThem)
		for range 2 {
			j.Record(signIn("ann", ReasonPrimary))
		}
		if err := j.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		checkNotRecorded(t, s, 2)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if !strings.Contains(log.String(), "count=2") || j.losing() {
			t.Errorf("log:\n%s", log)
		}
	})
}

// TestCloseCountsTheRepeatsOfWhatWasDeleted, although it is counted where
// something is counted and written already.
func TestCloseCountsTheRepeatsOfWhatWasDeleted(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		j.held.most = 1
		j.Record(signIn("ann", ReasonPrimary))
		j.Record(signIn("bob", ReasonPrimary)) // not recorded
		time.Sleep(time.Second)
		s.drop(ofAccount("ann"))
		j.Record(signIn("ann", ReasonPrimary))
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		checkNotRecorded(t, s, 2)
	})
}

// TestAFailedRecountIsTriedAgainWithWhatCameMeanwhile, also where it was done
// and only seemed to fail.
func TestAFailedRecountIsTriedAgainWithWhatCameMeanwhile(t *testing.T) {
	for _, done := range []bool{false, true} {
		inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
			j.sink = &faint{shelf: s, done: done, fails: 3}
			for _, account := range []string{"ann", "bob"} {
				j.Record(signIn(account, ReasonPrimary))
			}
			time.Sleep(time.Second)
			s.drop(ofAccount("bob"))
			for range 58 {
				j.Record(signIn("ann", ReasonPrimary))
				j.Record(signIn("bob", ReasonPrimary))
				if err := j.Flush(context.Background()); err != nil && !errors.Is(err, errFaint) {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			if n := s.total(); n != 2*58+1 {
				t.Errorf("%d are accounted for, want %d", n, 2*58+1)
			}
			checkNothingHeld(t, j)
		})
	}
}

// forgetful is a moody shelf from which events are deleted at random.
type forgetful struct {
	moody
	deleted int64 // how many sign-ins they stood for
}

func (f *forgetful) RecountEvents(ctx context.Context, counts []Recount) ([]int, error) {
	f.drop(func(e directory.Event) bool {
		gone := rand.IntN(20) == 0
		if gone {
			f.deleted += e.Count
		}
		return gone
	})
	return f.moody.RecountEvents(ctx, counts)
}

// TestManyAtOnceLoseNothingButWhatIsDeleted is TestManyAtOnceLoseNothing while
// events are deleted before they are counted further.
func TestManyAtOnceLoseNothingButWhatIsDeleted(t *testing.T) {
	for _, room := range []int64{eventsHeld, 60} {
		synctest.Test(t, func(t *testing.T) {
			s := &forgetful{moody: moody{newShelf()}}
			told, _ := tellManyAtOnce(t, s, room)
			if n := s.total() + s.deleted; s.deleted == 0 || n != told.total {
				t.Errorf("%d are accounted for of %d, %d of them deleted", n, told.total, s.deleted)
			}
		})
	}
}

// faint is a shelf whose first recounts fail, done or not.
type faint struct {
	*shelf
	done  bool
	fails int
}

var errFaint = errors.New("no answer")

func (f *faint) RecountEvents(ctx context.Context, counts []Recount) ([]int, error) {
	if f.fails == 0 {
		return f.shelf.RecountEvents(ctx, counts)
	}
	f.fails--
	if f.done {
		_, _ = f.shelf.RecountEvents(ctx, counts)
	}
	return nil, errFaint
}

// TestEventsThatAreWrittenLeaveRoomForFreshOnes: of those that are held few may
// be unwritten, so many more may be that are written, and are repeated still.
func TestEventsThatAreWrittenLeaveRoomForFreshOnes(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		j.held.most, j.fresh.most = 40, 10
		account := func(i int) string { return fmt.Sprint("account", i) }
		for i := range 40 {
			j.Record(signIn(account(i), ReasonPrimary))
			if i%10 == 9 {
				time.Sleep(time.Second)
			}
		}
		for i := range 40 {
			j.Record(signIn(account(i), ReasonPrimary))
		}
		if n := j.held.n.Load(); n != 40 {
			t.Errorf("%d are held, want 40", n)
		}
		j.Record(signIn("one more", ReasonPrimary)) // all others have been repeated: none makes way
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		checkNotRecorded(t, s, 1)
		if n := len(s.kept()); n != 41 || s.total() != 81 {
			t.Errorf("%d events stand for %d, want 41 for 81", n, s.total())
		}
		checkNothingHeld(t, j)
	})
}

// TestWhatIsNotWrittenIsBoundedByItself, whatever else is held.
func TestWhatIsNotWrittenIsBoundedByItself(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		j.fresh.most = 10
		s.fail(errors.New("disk full"))
		for i := range 15 {
			j.Record(signIn(fmt.Sprint("account", i), ReasonPrimary))
		}
		if held, fresh := j.held.n.Load(), j.fresh.n.Load(); held != 10 || fresh != 10 {
			t.Errorf("%d are held and %d fresh, want 10", held, fresh)
		}
		s.fail(nil)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		checkNotRecorded(t, s, 5)
		checkNothingHeld(t, j)
	})
}

// TestWhatComesAfterCloseTakesNoPlace: it is lost, and holds nothing.
func TestWhatComesAfterCloseTakesNoPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, _ *shelf, _ *bytes.Buffer) {
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		j.Record(signIn("ann", ReasonPrimary))
		if held, fresh := j.held.n.Load(), j.fresh.n.Load(); held != 0 || fresh != 0 {
			t.Errorf("%d are held and %d fresh", held, fresh)
		}
	})
}
