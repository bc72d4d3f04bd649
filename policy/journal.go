package policy

import (
	"context"
	"crypto/rand"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"postern/directory"
)

// Sink keeps what a Journal hands it. Both calls are one transaction each and
// may be repeated with the same content after an error.
type Sink interface {
	// AppendEvents keeps events. One whose ID is kept already takes the Count
	// and LastAt given now.
	AppendEvents(ctx context.Context, events []directory.Event) error
	// TouchAppPasswords notes last uses; an older one than is kept changes nothing.
	TouchAppPasswords(ctx context.Context, uses []Use) error
}

const (
	firstWithin   = 250 * time.Millisecond // the first of a kind is written after this
	usesWithin    = 20 * time.Second       // uses are written after this
	foldWithin    = time.Minute            // repeats are folded by this
	retryAtLeast  = 250 * time.Millisecond // pause after a failed write; doubles
	retryAtMost   = 15 * time.Second
	writeWithin   = 10 * time.Second // bounds one write
	eventsAtOnce  = 8192             // in one transaction: some pages of the indexes are written for each,
	usesAtOnce    = 16384            // so larger ones cost less, and keep other writers waiting longer
	eventsHeld    = 65536            // different events in memory; serve's end waits for them
	unknownHeld   = 256              // of them in one minute, of unknown logins
	usesHeld      = 65536            // credentials in memory
	usesMany      = usesHeld / 2     // credentials that are written before their time
	notRecordedBy = "more different sign-ins than are kept, or the database cannot be written"
)

// Journal takes events and uses and writes them in batches: the first event
// of a kind within a quarter of a second, its repeats folded into it by the
// minute, last uses within 30 seconds. Nobody who records waits for the disk.
//
// What it holds is bounded. Events of names that nobody has are bounded more
// tightly: strangers make them. Beyond the bounds, and so in the end with a
// database that cannot be written, events are only counted, in one event of
// kind not_recorded, and the log says so.
//
// It is a Recorder and may be used concurrently.
type Journal struct {
	sink Sink
	log  *slog.Logger
	wake chan struct{} // something is due earlier than the loop knows
	stop chan struct{}
	done chan struct{}
	seed maphash.Seed // of the keys of held

	writing sync.Mutex // held by the one who writes; taken before mu

	mu      sync.Mutex        // covers what follows
	held    map[uint64]*entry // by entry.key
	latest  map[string]*entry // of held, the last one added of each credential
	queue   []*entry          // what the next write takes
	lost    *entry            // counts what was not recorded; nil: nothing
	full    bool              // held was full and little in it could go; until the next write
	unknown minuteCount
	uses    map[string]*Use
	// When the loop has to act; zero: not at all.
	eventsDue, usesDue, sweepDue time.Time
	closed                       bool
}

// entry is an event on its way: what is to be written, and how much of it was.
type entry struct {
	ev      directory.Event
	key     uint64 // in Journal.held
	minute  int64  // of ev.At
	written int64  // of ev.Count
	queued  bool
}

// minuteCount counts within one minute.
type minuteCount struct {
	minute int64
	n      int
}

// NewJournal returns a Journal that writes to sink until Close.
func NewJournal(sink Sink, log *slog.Logger) *Journal {
	j := &Journal{
		sink: sink, log: log,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		held: map[uint64]*entry{}, seed: maphash.MakeSeed(), latest: map[string]*entry{}, uses: map[string]*Use{},
	}
	go j.loop()
	return j
}

// Record takes ev. Its ID is given here; repeats within a minute that differ
// in nothing but their time become one event.
func (j *Journal) Record(ev directory.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e := j.latest[ev.Credential]; e != nil && e.isOf(&ev) {
		e.fold(ev)
		return
	}
	key, e := j.find(&ev)
	if e != nil {
		e.fold(ev)
		return
	}
	if !j.room(ev) {
		j.lose(ev)
		return
	}
	e = newEntry(ev)
	e.key, j.held[key] = key, e
	if ev.Credential != "" {
		j.latest[ev.Credential] = e
	}
	j.enqueue(e)
}

