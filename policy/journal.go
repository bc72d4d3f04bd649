package policy

import (
	"cmp"
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"postern/directory"
)

// Sink keeps what a Journal hands it. Each call is one transaction and may be
// repeated with the same content after an error. None keeps its slice.
type Sink interface {
	// AppendEvents keeps events. One whose ID is kept already takes the Count
	// and LastAt given now.
	AppendEvents(ctx context.Context, events []directory.Event) error
	// RecountEvents gives events that are kept the Count and LastAt of now. It
	// returns the places in counts of those that are kept no more.
	RecountEvents(ctx context.Context, counts []Recount) (gone []int, err error)
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
	eventsHeld    = 262144           // different events in memory, see below
	eventsFresh   = 65536            // of them not written yet; serve's end waits for them
	unknownHeld   = 256              // of them in one minute, of unknown logins
	usesHeld      = 262144           // credentials in memory, see below
	usesMany      = usesHeld / 2     // credentials that are written before their time
	spread        = 32               // shards; far more than there are processors
	notRecordedBy = "more different sign-ins than are kept, or the database cannot be written"

	// What they come to in memory. Of eventsHeld one that is written is 144 bytes,
	// one that is fresh 321 with its strings, packed, as BenchmarkHeldEvents
	// measures: 38 MB, or 49 MB with eventsFresh among them. While the repeats of all
	// are taken to be written it is up to 13 MB more, which is computed: 24 bytes for
	// each in the queue of its shard, and again in the writer's list.
	//
	// A use is some 165 bytes in the shards, with its strings, as BenchmarkHeldUses
	// measures: 43 MB. While they are taken to be written it is 80 to 90 MB, which
	// is computed: the writer's Use is 72 bytes more, the empty set that a shard has
	// in place of the taken one some 90, and the taken one stays until the collector
	// comes.
)

// Journal takes events and uses and writes them in batches: the first event
// of a kind within a quarter of a second, its repeats folded into it by the
// minute, last uses within 30 seconds. Nobody who records waits for the disk.
//
// What it holds is bounded. Events of names that nobody has are bounded more
// tightly: strangers make them. Beyond the bounds, and so in the end with a
// database that cannot be written, events are only counted, in one event of
// kind not_recorded, and the log says so. So are the repeats of an event that
// was deleted between its first write and theirs.
//
// An event that is written is held as the hash of what makes a repeat, with its
// ID and counts: decision 0042.
//
// It is a Recorder and may be used concurrently.
type Journal struct {
	sink  Sink
	log   *slog.Logger
	wake  chan struct{} // something is due earlier than the loop knows
	stop  chan struct{}
	done  chan struct{}
	over  chan struct{}   // closed when Close is through; then lastErr is what it returned
	seed  maphash.Seed    // of what chooses a shard
	seeds [2]maphash.Seed // of kinds
	began time.Time       // what is due counts from here, whatever the clock is set to

	lastErr error

	// writing is a lock: it is full while somebody writes, and covers pending,
	// inHand and ended. It is taken before the lock of a shard. Nobody holds the
	// locks of two shards.
	writing chan struct{}
	pending []queued // taken from the shards and not written, in order of time
	again   []queued // likewise, what was written before
	inHand  []Use    // likewise
	ended   *entry   // counted what was not recorded, and is yet to be told of

	// All attempts pass here, on all processors at once. They are spread by the
	// credential, so that two of them rarely want the same lock: who is stopped
	// while he holds it stops few others. The shard after these has only lost.
	shards [spread + 1]shard
	lost   *entry // counts what was not recorded; nil: nothing. Covered by the last shard's lock

	held    bounded       // events in shards, pending and again, but for lost
	fresh   bounded       // of them never written
	used    bounded       // uses in shards and inHand
	waiting atomic.Int64  // uses in shards
	settled atomic.Uint64 // writes that made something clean
	full    atomic.Uint64 // settled, when last nothing clean was held

	unknown minuteCount

	eventsDue, usesDue, restDue, sweepDue due
}

// NewJournal returns a Journal that writes to sink until Close.
func NewJournal(sink Sink, log *slog.Logger) *Journal {
	j := &Journal{
		sink: sink, log: log, began: time.Now(),
		seed: maphash.MakeSeed(), seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}), over: make(chan struct{}), writing: make(chan struct{}, 1),
		held: bounded{most: eventsHeld}, fresh: bounded{most: eventsFresh}, used: bounded{most: usesHeld},
	}
	for i := range j.shards {
		j.shards[i].init(i)
	}
	j.settled.Store(1)
	go j.loop()
	return j
}

// Record takes ev. Repeats within a minute that differ in nothing but their
// time become one event, which is given its ID when it is first written.
func (j *Journal) Record(ev directory.Event) {
	var room [packRoom]byte
	r := j.read(&ev, room[:0])
	if !j.shardOf(&r).repeat(&r) {
		j.record(&r)
	}
}

// RecordUse is Record and Used at once, for the price of one where u is of the
// credential that ev names. Then it is one sign-in, of which not_recorded counts
// at most one.
func (j *Journal) RecordUse(ev directory.Event, u Use) {
	if ev.Credential != u.Credential {
		j.Record(ev)
		j.Used(u)
		return
	}
	var room [packRoom]byte
	r := j.read(&ev, room[:0])
	repeated, noted := j.recordUse(&r, &u)
	if (repeated || j.record(&r)) && !noted {
		j.lose(&directory.Event{At: u.At})
	}
}

func (j *Journal) recordUse(r *reading, u *Use) (repeated, noted bool) {
	s := j.shardOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fold(r), j.note(s, r.about, u)
}

// reading is an event that is being recorded, and what follows from it.
type reading struct {
	ev     *directory.Event
	about  uint64 // the hash of what chooses its shard
	packed []byte
	kind   kind
}

