package policy

import (
	"time"

	"postern/directory"
)

// entry is an event on its way: what is to be written, and how much of it was.
// The lock of its shard covers it. Of ev only ID, Count and LastAt change.
type entry struct {
	ev      directory.Event // ID "" until it is first written; the writer gives it
	about   uint64          // in shard.latest
	key     uint64          // in shard.held
	minute  int64           // of ev.At
	written int64           // of ev.Count
	shard   uint8
	queued  bool // or in the writer's hands
}

func newEntry(ev *directory.Event) *entry {
	e := &entry{ev: *ev, minute: minuteOf(ev.At)}
	e.ev.ID, e.ev.Count = "", max(1, ev.Count)
	if ev.LastAt.Before(ev.At) {
		e.ev.LastAt = ev.At
	}
	return e
}

// foldKey is what ev shares with its repeats: all but the time, and the minute.
func foldKey(ev directory.Event) directory.Event {
	ev.ID, ev.Count, ev.LastAt = "", 0, time.Time{}
	ev.At = time.Unix(minuteOf(ev.At), 0)
	return ev
}

// minuteOf counts the spans within which repeats are folded.
func minuteOf(at time.Time) int64 { return at.Unix() / int64(foldWithin/time.Second) }

// isOf says that ev is a repeat of e: it has the same foldKey. Most of their
// strings are the same in memory, so this costs less than the key itself.
func (e *entry) isOf(ev *directory.Event) bool {
	same := *ev
	same.ID, same.At, same.LastAt, same.Count = e.ev.ID, e.ev.At, e.ev.LastAt, e.ev.Count
	return same == e.ev && minuteOf(ev.At) == e.minute
}

func (e *entry) fold(ev *directory.Event) {
	e.ev.Count += max(1, ev.Count)
	if ev.At.After(e.ev.LastAt) {
		e.ev.LastAt = ev.At
	}
}

// over says that in minute no repeat can be folded into e any more.
func (e *entry) over(minute int64) bool { return minute > e.minute }

func (e *entry) clean() bool { return e.written == e.ev.Count && !e.queued }

// unwritten says whether e itself is not written, as a number, and how many of
// its repeats are not.
func (e *entry) unwritten() (events, repeats int64) {
	if e.written == 0 {
		return 1, e.ev.Count - 1
	}
	return 0, e.ev.Count - e.written
}
