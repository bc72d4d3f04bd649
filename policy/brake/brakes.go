package brake

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"postern/policy/bounded"
)

const (
	// kept is how many accounts, names that are nobody's, and sources are
	// remembered at least; see bounded.Map. What is forgotten beyond it is
	// counted anew.
	kept = 65536
	// familiarKept is how many familiar sources an account has at most.
	familiarKept = 16
	// changedKept is how many changes wait to be written at most. What is beyond
	// it holds, but not over a restart.
	changedKept = 4 * kept
)

// Guess is one secret presented for an account.
type Guess struct {
	// Account is the id of the account, or what stands for a name that is
	// nobody's. The two must be told apart by Known.
	Account string
	Known   bool
	// Source is the address of the client.
	Source netip.Addr
	// Shared says that many people come from that address, so that it has no
	// limit of its own: a mail server, a RADIUS client.
	Shared bool
	// Second says that it is a second factor that is presented. Those are
	// counted by themselves.
	Second bool
	// Releases is how often the account's brakes were released, as the database
	// has it. Where it has grown, what was counted before does not count.
	Releases int64
}

// Ticket is a guess that was counted: to be handed back where it turns out not
// to have been a wrong one. It holds once.
type Ticket struct {
	guess                   Guess
	far                     bool // counted among those of all unfamiliar sources
	pairOn, farOn, sourceOn bool // which counts put the brake on
}

// OfFirst is the ticket of the primary password that a second factor with the
// ticket t followed, where that counted and t's guess was right: of the same account
// and source.
func (t Ticket) OfFirst() Ticket {
	t.guess.Second = false
	t.pairOn, t.farOn, t.sourceOn = false, false, false
	return t
}

// Brakes counts guesses. It may be used concurrently.
type Brakes struct {
	mu      sync.Mutex // covers everything
	limits  Limits
	known   bounded.Map[string, *account]
	unknown bounded.Map[string, *account]
	sources bounded.Map[netip.Addr, *counter]
	changed map[rowKey]struct{} // what Save has to write
}

// account is what is counted for one.
type account struct {
	releases int64
	counts   map[countKey]*counter
	familiar map[netip.Addr]time.Time // last sign-in from there
}

// countKey names a counter of an account: that of one source, or with the zero
// Addr that of all unfamiliar sources.
type countKey struct {
	source netip.Addr
	second bool
}

// New returns Brakes with the default limits and nothing counted.
func New() *Brakes {
	return &Brakes{
		limits:  Default(),
		known:   bounded.New[string, *account](kept),
		unknown: bounded.New[string, *account](kept),
		sources: bounded.New[netip.Addr, *counter](kept),
		changed: map[rowKey]struct{}{},
	}
}

// SetLimits replaces the figures. What was counted stays.
func (b *Brakes) SetLimits(l Limits) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limits = l
}

// Place is the source an address counts as: an IPv4 address alone, of IPv6 the
// /64, within which one machine takes as many addresses as it likes.
func Place(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}

// Try counts g and returns its ticket; ok is false where a brake is on. Then
// nothing was counted, and the secret is not to be looked at.
func (b *Brakes) Try(g Guess, now time.Time) (t Ticket, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g.Source = Place(g.Source)
	a := b.account(g)
	t = Ticket{guess: g, far: !b.isFamiliar(a, g.Source, now)}
	if b.anyOn(a, t, now) {
		return Ticket{}, false
	}
	b.each(a, &t, func(c *counter, l limit, on *bool) { *on = c.count(l, now) })
	return t, true
}

// On reports whether Try would say no to g. It counts nothing.
func (b *Brakes) On(g Guess, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	g.Source = Place(g.Source)
	a, ok := b.accounts(g.Known).Get(g.Account)
	if !ok || g.Releases > a.releases {
		a = &account{}
	}
	return b.anyOn(a, Ticket{guess: g, far: !b.isFamiliar(a, g.Source, now)}, now)
}

// Held is one brake of an account that is on.
type Held struct {
	Source netip.Addr // the zero Addr: all unfamiliar sources
	Second bool       // of second factors
	Until  time.Time
}

// Held returns the brakes of the account with that id that are on, by source.
// releases is as in Guess.
func (b *Brakes) Held(id string, releases int64, now time.Time) (list []Held) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.known.Get(id)
	if !ok || releases > a.releases {
		return nil
	}
	for k, c := range a.counts {
		if c.braked(now) {
			list = append(list, Held{Source: k.source, Second: k.second, Until: c.until})
		}
	}
	slices.SortFunc(list, func(x, y Held) int {
		return cmp.Or(x.Source.Compare(y.Source), x.Until.Compare(y.Until))
	})
	return list
}

// anyOn reports whether one of the counters of t has its brake on. It makes no
// counter.
func (b *Brakes) anyOn(a *account, t Ticket, now time.Time) bool {
	on := func(c *counter, l limit) bool {
		if c == nil {
			return false
		}
		c.forgive(l, now)
		return c.braked(now)
	}
	if on(a.counts[t.guess.pairKey()], b.limits.pair()) {
		return true
	}
	if t.far && on(a.counts[t.guess.farKey()], b.limits.unfamiliar()) {
		return true
	}
	if t.guess.Shared {
		return false
	}
	c, _ := b.sources.Get(t.guess.Source)
	return on(c, b.limits.source())
}

