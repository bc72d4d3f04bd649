package secret

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

// firstRun is the time until the first run of a Hasher has ended, in which Ahead
// knows nothing. The nil firstRun is never waited for.
type firstRun struct {
	began time.Time
	once  sync.Once
	ended chan struct{}
	// within is what a run that was asked for before the first one ended takes at
	// most, about. It is written before ended is closed.
	within time.Duration
}

// Rehearse runs Argon2id once in the background, over nothing and for nobody, so
// that Ahead knows soon what a run takes. It is called once, before others use h,
// and does nothing where a run has ended already. Runs does not count it.
func (h *Hasher) Rehearse() {
	if h.invalid == nil && h.typical.Load() == 0 {
		h.rehearse(func() { h.dummy.of("") })
	}
}

// rehearse takes the first turn before it returns: who asks for a run after that
// waits behind it.
func (h *Hasher) rehearse(work func()) {
	h.first = &firstRun{began: time.Now(), ended: make(chan struct{})}
	h.places <- struct{}{}
	h.cores <- struct{}{}
	go func() {
		defer func() { <-h.cores; <-h.places }()
		h.timed(work)
		debug.FreeOSMemory() // it may be the only run in days
	}()
}

// AtFirst is for who asked Ahead when it did not know. It waits until the first
// run has ended, which Rehearse began, or ctx has, and returns about what a run
// took at most that was asked for until then. That is one figure for all of them,
// whoever was first. It is 0, without waiting, where nobody rehearsed, and where
// ctx ended.
func (h *Hasher) AtFirst(ctx context.Context) time.Duration {
	if h.first == nil {
		return 0
	}
	select {
	case <-h.first.ended:
		return h.first.within
	case <-ctx.Done():
		return 0
	}
}

// ends notes the end of a run of h. All that were asked for before the end of the
// first stand in the queue then, or are through.
func (f *firstRun) ends(h *Hasher) {
	if f == nil {
		return
	}
	f.once.Do(func() {
		f.within = time.Since(f.began) + h.Ahead()
		close(f.ended)
	})
}