// find returns the entry that ev is a repeat of, or nil and a key that is free.
// A key is a hash of what repeats share, or where that is another's the next
// number: thousands of keys that were the events themselves would be megabytes
// for the collector to go through. Should one be missed because a number
// before it was freed, ev becomes an event of its own and nothing is lost.
func (j *Journal) find(ev *directory.Event) (key uint64, e *entry) {
	for key = maphash.Comparable(j.seed, foldKey(*ev)); ; key++ {
		if e = j.held[key]; e == nil || e.isOf(ev) {
			return key, e
		}
	}
}

// forget lets go of e. The caller holds mu.
func (j *Journal) forget(e *entry) {
	delete(j.held, e.key)
	if j.latest[e.ev.Credential] == e {
		delete(j.latest, e.ev.Credential)
	}
}

// forgetClean lets go of what is written and which selects. The caller holds mu.
func (j *Journal) forgetClean(which func(*entry) bool) {
	for _, e := range j.held {
		if e.clean() && which(e) {
			j.forget(e)
		}
	}
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

func newEntry(ev directory.Event) *entry {
	id, err := directory.NewTimedID(ev.At, rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	ev.ID, ev.Count = id, max(1, ev.Count)
	if ev.LastAt.Before(ev.At) {
		ev.LastAt = ev.At
	}
	return &entry{ev: ev, minute: minuteOf(ev.At)}
}

func (e *entry) fold(ev directory.Event) {
	e.ev.Count += max(1, ev.Count)
	if ev.At.After(e.ev.LastAt) {
		e.ev.LastAt = ev.At
	}
}

// over says that no repeat can be folded into e any more.
func (e *entry) over(now time.Time) bool {
	return !now.Before(e.ev.At.Truncate(foldWithin).Add(foldWithin))
}

func (e *entry) clean() bool { return e.written == e.ev.Count && !e.queued }

// room says whether one more event fits. The caller holds mu.
func (j *Journal) room(ev directory.Event) bool {
	if j.closed {
		return false
	}
	if ev.Unknown != "" {
		if minute := minuteOf(ev.At); j.unknown.minute != minute {
			j.unknown = minuteCount{minute: minute}
		}
		if j.unknown.n >= unknownHeld {
			return false
		}
		j.unknown.n++
	}
	if len(j.held) >= eventsHeld && !j.full {
		j.forgetClean(func(*entry) bool { return true })
		j.full = len(j.held) > eventsHeld*7/8 // looking again would find little
	}
	return len(j.held) < eventsHeld
}

// lose counts ev as not recorded. The caller holds mu.
func (j *Journal) lose(ev directory.Event) {
	if j.lost != nil {
		j.lost.fold(ev)
		return
	}
	j.lost = newEntry(directory.Event{Kind: directory.EventNotRecorded, At: ev.At, LastAt: ev.At, Count: max(1, ev.Count), Detail: notRecordedBy})
	j.log.Error("Sign-ins are not recorded one by one any more; they go on and are counted.", "why", notRecordedBy)
	j.enqueue(j.lost)
}

// enqueue puts e into the next write. The caller holds mu.
func (j *Journal) enqueue(e *entry) {
	if e.queued {
		return
	}
	e.queued = true
	j.queue = append(j.queue, e)
	now := time.Now()
	j.due(&j.eventsDue, now.Add(firstWithin))
	j.due(&j.sweepDue, now.Truncate(foldWithin).Add(foldWithin))
}

// due sets when, where nothing is due yet, and tells the loop. The caller
// holds mu.
func (j *Journal) due(when *time.Time, at time.Time) {
	if !when.IsZero() {
		return
	}
	*when = at
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Used notes that a credential was accepted. Of several uses the last counts.
func (j *Journal) Used(u Use) {
	j.mu.Lock()
	defer j.mu.Unlock()
	old := j.uses[u.Credential]
	switch {
	case old != nil:
		if !u.At.Before(old.At) {
			*old = u
		}
		return
	case len(j.uses) >= usesHeld:
		j.lose(directory.Event{At: u.At})
		return
	}
	first := u
	j.uses[u.Credential] = &first
	if j.usesDue.IsZero() {
		j.due(&j.usesDue, time.Now().Add(usesWithin))
	}
	if len(j.uses) == usesMany {
		j.usesDue = time.Time{}
		j.due(&j.usesDue, time.Now())
	}
}
