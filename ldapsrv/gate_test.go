package ldapsrv

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// crowd is a gate and the names of those it dismissed.
type crowd struct {
	*gate
	dismissed []string
}

func newCrowd(l Limits) *crowd { return &crowd{gate: newGate(l.WithDefaults())} }

func (c *crowd) arrive(t *testing.T, name, addr string, want admission) *ticket {
	t.Helper()
	ticket, how := c.admit(netip.MustParseAddr(addr), false, func() { c.dismissed = append(c.dismissed, name) })
	if how != want || (ticket != nil) != (want != turnedAway) {
		t.Errorf("%s from %s met with %d, want %d", name, addr, how, want)
	}
	return ticket
}

func (c *crowd) expectDismissed(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(c.dismissed, want) {
		t.Errorf("dismissed are %q, want %q", c.dismissed, want)
	}
}

func TestTheOldestHalfFrameMakesRoomForANewcomer(t *testing.T) {
	c := newCrowd(Limits{UnboundPerAddress: 4})
	busy := c.arrive(t, "busy", "192.0.2.1", admitted)
	c.arrive(t, "idle", "192.0.2.1", admitted)
	late := c.arrive(t, "late half", "192.0.2.1", admitted)
	early := c.arrive(t, "early half", "192.0.2.1", admitted)
	busy.busy.Store(true)
	early.halfSince(testTime)
	late.halfSince(testTime.Add(time.Second))

	c.arrive(t, "another address", "192.0.2.2", admitted)
	c.expectDismissed(t)
	for _, want := range []string{"early half", "late half", "idle"} {
		n := c.arrive(t, "newcomer", "::ffff:192.0.2.1", squeezedIn) // the same address
		n.busy.Store(true)
		if got := c.dismissed[len(c.dismissed)-1]; got != want {
			t.Errorf("dismissed is %q, want %q", got, want)
		}
	}
	c.arrive(t, "newcomer", "192.0.2.1", squeezedIn) // all are busy: the oldest goes
	c.expectDismissed(t, "early half", "late half", "idle", "busy")
}

func TestAHalfFrameThatBecameWholeIsSpared(t *testing.T) {
	c := newCrowd(Limits{UnboundPerAddress: 2})
	c.arrive(t, "idle", "192.0.2.1", admitted)
	whole := c.arrive(t, "whole", "192.0.2.1", admitted)
	whole.halfSince(testTime)
	whole.halfSince(time.Time{})
	c.arrive(t, "newcomer", "192.0.2.1", squeezedIn)
	c.expectDismissed(t, "idle")
}

func TestABindLiftsTheLimitOfThoseWithout(t *testing.T) {
	c := newCrowd(Limits{UnboundPerAddress: 1, PerAddress: 3})
	for _, name := range []string{"a", "b"} {
		c.setBound(c.arrive(t, name, "192.0.2.1", admitted), true)
	}
	third := c.arrive(t, "c", "192.0.2.1", admitted)
	c.arrive(t, "d", "192.0.2.1", squeezedIn) // both limits are reached: c goes
	c.expectDismissed(t, "c")
	c.leave(third) // it is gone already
	c.arrive(t, "e", "192.0.2.1", squeezedIn)
	c.expectDismissed(t, "c", "d")
}

func TestOnlyBoundConnectionsTurnANewcomerAway(t *testing.T) {
	c := newCrowd(Limits{PerAddress: 2, UnboundPerAddress: 2})
	a := c.arrive(t, "a", "192.0.2.1", admitted)
	c.setBound(a, true)
	c.setBound(c.arrive(t, "b", "192.0.2.1", admitted), true)
	c.arrive(t, "c", "192.0.2.1", turnedAway)
	c.setBound(a, false) // a lost its bind, and counts as just arrived
	c.arrive(t, "d", "192.0.2.1", squeezedIn)
	c.expectDismissed(t, "a")
}

func TestTheTotalIsKept(t *testing.T) {
	c := newCrowd(Limits{Connections: 3})
	c.setBound(c.arrive(t, "bound", "192.0.2.1", admitted), true)
	c.arrive(t, "a", "192.0.2.2", admitted)
	b := c.arrive(t, "b", "192.0.2.3", admitted)
	c.arrive(t, "c", "192.0.2.4", squeezedIn)
	c.expectDismissed(t, "a")
	c.leave(b)
	c.setBound(c.arrive(t, "d", "192.0.2.5", admitted), true)
	c.setBound(c.arrive(t, "e", "192.0.2.6", squeezedIn), true)
	c.arrive(t, "f", "192.0.2.7", turnedAway)
	c.expectDismissed(t, "a", "c")
	if c.total != 3 || len(c.sources) != 3 || c.unbound.Len() != 0 {
		t.Errorf("%d connections of %d addresses are counted, %d without a bind; want 3, 3, 0", c.total, len(c.sources), c.unbound.Len())
	}
}

func TestARelayHasOnlyTheTotal(t *testing.T) {
	c := newCrowd(Limits{UnboundPerAddress: 1, PerAddress: 1, Connections: 3})
	for range 3 {
		if _, how := c.admit(netip.MustParseAddr("192.0.2.1"), true, func() {}); how != admitted {
			t.Errorf("a relay's connection met with %d", how)
		}
	}
	if _, how := c.admit(netip.MustParseAddr("192.0.2.1"), true, func() {}); how != squeezedIn {
		t.Errorf("beyond the total, a relay's connection met with %d", how)
	}
	if len(c.sources) != 0 {
		t.Errorf("%d addresses are counted for a relay", len(c.sources))
	}
}

func TestNothingIsLeftOfWhoLeft(t *testing.T) {
	c := newCrowd(Limits{UnboundPerAddress: 1, Connections: 2})
	var tickets []*ticket
	for _, addr := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.1"} {
		if ticket, how := c.admit(netip.MustParseAddr(addr), false, func() {}); how != turnedAway {
			tickets = append(tickets, ticket)
			c.setBound(ticket, len(tickets)%2 == 0)
		}
	}
	for _, ticket := range append(tickets, tickets...) {
		c.leave(ticket)
		c.setBound(ticket, false)
	}
	if c.total != 0 || len(c.sources) != 0 || c.unbound.Len() != 0 {
		t.Errorf("counted are %d connections of %d addresses, %d without a bind", c.total, len(c.sources), c.unbound.Len())
	}
}
