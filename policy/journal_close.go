package policy

import (
	"context"
	"fmt"
	"time"
)

// Close ends the Journal after everything is written. It tries until ctx is
// done; then the error says that something is lost, and the log how much. What
// is recorded after Close is lost. Who closes it again waits for the first, and
// is told the same.
func (j *Journal) Close(ctx context.Context) error {
	if !j.shut() {
		return j.awaitClose(ctx)
	}
	defer close(j.over)
	j.lastErr = j.end(ctx)
	return j.lastErr
}

func (j *Journal) awaitClose(ctx context.Context) error {
	select {
	case <-j.over:
		return j.lastErr
	case <-ctx.Done():
		return fmt.Errorf("waiting for the journal to end: %w", ctx.Err())
	}
}

// shut lets the shards take no more events, and reports whether they did
// before.
func (j *Journal) shut() bool {
	for i := range j.shards {
		if !j.shards[i].close() {
			return false
		}
	}
	return true
}

// end stops the loop and writes what is left.
func (j *Journal) end(ctx context.Context) error {
	close(j.stop)
	select {
	case <-j.done:
	case <-ctx.Done(): // it is in a write
	}
	for {
		err := j.Flush(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return j.giveUp(err)
		case <-time.After(retryAtLeast):
		}
	}
}

// close lets s take no more events, and reports whether it did before.
func (s *shard) close() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.closed
	s.closed = true
	return !was
}

// giveUp tells what is not written. It does not wait for a write that may be
// under way still: what that one has in hand counts as lost.
func (j *Journal) giveUp(err error) error {
	var events, repeats int64
	for i := range j.shards {
		e, r := j.shards[i].unwritten()
		events, repeats = events+e, repeats+r
	}
	e, r := j.unwrittenLost()
	events, repeats = events+e, repeats+r
	j.log.Error("Events are lost: they could not be written before the end.",
		"events", events, "repeats", repeats, "uses", j.used.n.Load(), "error", err)
	return fmt.Errorf("ending the journal: %w", err)
}

// unwritten counts the events of s that are not written, and the repeats of
// these and others.
func (s *shard) unwritten() (events, repeats int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.held {
		n, r := e.unwritten()
		events, repeats = events+n, repeats+r
	}
	return events, repeats
}

// unwrittenLost is unwritten for what counts the events that were not recorded.
func (j *Journal) unwrittenLost() (events, repeats int64) {
	s := &j.shards[spread]
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.lost == nil {
		return 0, 0
	}
	return j.lost.unwritten()
}
