package ldapsrv

import (
	"container/list"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// gate counts connections, by address and in all, and says which may stay. A
// newcomer is not refused because others of its address dawdle: where there
// are too many without a bind, the one that dawdles longest goes. It may be
// used concurrently.
type gate struct {
	limits Limits

	mu      sync.Mutex
	total   int
	sources map[netip.Addr]*source
	unbound list.List // of *ticket, oldest first; from everywhere
}

// source is an address that connections are from.
type source struct {
	addr    netip.Addr
	total   int
	unbound list.List // of *ticket, oldest first
}

// ticket is a connection's place. The gate's mutex covers all but the
// atomics.
type ticket struct {
	source  *source       // nil: a trusted relay, or gone
	inAll   *list.Element // in gate.unbound; nil: bound, or gone
	inOwn   *list.Element // in source.unbound
	gone    bool
	dismiss func() // closes the connection; may be called concurrently

	half atomic.Int64 // since when a frame or handshake is half there; 0: it is not
	busy atomic.Bool  // an operation is in hand
}

func newGate(l Limits) *gate {
	return &gate{limits: l, sources: map[netip.Addr]*source{}}
}

// admission is what a newcomer met with.
type admission uint8

const (
	turnedAway admission = iota // there is no place for it
	squeezedIn                  // it has the place of another
	admitted
)

// admit gives a new connection from addr a place, if it can. relay says that
// no limit by address holds for it.
func (g *gate) admit(addr netip.Addr, relay bool, dismiss func()) (*ticket, admission) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &ticket{dismiss: dismiss}
	if !relay {
		t.source = g.sourceOf(addr.Unmap())
	}
	how := g.makeRoom(t.source)
	if how == turnedAway {
		g.forget(t.source)
		return nil, turnedAway
	}
	g.total++
	if src := t.source; src != nil {
		src.total++
		g.sources[src.addr] = src // making room may have forgotten it
	}
	g.enlist(t)
	return t, how
}

func (g *gate) sourceOf(addr netip.Addr) *source {
	src, ok := g.sources[addr]
	if !ok {
		src = &source{addr: addr}
		g.sources[addr] = src
	}
	return src
}

func (g *gate) forget(src *source) {
	if src != nil && src.total == 0 {
		delete(g.sources, src.addr)
	}
}

// makeRoom sees to it that one more connection from src, without a bind, keeps
// within the limits.
func (g *gate) makeRoom(src *source) admission {
	how := admitted
	if src != nil && (src.unbound.Len() >= g.limits.UnboundPerAddress || src.total >= g.limits.PerAddress) {
		how = g.evict(longestHalf(&src.unbound))
	}
	if how != turnedAway && g.total >= g.limits.Connections {
		how = g.evict(g.unbound.Front())
	}
	return how
}

// longestHalf returns the connection that has been in the midst of a frame the
// longest; else the oldest that has no operation in hand; else the oldest.
func longestHalf(l *list.List) *list.Element {
	var half, idle *list.Element
	since := int64(0)
	for e := l.Front(); e != nil; e = e.Next() {
		t := e.Value.(*ticket)
		if h := t.half.Load(); h != 0 && (half == nil || h < since) {
			half, since = e, h
		}
		if idle == nil && !t.busy.Load() {
			idle = e
		}
	}
	switch {
	case half != nil:
		return half
	case idle != nil:
		return idle
	}
	return l.Front()
}

// evict takes the place of a connection, if there is one, and closes it.
func (g *gate) evict(e *list.Element) admission {
	if e == nil {
		return turnedAway
	}
	t := e.Value.(*ticket)
	g.release(t)
	t.dismiss()
	return squeezedIn
}

// leave gives a place back. Giving it back twice does no harm.
func (g *gate) leave(t *ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.release(t)
}

func (g *gate) release(t *ticket) {
	if t.gone {
		return
	}
	t.gone = true
	g.delist(t)
	g.total--
	if src := t.source; src != nil {
		src.total--
		g.forget(src)
	}
}

// setBound notes whether a connection has a successful bind. One that has lost
// it counts as just arrived.
func (g *gate) setBound(t *ticket, bound bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case t.gone:
	case bound:
		g.delist(t)
	case t.inAll == nil:
		g.enlist(t)
	}
}

func (g *gate) enlist(t *ticket) {
	t.inAll = g.unbound.PushBack(t)
	if t.source != nil {
		t.inOwn = t.source.unbound.PushBack(t)
	}
}

func (g *gate) delist(t *ticket) {
	if t.inAll == nil {
		return
	}
	g.unbound.Remove(t.inAll)
	t.inAll = nil
	if t.source != nil {
		t.source.unbound.Remove(t.inOwn)
		t.inOwn = nil
	}
}

// halfSince notes since when a frame is half there; the zero time: none is.
func (t *ticket) halfSince(at time.Time) {
	if at.IsZero() {
		t.half.Store(0)
		return
	}
	t.half.Store(at.UnixNano())
}
