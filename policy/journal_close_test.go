package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCloseWritesEverything(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		for range 3 {
			j.Record(signIn("ann", ReasonPrimary))
			time.Sleep(300 * time.Millisecond) // the first is written, the rest folded
		}
		j.Record(signIn("bob", ReasonPrimary))
		j.Used(Use{Credential: "c1", At: time.Now()})
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s.total() != 4 || len(s.kept()) != 2 || len(s.uses) != 1 {
			t.Errorf("kept %+v and uses %+v", s.kept(), s.uses)
		}
		if err := j.Close(context.Background()); err != nil {
			t.Errorf("closing twice: %v", err)
		}
	})
}

func TestCloseTriesAgainUntilItsTimeIsUp(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, log *bytes.Buffer) {
		s.fail(errors.New("disk full"))
		j.Record(signIn("ann", ReasonPrimary))
		time.AfterFunc(3*time.Second, func() { s.fail(nil) })
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := j.Close(ctx); err != nil || s.total() != 1 {
			t.Errorf("error %v, %d kept", err, s.total())
		}
	})
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, log *bytes.Buffer) {
		s.fail(errors.New("disk full"))
		j.Record(signIn("ann", ReasonPrimary))
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := j.Close(ctx); err == nil || !strings.Contains(log.String(), "Events are lost") {
			t.Errorf("error %v, log:\n%s", err, log)
		}
	})
}

func TestCloseSaysHowMuchIsLost(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, log *bytes.Buffer) {
		j.Record(signIn("ann", ReasonPrimary))
		time.Sleep(time.Second) // it is written
		s.fail(errors.New("disk full"))
		for _, who := range []string{"ann", "bob", "bob", "bob", "eve"} {
			j.Record(signIn(who, ReasonPrimary))
		}
		useMany(j, 0, 5, time.Now())
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := j.Close(ctx); err == nil || !strings.Contains(log.String(), "events=2 repeats=3 uses=5") {
			t.Errorf("error %v, log:\n%s", err, log)
		}
	})
}

// TestCloseKeepsToItsTimeDuringALongWrite, and whoever closes as well waits as
// long as the first.
func TestCloseKeepsToItsTimeDuringALongWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, log *bytes.Buffer) {
		s.took = time.Minute
		j.Record(signIn("ann", ReasonPrimary))
		time.Sleep(time.Second) // the write is under way
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		began := time.Now()
		var second error
		var all sync.WaitGroup
		all.Go(func() {
			time.Sleep(time.Second)
			second = j.Close(context.Background())
		})
		first := j.Close(ctx)
		all.Wait()
		if took := time.Since(began); first == nil || second == nil || took != 5*time.Second {
			t.Errorf("errors %v and %v after %v, want two after five seconds", first, second, took)
		}
		if !strings.Contains(log.String(), "events=1 repeats=0 uses=0") {
			t.Errorf("log:\n%s", log)
		}
		<-j.done // the bubble ends with its goroutines
	})
}

// TestFlushMissesNoRepeatThatMakesWay lets an event that was repeated since it
// was written be looked at for its place while Flush goes through its shard.
func TestFlushMissesNoRepeatThatMakesWay(t *testing.T) {
	told := newShelf()
	j := NewJournal(told, slog.New(slog.DiscardHandler))
	for i := range 10 {
		ev := signIn(fmt.Sprint("account", i), ReasonPrimary)
		j.Record(ev)
		if err := j.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		j.Record(ev)
		s := &j.shards[j.about(&ev)%spread]
		if err := flushBeside(j, s); err != nil {
			t.Fatal(err)
		}
		if n := told.total(); n != int64(2*i+2) {
			t.Fatalf("%d sign-ins are written of %d", n, 2*i+2)
		}
	}
	if err := j.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// flushBeside flushes j while another evicts from s. Both wait for the lock of
// s so long that it goes from one to the other in turns; where it does not, the
// test proves less and does not fail.
func flushBeside(j *Journal, s *shard) (err error) {
	var both sync.WaitGroup
	s.mu.Lock()
	both.Go(func() { err = j.Flush(context.Background()) })
	time.Sleep(3 * time.Millisecond)
	both.Go(func() { s.evict() })
	time.Sleep(3 * time.Millisecond)
	s.mu.Unlock()
	s.mu.Lock() // before the one who was woken; after that the lock is handed over
	time.Sleep(3 * time.Millisecond)
	s.mu.Unlock()
	both.Wait()
	return err
}

func TestAClosedJournalForgetsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, _ *shelf, _ *bytes.Buffer) {
		ev := signIn("ann", ReasonPrimary)
		j.Record(ev)
		if err := j.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if j.shards[j.about(&ev)%spread].evict() {
			t.Error("it made way for what is not taken")
		}
	})
}
