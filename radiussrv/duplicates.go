package radiussrv

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// duplicates remembers requests and their answers, so that a retransmission
// is not tried a second time but answered with the very same octets (RFC 5080
// §2.2.2). What matches must agree in source address and port, code,
// identifier, Request Authenticator and all other octets. Another request
// under the same identifier takes the older one's place: its client has
// stopped waiting for it.
//
// Only requests that were found authentic come here. It may be used
// concurrently.
type duplicates struct {
	ttl   time.Duration
	total int // entries in all, divided among the clients
	seed  maphash.Seed

	mu       sync.Mutex
	slots    map[uint64]*entry // by the hash of their slot
	shares   map[string]*share // by client name
	answered int
	sweeping bool
}

// slot is what a client has one request under at a time.
type slot struct {
	peer     netip.AddrPort
	code, id byte
}

// share is one client's part of the cache. The lock of duplicates covers it.
type share struct {
	limit  int
	gone   bool  // the client is not configured any more
	count  int   // entries, in flight and answered
	oldest entry // ring of the answered ones, in the order of their answers
}

// entry is one request. The lock of duplicates covers it once it is in slots.
type entry struct {
	slot          slot
	key           uint64 // of slot
	authenticator [16]byte
	sum           uint64    // of the whole packet
	share         *share    // nil: it was removed
	reply         []byte    // nil: in flight
	expires       time.Time // once answered
	prev, next    *entry    // once answered
}

// standing says what the cache knows of a request.
type standing uint8

const (
	fresh    standing = iota // not seen; it is in flight from now on
	inFlight                 // being worked on
	repeated                 // answered before
	crowded                  // not seen, and no room for it
)

// minShare is what every client can count on however many there are.
const minShare = 256

func newDuplicates(total int, ttl time.Duration) *duplicates {
	return &duplicates{
		ttl: ttl, total: total, seed: maphash.MakeSeed(),
		slots: make(map[uint64]*entry), shares: make(map[string]*share),
	}
}

// divide gives each named client its share, keeping what clients of that name
// have in it, and forgets the others.
func (d *duplicates) divide(names []string) map[string]*share {
	d.mu.Lock()
	defer d.mu.Unlock()
	shares := make(map[string]*share, len(names))
	for _, name := range names {
		s := d.shares[name]
		if s == nil {
			s = &share{}
			s.oldest.prev, s.oldest.next = &s.oldest, &s.oldest
		}
		s.limit = max(minShare, d.total/len(names))
		shares[name] = s
	}
	for name, s := range d.shares {
		if shares[name] == nil {
			s.gone = true
			d.expire(s, time.Time{})
		}
	}
	d.shares = shares
	return shares
}

// begin looks the packet up. For a fresh one it returns the entry that must
// end in finish or forget; for a repeated one the reply, which the caller must
// not change. Where two slots have one hash, which nobody can bring about, one
// request takes the other's place.
func (d *duplicates) begin(s *share, peer netip.AddrPort, packet []byte, now time.Time) (standing, *entry, []byte) {
	e := &entry{slot: slot{peer, packet[0], packet[1]}, share: s, sum: maphash.Bytes(d.seed, packet)}
	e.key = maphash.Comparable(d.seed, e.slot)
	copy(e.authenticator[:], packet[4:headerLen])
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.slots[e.key]; old != nil {
		if old.same(e) && !old.over(now) {
			return old.standing(), nil, old.reply
		}
		d.leave(old)
	}
	if s.count >= s.limit && !d.evict(s) {
		delete(d.slots, e.key)
		return crowded, nil, nil
	}
	d.slots[e.key] = e
	s.count++
	return fresh, e, nil
}

func (e *entry) same(f *entry) bool {
	return e.sum == f.sum && e.authenticator == f.authenticator && e.slot == f.slot
}

func (e *entry) over(now time.Time) bool { return e.reply != nil && !now.Before(e.expires) }

func (e *entry) standing() standing {
	if e.reply == nil {
		return inFlight
	}
	return repeated
}

// finish keeps the reply for retransmissions.
func (d *duplicates) finish(e *entry, reply []byte, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.share == nil {
		return
	}
	if e.share.gone {
		d.remove(e)
		return
	}
	e.reply, e.expires = reply, now.Add(d.ttl)
	last := &e.share.oldest
	e.prev, e.next = last.prev, last
	e.prev.next, last.prev = e, e
	d.answered++
	if !d.sweeping {
		d.sweeping = true
		time.AfterFunc(d.ttl, d.sweep)
	}
}

// forget drops a request that ended in silence.
func (d *duplicates) forget(e *entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e.share != nil {
		d.remove(e)
	}
}

func (d *duplicates) remove(e *entry) {
	delete(d.slots, e.key)
	d.leave(e)
}

// leave takes e out of all but its slot, which the caller empties or fills.
func (d *duplicates) leave(e *entry) {
	e.share.count--
	e.share = nil
	if e.next != nil {
		e.prev.next, e.next.prev = e.next, e.prev
		e.prev, e.next = nil, nil
		d.answered--
	}
}

// evict makes room in a full share: its oldest answer goes. What is in flight
// stays.
func (d *duplicates) evict(s *share) bool {
	if s.oldest.next == &s.oldest {
		return false
	}
	d.remove(s.oldest.next)
	return true
}

// sweep drops what is over, and comes again while anything is left.
func (d *duplicates) sweep() {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.shares {
		d.expire(s, now)
	}
	d.sweeping = d.answered > 0
	if d.sweeping {
		time.AfterFunc(d.ttl/4, d.sweep)
	}
}

// expire drops the answers of s that are over at now; the zero time drops all.
func (d *duplicates) expire(s *share, now time.Time) {
	for e := s.oldest.next; e != &s.oldest; e = s.oldest.next {
		if !now.IsZero() && !e.over(now) {
			return
		}
		d.remove(e)
	}
}
