package policy

import (
	"sync"
	"time"
)

// shard holds what is recorded about some of the credentials and accounts. All
// that is done under its lock takes well under a microsecond, or is cut into
// pieces of a few.
type shard struct {
	mu    sync.Mutex // covers what follows, but for number
	held  map[kind]*entry
	queue []queued // what the next write takes
	// What is held and neither queued nor in the writer's hands, longest first:
	// clean when last looked at, and not clean; those stay so until written.
	kept, stirred fifo
	uses          useSet
	closed        bool
	number        uint8

	_ [64]byte // the next one's lock is on another line of the cache
}

func (s *shard) init(number int) {
	s.held, s.number = map[kind]*entry{}, uint8(number)
}

// repeat folds r into the event it repeats, if that is held.
func (s *shard) repeat(r *reading) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fold(r)
}

// fold is repeat. The caller holds mu.
func (s *shard) fold(r *reading) bool {
	e := s.held[r.kind]
	if e != nil {
		e.fold(r.ev)
	}
	return e != nil
}

// fate is what became of an entry that was to be added.
type fate uint8

const (
	isClosed fate = iota
	isAdded
	isRepeat // and was folded into the one it repeats
)

// add holds and queues r, which has a place.
func (s *shard) add(r *reading) fate {
	e, packed := newEntry(r.ev, r.kind), string(r.packed)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fold(r):
		return isRepeat
	case s.closed:
		return isClosed
	}
	e.shard = s.number
	s.held[e.kind] = e
	s.enqueue(e, packed)
	return isAdded
}

// enqueue puts e into the next write, the first time with what was packed. The
// caller holds mu.
func (s *shard) enqueue(e *entry, packed string) {
	e.queued = true
	s.queue = append(s.queue, queued{e, packed})
}

// forget lets go of e. The caller holds mu, and gives its place to another or
// back.
func (s *shard) forget(e *entry) { delete(s.held, e.kind) }

// evict forgets what is written, the longest held first, and reports whether
// there was any. Its place is the caller's. A closed shard takes nothing that
// would need one.
func (s *shard) evict() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && len(s.kept) > 0 {
		e := s.kept.pop()
		if e.clean() {
			s.forget(e)
			return true
		}
		s.stirred.push(e)
	}
	return false
}

// takeQueue returns the queue and leaves an empty one, in the memory of empty.
func (s *shard) takeQueue(empty []queued) []queued {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := s.queue
	s.queue = empty
	return queue
}

// takeUses returns the uses and leaves none. There is room for as many again,
// so that nobody waits for it to grow.
func (s *shard) takeUses() []heldUse {
	s.mu.Lock()
	n := len(s.uses.list)
	s.mu.Unlock()
	fresh := newUseSet(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.uses.list
	s.uses = fresh
	return taken
}

// fifo gives entries back in the order in which they came.
type fifo []*entry

func (f *fifo) push(e *entry) { *f = append(*f, e) }

// pop takes the first; there must be one.
func (f *fifo) pop() *entry {
	e := (*f)[0]
	(*f)[0] = nil
	*f = (*f)[1:]
	return e
}

// useSet holds the last use of each of some credentials: in one slice, found by
// the hash of the credential or where that is another's by the next number. So
// a use is 56 bytes and its place in the index 20 to 40, beside its strings.
type useSet struct {
	index map[uint64]int32
	list  []heldUse
}

// heldUse is a Use.
type heldUse struct {
	credential, from, service string
	at                        int64 // Unix time in nanoseconds
}

func newUseSet(size int) useSet {
	return useSet{index: make(map[uint64]int32, size), list: make([]heldUse, 0, size)}
}

// find returns the use of credential, or nil and a key that is free.
func (s *useSet) find(key uint64, credential string) (uint64, *heldUse) {
	for ; ; key++ {
		i, ok := s.index[key]
		if !ok {
			return key, nil
		}
		if u := &s.list[i]; u.credential == credential {
			return key, u
		}
	}
}

// add holds u under key, which find gave.
func (s *useSet) add(key uint64, u *Use) {
	if s.index == nil {
		s.index = map[uint64]int32{}
	}
	s.index[key] = int32(len(s.list))
	s.list = append(s.list, heldUse{credential: u.Credential, from: u.From, service: u.Service, at: u.At.UnixNano()})
}

// renew makes h the use u, of the same credential, unless u is older.
func (h *heldUse) renew(u *Use) {
	at := u.At.UnixNano()
	if at < h.at {
		return
	}
	h.at, h.service = at, u.Service
	if h.from != u.From {
		h.from = u.From
	}
}

func (h *heldUse) use() Use {
	return Use{Credential: h.credential, At: time.Unix(0, h.at).UTC(), From: h.from, Service: h.service}
}
