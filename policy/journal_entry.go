package policy

import (
	"time"

	"postern/directory"
)

// entry is an event on its way: what of it still changes, and how much of it is
// written. What does not change goes along until it is written for the first
// time (see queued), and no further. The lock of its shard covers it. It has no
// pointers, so that the collector need not look into hundreds of thousands.
type entry struct {
	kind    kind           // in shard.held
	id      directory.UUID // none until it is first written; the writer gives it
	at      int64          // Unix time in milliseconds, as last
	last    int64
	count   int64
	written int64 // of count
	shard   uint8
	queued  bool // or in the writer's hands
}

// queued is an entry that is to be written. The first time that takes all of the
// event, packed; later its count and its end, and packed is "".
type queued struct {
	e      *entry
	packed string
}

// newEntry returns the entry of ev and its kind. Of ev it keeps no string.
func newEntry(ev *directory.Event, k kind) *entry {
	at := ev.At.UnixMilli()
	return &entry{kind: k, at: at, last: max(at, ev.LastAt.UnixMilli()), count: max(1, ev.Count)}
}

// minuteOf counts the spans within which repeats are folded.
func minuteOf(at time.Time) int64 { return at.Unix() / int64(foldWithin/time.Second) }

// fold counts ev, a repeat, into e.
func (e *entry) fold(ev *directory.Event) {
	e.count += max(1, ev.Count)
	e.last = max(e.last, ev.At.UnixMilli())
}

// over says that in minute no repeat can be folded into e any more.
func (e *entry) over(minute int64) bool { return minute > minuteOf(time.UnixMilli(e.at)) }

func (e *entry) clean() bool { return e.written == e.count && !e.queued }

// unwritten says whether e itself is not written, as a number, and how many of
// its repeats are not.
func (e *entry) unwritten() (events, repeats int64) {
	if e.written == 0 {
		return 1, e.count - 1
	}
	return 0, e.count - e.written
}

// event is e with what was packed.
func (e *entry) event(packed string) directory.Event {
	ev := directory.Event{ID: e.id.String(), At: fromMillis(e.at), LastAt: fromMillis(e.last), Count: e.count}
	unpack(&ev, packed)
	return ev
}

func (e *entry) recount() Recount {
	return Recount{Event: e.id.String(), Count: e.count, LastAt: fromMillis(e.last)}
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