// each calls do for every counter that t counts in, and notes that it changed.
func (b *Brakes) each(a *account, t *Ticket, do func(c *counter, l limit, on *bool)) {
	g := t.guess
	do(a.counter(g.pairKey()), b.limits.pair(), &t.pairOn)
	b.note(g, g.Source)
	if t.far {
		do(a.counter(g.farKey()), b.limits.unfamiliar(), &t.farOn)
		b.note(g, netip.Addr{})
	}
	if g.Shared {
		return
	}
	c, there := b.sources.Get(g.Source)
	if !there {
		c = &counter{}
		b.sources.Put(g.Source, c)
	}
	do(c, b.limits.source(), &t.sourceOn)
	b.noteChange(rowKey{kind: ofSource, source: g.Source})
}

func (b *Brakes) noteChange(k rowKey) {
	if len(b.changed) < changedKept {
		b.changed[k] = struct{}{}
	}
}

func (b *Brakes) note(g Guess, source netip.Addr) {
	b.noteChange(rowKey{kind: ofAccount, account: g.Account, known: g.Known, source: source, second: g.Second})
}

func (g Guess) pairKey() countKey { return countKey{source: g.Source, second: g.Second} }

func (g Guess) farKey() countKey { return countKey{second: g.Second} }

// account returns what is counted for g, afresh where it was released since.
func (b *Brakes) account(g Guess) *account {
	all := b.accounts(g.Known)
	a, ok := all.Get(g.Account)
	if !ok {
		a = &account{releases: g.Releases, counts: map[countKey]*counter{}}
		all.Put(g.Account, a)
	}
	if g.Releases > a.releases {
		b.drop(g.Account, g.Known, a)
		a.releases = g.Releases
	}
	return a
}

func (b *Brakes) accounts(known bool) *bounded.Map[string, *account] {
	if known {
		return &b.known
	}
	return &b.unknown
}

func (a *account) counter(k countKey) *counter {
	c := a.counts[k]
	if c == nil {
		c = &counter{}
		a.counts[k] = c
	}
	return c
}

func (b *Brakes) isFamiliar(a *account, source netip.Addr, now time.Time) bool {
	at, ok := a.familiar[source]
	return ok && now.Sub(at) < b.limits.FamiliarFor
}

// TakeBack says that the guess of t was not a wrong one after all: right, or
// not verified.
func (b *Brakes) TakeBack(t Ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.takeBack(b.account(t.guess), t)
}

func (b *Brakes) takeBack(a *account, t Ticket) {
	b.each(a, &t, func(c *counter, l limit, on *bool) { c.takeBack(l, *on) })
}

// SignedIn says that the guess of t was right and that the account signed in
// with it. The source is familiar from then on, and what its owner mistyped
// there before is forgiven, unless others come from there too.
func (b *Brakes) SignedIn(t Ticket, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, g := b.account(t.guess), t.guess
	b.takeBack(a, t)
	if !g.Shared {
		delete(a.counts, g.pairKey())
	}
	b.meet(a, g, now)
}

// meet makes the source of g familiar.
func (b *Brakes) meet(a *account, g Guess, now time.Time) {
	const often = 24 * time.Hour // a row a day is enough
	if last, ok := a.familiar[g.Source]; !g.Known || ok && now.Sub(last) < min(often, b.limits.FamiliarFor/2) {
		return
	}
	if a.familiar == nil {
		a.familiar = map[netip.Addr]time.Time{}
	}
	a.familiar[g.Source] = now
	b.noteFamiliar(g.Account, g.Source)
	if len(a.familiar) > familiarKept {
		oldest := g.Source
		for source, at := range a.familiar {
			if at.Before(a.familiar[oldest]) {
				oldest = source
			}
		}
		delete(a.familiar, oldest)
		b.noteFamiliar(g.Account, oldest)
	}
}

func (b *Brakes) noteFamiliar(id string, source netip.Addr) {
	b.noteChange(rowKey{kind: familiar, account: id, known: true, source: source})
}

// Release takes all brakes off the account with that id. What is familiar to
// it stays so.
func (b *Brakes) Release(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, ok := b.known.Get(id); ok {
		b.drop(id, true, a)
	}
}

func (b *Brakes) drop(name string, known bool, a *account) {
	for k := range a.counts {
		b.note(Guess{Account: name, Known: known, Second: k.second}, k.source)
	}
	clear(a.counts)
}

// sweep forgets what time has forgiven.
func (b *Brakes) sweep(now time.Time) {
	for _, known := range []bool{true, false} {
		all := b.accounts(known)
		for name, a := range all.All() {
			b.sweepAccount(name, known, a, now)
			if len(a.counts) == 0 && len(a.familiar) == 0 {
				all.Delete(name)
			}
		}
	}
	for source, c := range b.sources.All() {
		if c.forgive(b.limits.source(), now); c.over(now) {
			b.sources.Delete(source)
			b.noteChange(rowKey{kind: ofSource, source: source})
		}
	}
}

func (b *Brakes) sweepAccount(name string, known bool, a *account, now time.Time) {
	maps.DeleteFunc(a.counts, func(k countKey, c *counter) bool {
		l := b.limits.pair()
		if !k.source.IsValid() {
			l = b.limits.unfamiliar()
		}
		c.forgive(l, now)
		if c.over(now) {
			b.note(Guess{Account: name, Known: known, Second: k.second}, k.source)
		}
		return c.over(now)
	})
	maps.DeleteFunc(a.familiar, func(source netip.Addr, _ time.Time) bool {
		gone := !b.isFamiliar(a, source, now)
		if gone {
			b.noteFamiliar(name, source)
		}
		return gone
	})
}
