package policy

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"postern/directory"
)

// writeEvents writes what is queued now. What comes meanwhile has its own time,
// and what the sink does not take stays for the next try. It reports whether
// repeats of events that are kept no more were counted elsewhere meanwhile. The
// caller holds writing.
func (j *Journal) writeEvents(ctx context.Context) (gone bool, err error) {
	j.eventsDue.at.Store(0)
	j.collect()
	if err = j.writeFresh(ctx); err == nil {
		gone, err = j.writeAgain(ctx)
	}
	if err != nil {
		j.dueNow(&j.eventsDue)
	}
	return gone, err
}

// collect takes what the shards have queued, in order of time: their IDs sort
// by it, and rows that come in order cost an index a fraction of what others do.
func (j *Journal) collect() {
	var spare []queued
	for i := range j.shards {
		queue := j.shards[i].takeQueue(spare[:0])
		for _, q := range queue {
			if q.packed != "" {
				j.pending = append(j.pending, q)
			} else {
				j.again = append(j.again, q)
			}
		}
		clear(queue)
		spare = queue
	}
	for _, list := range [][]queued{j.pending, j.again} {
		slices.SortStableFunc(list, func(a, b queued) int { return cmp.Compare(a.e.at, b.e.at) })
	}
}

// writeFresh writes what never was written.
func (j *Journal) writeFresh(ctx context.Context) error {
	events := make([]directory.Event, min(len(j.pending), eventsAtOnce))
	for len(j.pending) > 0 {
		batch := j.pending[:min(len(j.pending), eventsAtOnce)]
		events = events[:len(batch)]
		j.copyEvents(events, batch)
		if err := j.sink.AppendEvents(ctx, events); err != nil {
			return fmt.Errorf("writing %d events: %w", len(events), err)
		}
		j.settle(batch, func(i int) int64 { return events[i].Count }, nil)
		clear(batch)
		j.pending = j.pending[len(batch):]
	}
	j.pending = nil
	return nil
}

// copyEvents sets events to those of batch with the counts of this moment, and
// gives an ID to those that have none.
func (j *Journal) copyEvents(events []directory.Event, batch []queued) {
	random := bufio.NewReader(rand.Reader) // thousands of small reads cost more
	for i, q := range batch {
		if q.e.id == (directory.UUID{}) { // nobody else reads or changes it
			q.e.id = newEventID(fromMillis(q.e.at), random)
		}
		now := j.shards[q.e.shard].copyOf(q.e)
		events[i] = now.event(q.packed)
	}
}

func newEventID(at time.Time, random *bufio.Reader) directory.UUID {
	id, err := directory.NewTimedUUID(at, random)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return id
}

// copyOf is e of this moment.
func (s *shard) copyOf(e *entry) entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *e
}

// writeAgain writes how often came what was written before.
func (j *Journal) writeAgain(ctx context.Context) (anyGone bool, err error) {
	counts := make([]Recount, min(len(j.again), eventsAtOnce))
	for len(j.again) > 0 {
		batch := j.again[:min(len(j.again), eventsAtOnce)]
		counts = counts[:len(batch)]
		for i, q := range batch {
			now := j.shards[q.e.shard].copyOf(q.e)
			counts[i] = now.recount()
		}
		gone, err := j.sink.RecountEvents(ctx, counts)
		if err != nil {
			return anyGone, fmt.Errorf("counting %d events further: %w", len(counts), err)
		}
		j.settle(batch, func(i int) int64 { return counts[i].Count }, gone)
		anyGone = anyGone || len(gone) > 0
		clear(batch)
		j.again = j.again[len(batch):]
	}
	j.again = nil
	return anyGone, nil
}

// settle notes how much of each of batch is written, but for those gone.
func (j *Journal) settle(batch []queued, written func(i int) int64, gone []int) {
	missing := make(map[int]bool, len(gone))
	for _, i := range gone {
		missing[i] = true
	}
	minute := minuteOf(time.Now())
	for i, q := range batch {
		if len(missing) > 0 && missing[i] {
			j.moveToLost(q.e)
			continue
		}
		j.settleOne(q, written(i), minute)
	}
	j.settled.Add(1) // after they are clean: who looked before may look again
}

func (j *Journal) settleOne(q queued, written, minute int64) {
	s := &j.shards[q.e.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.packed != "" && q.e.shard != spread {
		j.fresh.give(1)
	}
	q.e.queued, q.e.written = false, written
	j.file(s, q.e, minute, false)
}

// moveToLost lets go of e, whose event was deleted after it was written, and
// counts as not recorded what came since: there is nothing else left to tell of
// it. The next of its kind is an event of its own.
func (j *Journal) moveToLost(e *entry) {
	if n, last := j.letGo(e); n > 0 {
		j.lose(&directory.Event{At: fromMillis(last), Count: n})
	}
}

// letGo takes e, which is queued, out of its shard, and returns what of it is
// not written.
func (j *Journal) letGo(e *entry) (unwritten, last int64) {
	s := &j.shards[e.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.shard == spread {
		j.lost = nil
	} else {
		s.forget(e)
		j.held.give(1)
	}
	return e.count - e.written, e.last
}
