package secret

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestBeforeTheFirstRunEndsOneFigureHoldsForAll: whoever asked then, for a run or
// for none, hears the same, and no run that was asked for then took longer.
func TestBeforeTheFirstRunEndsOneFigureHoldsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hash = 400 * time.Millisecond
		work := func() { time.Sleep(hash) }
		h := NewHasher(cheap, 1, 8)
		h.rehearse(work)
		took, heard := make(chan time.Duration, 10), make(chan time.Duration, 10)
		began := time.Now()
		for range 5 {
			if got := h.Ahead(); got != 0 {
				t.Fatalf("while nothing is known it is %v", got)
			}
			asked := time.Now()
			go func() {
				if err := h.run(t.Context(), work); err != nil {
					t.Error(err)
				}
				took <- time.Since(asked)
			}()
			go func() {
				heard <- h.AtFirst(t.Context())
				if waited := time.Since(began); waited != hash {
					t.Errorf("it was heard after %v, and the first run ended after %v", waited, hash)
				}
			}()
			time.Sleep(hash / 8) // the bubble's clock
		}
		one := <-heard
		for range 4 {
			if other := <-heard; other != one {
				t.Errorf("one hears %v, another %v", one, other)
			}
		}
		for range 5 {
			if got := <-took; got > one {
				t.Errorf("a run took %v, and %v was said to be the most", got, one)
			}
		}
		if h.Runs() != 5 || h.Waiting() != 0 {
			t.Errorf("%d runs are counted, and 5 were asked for; %d wait", h.Runs(), h.Waiting())
		}
		if got := h.Ahead(); got != hash {
			t.Errorf("it is %v when all are through, want %v", got, hash)
		}
	})
}

// TestWhoHasGoneDoesNotWaitForTheFirstRun, and nobody does where none was begun.
func TestWhoHasGoneDoesNotWaitForTheFirstRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(cheap, 1, 8)
		if got := h.AtFirst(t.Context()); got != 0 {
			t.Errorf("nobody rehearsed, and it is %v", got)
		}
		h.rehearse(func() { time.Sleep(time.Hour) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := h.AtFirst(ctx); got != 0 {
			t.Errorf("the run goes on, and it is %v", got)
		}
		time.Sleep(2 * time.Hour) // the bubble's clock: to the end of the run
	})
}

func TestARehearsalIsARunThatIsNotCounted(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	h.Rehearse()
	if h.AtFirst(t.Context()) <= 0 || h.Ahead() <= 0 || h.Runs() != 0 {
		t.Errorf("a run takes %v, the first took %v, and %d are counted", h.Ahead(), h.AtFirst(t.Context()), h.Runs())
	}
	known := NewHasher(cheap, 1, 0)
	known.took(time.Millisecond)
	known.Rehearse()
	impossible := NewHasher(Argon2{}, 1, 0)
	impossible.Rehearse()
	if known.first != nil || impossible.first != nil {
		t.Error("it is rehearsed where a run has ended, or none can")
	}
}
