package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/directory"
)

// loop writes what is due until stop.
func (j *Journal) loop() {
	defer close(j.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var pause time.Duration // after a failed write
	var notBefore time.Time
	for {
		timer.Reset(j.untilDue(notBefore))
		select {
		case <-j.stop:
			return
		case <-j.wake:
			continue
		case <-timer.C:
		}
		if err := j.writeDue(); err != nil {
			pause = min(retryAtMost, max(retryAtLeast, 2*pause))
			notBefore = time.Now().Add(pause)
			j.log.Error("Events cannot be written; sign-ins go on, and what fits in memory waits for the next try.", "next_try", pause, "error", err)
			continue
		}
		pause = 0
	}
}

// untilDue is how long the loop may sleep: until the next thing is due, and
// not before notBefore.
func (j *Journal) untilDue(notBefore time.Time) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	wait := time.Hour
	for _, at := range []time.Time{j.eventsDue, j.usesDue, j.sweepDue} {
		if !at.IsZero() {
			wait = min(wait, time.Until(at))
		}
	}
	return max(wait, time.Until(notBefore))
}

// writeDue writes what is due now.
func (j *Journal) writeDue() error {
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	now := time.Now()
	j.mu.Lock()
	events, uses, sweep := isDue(j.eventsDue, now), isDue(j.usesDue, now), isDue(j.sweepDue, now)
	if sweep {
		j.sweep(now)
	}
	j.mu.Unlock()
	return j.write(ctx, events || sweep, uses)
}

func isDue(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

// sweep ends the minutes that are over: it lets go of what is written and puts
// the repeats that were folded meanwhile into the next write. The caller holds
// mu.
func (j *Journal) sweep(now time.Time) {
	j.forgetClean(func(e *entry) bool { return e.over(now) })
	j.sweepDue = time.Time{}
	j.enqueueRepeats(func(e *entry) bool { return e.over(now) })
	if len(j.held) > 0 || j.lost != nil {
		j.due(&j.sweepDue, now.Truncate(foldWithin).Add(foldWithin))
	}
}

// enqueueRepeats puts what which selects into the next write where something
// of it is not written. The caller holds mu.
func (j *Journal) enqueueRepeats(which func(*entry) bool) {
	for _, e := range j.held {
		if which(e) && !e.clean() {
			j.enqueue(e)
		}
	}
	if j.lost != nil && which(j.lost) && !j.lost.clean() {
		j.enqueue(j.lost)
	}
}

// write hands the queue and the uses to the sink. What the sink does not take
// stays for the next try.
func (j *Journal) write(ctx context.Context, events, uses bool) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	var failed, alsoFailed error
	if events {
		failed = j.writeQueue(ctx)
	}
	if uses {
		alsoFailed = j.writeUses(ctx)
	}
	return errors.Join(failed, alsoFailed)
}

// writeQueue writes what is in the queue now. What comes meanwhile has its
// own time.
func (j *Journal) writeQueue(ctx context.Context) error {
	j.mu.Lock()
	left := len(j.queue)
	j.eventsDue = time.Time{}
	j.mu.Unlock()
	for left > 0 {
		entries, events := j.take(min(left, eventsAtOnce))
		if err := j.sink.AppendEvents(ctx, events); err != nil {
			j.putBack(entries)
			return fmt.Errorf("writing %d events: %w", len(events), err)
		}
		j.settle(entries, events)
		left -= len(entries)
	}
	return nil
}

// take removes n entries from the queue, with the counts of this moment.
func (j *Journal) take(n int) ([]*entry, []directory.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entries := slices.Clone(j.queue[:n])
	j.queue = slices.Delete(j.queue, 0, n)
	events := make([]directory.Event, n)
	for i, e := range entries {
		events[i] = e.ev
	}
	return entries, events
}

// putBack returns entries that were not written to the head of the queue.
func (j *Journal) putBack(entries []*entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.queue = slices.Insert(j.queue, 0, entries...)
	j.eventsDue = time.Now()
}

// settle notes what of entries is written.
func (j *Journal) settle(entries []*entry, events []directory.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	j.full = false
	for i, e := range entries {
		e.queued, e.written = false, events[i].Count
		if !e.over(now) {
			continue
		}
		switch {
		case !e.clean():
			j.enqueue(e)
		case e == j.lost:
			j.log.Warn("Sign-ins were not recorded one by one.", "count", e.ev.Count, "since", e.ev.At)
			j.lost = nil
		default:
			j.forget(e)
		}
	}
}

func (j *Journal) writeUses(ctx context.Context) error {
	j.mu.Lock()
	uses := make([]Use, 0, len(j.uses))
	for _, u := range j.uses {
		uses = append(uses, *u)
	}
	clear(j.uses)
	j.usesDue = time.Time{}
	j.mu.Unlock()
	for len(uses) > 0 {
		n := min(len(uses), usesAtOnce)
		if err := j.sink.TouchAppPasswords(ctx, uses[:n]); err != nil {
			for _, u := range uses {
				j.Used(u) // unless it was used again meanwhile
			}
			return fmt.Errorf("writing %d last uses: %w", n, err)
		}
		uses = uses[n:]
	}
	return nil
}

// Flush writes everything that was recorded before it was called, repeats
// included.
func (j *Journal) Flush(ctx context.Context) error {
	j.mu.Lock()
	j.enqueueRepeats(func(*entry) bool { return true })
	j.mu.Unlock()
	return j.write(ctx, true, true)
}

// Close ends the Journal after everything is written. It tries until ctx is
// done; then the error says that events are lost, and the log how many. What
// is recorded after Close is lost.
func (j *Journal) Close(ctx context.Context) error {
	if !j.end() {
		return nil
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

// end stops the loop, and reports whether it was running.
func (j *Journal) end() bool {
	j.mu.Lock()
	first := !j.closed
	j.closed = true
	j.mu.Unlock()
	if first {
		close(j.stop)
		<-j.done
	}
	return first
}

func (j *Journal) giveUp(err error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.log.Error("Events are lost: they could not be written before the end.", "events", len(j.queue), "error", err)
	return fmt.Errorf("ending the journal: %w", err)
}