// read returns the reading of ev, packed into room if that is enough.
func (j *Journal) read(ev *directory.Event, room []byte) reading {
	packed := pack(room, ev)
	return reading{ev: ev, about: j.about(ev), packed: packed, kind: j.kindOf(packed, minuteOf(ev.At))}
}

func (j *Journal) shardOf(r *reading) *shard { return &j.shards[r.about%spread] }

// Used notes that a credential was accepted. Of several uses the last counts.
func (j *Journal) Used(u Use) {
	about := maphash.String(j.seed, u.Credential)
	if !j.noteIn(&j.shards[about%spread], about, &u) {
		j.lose(&directory.Event{At: u.At})
	}
}

func (j *Journal) noteIn(s *shard, about uint64, u *Use) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return j.note(s, about, u)
}

// note keeps u in s, and reports whether there was room. The caller holds the
// lock of s.
func (j *Journal) note(s *shard, about uint64, u *Use) bool {
	key, old := s.uses.find(about, u.Credential)
	if old != nil {
		old.renew(u)
		return true
	}
	if !j.used.take() {
		return false
	}
	s.uses.add(key, u)
	j.due(&j.usesDue, usesWithin)
	if j.waiting.Add(1) == usesMany {
		j.dueNow(&j.usesDue)
	}
	return true
}

// about is the hash of what chooses the shard of ev: its credential, or else
// who it is about.
func (j *Journal) about(ev *directory.Event) uint64 {
	return maphash.String(j.seed, cmp.Or(ev.Credential, ev.AccountID, ev.Unknown))
}

// record takes what is no repeat, or was none just now, or counts it as not
// recorded. It reports whether it was taken.
func (j *Journal) record(r *reading) (taken bool) {
	if r.ev.Unknown != "" && !j.unknown.take(unknownHeld) || !j.room(r.about) {
		j.lose(r.ev)
		return false
	}
	switch j.shardOf(r).add(r) {
	case isAdded:
		j.eventsAreDue()
	case isRepeat: // somebody was faster
		j.giveRoom()
	case isClosed:
		j.giveRoom()
		j.lose(r.ev)
		return false
	}
	return true
}

// room makes sure of a place for one more event, if need be that of one that
// is written. The caller holds no lock.
func (j *Journal) room(about uint64) bool {
	if !j.fresh.take() {
		return false
	}
	if j.held.take() || j.evict(about) {
		return true
	}
	j.fresh.give(1)
	return false
}

func (j *Journal) giveRoom() {
	j.held.give(1)
	j.fresh.give(1)
}

// evict makes a place for another event, in the shard of those about the same
// if that holds one that is written.
func (j *Journal) evict(about uint64) bool {
	settled := j.settled.Load()
	if j.full.Load() == settled { // looking again would find nothing
		return false
	}
	for i := range uint64(spread) {
		if j.shards[(about+i)%spread].evict() {
			return true
		}
	}
	j.full.Store(settled)
	return false
}

// lose counts ev as not recorded. The caller holds no lock.
func (j *Journal) lose(ev *directory.Event) {
	if !j.count(ev) {
		return
	}
	j.log.Error("Sign-ins are not recorded one by one any more; they go on and are counted.", "why", notRecordedBy)
	j.eventsAreDue()
}

// count adds ev to lost, and reports whether it is the first there.
func (j *Journal) count(ev *directory.Event) (first bool) {
	s := &j.shards[spread]
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.lost != nil {
		j.lost.fold(ev)
		return false
	}
	told := directory.Event{Kind: directory.EventNotRecorded, At: ev.At, LastAt: ev.At, Count: ev.Count, Detail: notRecordedBy}
	j.lost = newEntry(&told, kind{}) // it is in no map
	j.lost.shard = spread
	s.enqueue(j.lost, string(pack(nil, &told)))
	return true
}

// due is when the loop has to act, counted from Journal.began; zero: not at all.
type due struct{ at atomic.Int64 }

// due sets d to act after wait, where nothing is due yet, and tells the loop.
func (j *Journal) due(d *due, wait time.Duration) {
	if d.at.Load() == 0 && d.at.CompareAndSwap(0, int64(max(1, time.Since(j.began)+wait))) {
		j.tell()
	}
}

// dueNow sets d to act at once.
func (j *Journal) dueNow(d *due) {
	d.at.Store(int64(max(1, time.Since(j.began))))
	j.tell()
}

func (j *Journal) tell() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// eventsAreDue tells the loop that something was queued. It comes after that:
// the writer clears what is due before it takes the queues.
func (j *Journal) eventsAreDue() {
	j.due(&j.eventsDue, firstWithin)
	j.sweepIsDue()
}

func (j *Journal) sweepIsDue() {
	if j.sweepDue.at.Load() == 0 {
		now := time.Now()
		j.due(&j.sweepDue, now.Truncate(foldWithin).Add(foldWithin).Sub(now))
	}
}

// bounded counts up to most. It may be used concurrently.
type bounded struct {
	n    atomic.Int64
	most int64
}

func (b *bounded) take() bool {
	for {
		n := b.n.Load()
		if n >= b.most {
			return false
		}
		if b.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (b *bounded) give(n int) { b.n.Add(int64(-n)) }

// minuteCount counts within one minute of the clock on the wall. It may be used
// concurrently.
type minuteCount struct {
	mu     sync.Mutex
	minute int64
	n      int
}

// take counts one more, unless there are most in this minute.
func (m *minuteCount) take(most int) bool {
	minute := minuteOf(time.Now())
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.minute != minute {
		m.minute, m.n = minute, 0
	}
	if m.n >= most {
		return false
	}
	m.n++
	return true
}
