package policy

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// atATime is how many entries are looked at under a shard's lock.
const atATime = 32

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
	wait, now := time.Hour, time.Since(j.began)
	for _, d := range []*due{&j.eventsDue, &j.usesDue, &j.restDue, &j.sweepDue} {
		if at := d.at.Load(); at != 0 {
			wait = min(wait, time.Duration(at)-now)
		}
	}
	return max(wait, time.Until(notBefore))
}

func (j *Journal) isDue(d *due) bool {
	at := d.at.Load()
	return at != 0 && at <= int64(time.Since(j.began))
}

// writeDue writes what is due now: of the uses one batch, so that events are
// not late when there are many.
func (j *Journal) writeDue() error {
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	if err := j.startWriting(ctx); err != nil {
		return err
	}
	defer j.stopWriting()
	events, uses, sweep := j.isDue(&j.eventsDue), j.isDue(&j.usesDue), j.isDue(&j.sweepDue)
	if sweep {
		j.sweep()
	}
	var failed error
	if events || sweep {
		_, failed = j.writeEvents(ctx)
	}
	if len(j.inHand) == 0 && uses {
		j.takeUses()
	}
	return errors.Join(failed, j.writeUses(ctx))
}

// sweep ends the minutes that are over: it lets go of what is written and puts
// the repeats that were folded meanwhile into the next write. The caller holds
// writing.
func (j *Journal) sweep() {
	j.sweepDue.at.Store(0)
	j.review(false)
	if j.held.n.Load() > 0 || j.losing() {
		j.sweepIsDue()
	}
}

func (j *Journal) losing() bool {
	s := &j.shards[spread]
	s.mu.Lock()
	defer s.mu.Unlock()
	return j.lost != nil
}

// review files anew what is held and not queued. The caller holds writing.
func (j *Journal) review(all bool) {
	minute := minuteOf(time.Now())
	for i := range j.shards {
		s := &j.shards[i]
		// While the lock is free evict may move what is not clean from kept to
		// stirred, and nothing goes back: looked at in this order, none is missed.
		for _, list := range []*fifo{&s.kept, &s.stirred} {
			for left := s.lengthOf(list); left > 0; left -= atATime {
				j.reviewSome(s, list, min(left, atATime), minute, all)
			}
		}
	}
}

func (s *shard) lengthOf(list *fifo) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(*list)
}

// reviewSome files the first n of list, or as many as are left of them.
func (j *Journal) reviewSome(s *shard, list *fifo, n int, minute int64, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range min(n, len(*list)) {
		j.file(s, list.pop(), minute, all)
	}
}

// file puts e, which is in no list and not queued, where it belongs: what is
// not written of it waits for the end of its minute, or with all only for the
// next write. The caller holds writing and the lock of s, which is e's shard.
func (j *Journal) file(s *shard, e *entry, minute int64, all bool) {
	over := e.over(minute)
	switch {
	case !e.clean() && (over || all):
		s.enqueue(e, "")
		j.eventsAreDue()
	case !e.clean():
		s.stirred.push(e)
	case !over:
		s.kept.push(e)
	case s.number == spread:
		j.lost, j.ended = nil, e
	default:
		s.forget(e)
		j.held.give(1)
	}
}

// startWriting waits until nobody writes.
func (j *Journal) startWriting(ctx context.Context) error {
	select {
	case j.writing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for another write: %w", ctx.Err())
	}
}

// stopWriting lets others write, and says how much was not recorded where that
// is over and written.
func (j *Journal) stopWriting() {
	e := j.ended
	j.ended = nil
	<-j.writing
	if e != nil {
		j.log.Warn("Sign-ins were not recorded one by one.", "count", e.count, "since", fromMillis(e.at))
	}
}

// takeUses takes the uses from the shards; there must be none in hand. The
// caller holds writing.
func (j *Journal) takeUses() {
	j.usesDue.at.Store(0)
	j.inHand = make([]Use, 0, j.waiting.Load())
	for i := range j.shards {
		taken := j.shards[i].takeUses()
		j.waiting.Add(int64(-len(taken)))
		for k := range taken {
			j.inHand = append(j.inHand, taken[k].use())
		}
	}
}

// writeUses writes a batch of what is in hand. What the sink does not take
// stays. The caller holds writing.
func (j *Journal) writeUses(ctx context.Context) error {
	j.restDue.at.Store(0)
	if len(j.inHand) == 0 {
		return nil
	}
	batch := j.inHand[:min(len(j.inHand), usesAtOnce)]
	err := j.sink.TouchAppPasswords(ctx, batch)
	if err == nil {
		clear(batch)
		j.inHand = j.inHand[len(batch):]
		j.used.give(len(batch))
	}
	if len(j.inHand) == 0 {
		j.inHand = nil
		return nil
	}
	j.dueNow(&j.restDue)
	if err != nil {
		return fmt.Errorf("writing %d last uses: %w", len(batch), err)
	}
	return nil
}

// Flush writes everything that was recorded before it was called, repeats
// included.
func (j *Journal) Flush(ctx context.Context) error {
	if err := j.startWriting(ctx); err != nil {
		return err
	}
	defer j.stopWriting()
	return errors.Join(j.writeAllEvents(ctx), j.writeAllUses(ctx))
}

// writeAllEvents writes until nothing was to be counted anew.
func (j *Journal) writeAllEvents(ctx context.Context) error {
	for {
		j.review(true)
		if gone, err := j.writeEvents(ctx); err != nil || !gone {
			return err
		}
	}
}

// writeAllUses writes what is in hand, and then what the shards have.
func (j *Journal) writeAllUses(ctx context.Context) error {
	if err := j.writeInHand(ctx); err != nil {
		return err
	}
	j.takeUses()
	return j.writeInHand(ctx)
}

func (j *Journal) writeInHand(ctx context.Context) error {
	for len(j.inHand) > 0 {
		if err := j.writeUses(ctx); err != nil {
			return err
		}
	}
	return nil
}
