package portal

import (
	"net"
	"net/netip"
	"testing"
)

// TestACrowdIsTurnedAway from one address, and in all; who leaves makes room.
func TestACrowdIsTurnedAway(t *testing.T) {
	for name, c := range map[string]struct {
		most, perAddress int
		shared           bool
		want             int
	}{
		"one address":   {most: 100, perAddress: 3, want: 3},
		"a proxy's":     {most: 100, perAddress: 3, shared: true, want: 8},
		"in all":        {most: 5, perAddress: 100, want: 5},
		"in all, proxy": {most: 5, perAddress: 3, shared: true, want: 5},
	} {
		far := &lobby{arrivals: make(chan net.Conn, 8)}
		ln := &crowd{Listener: far, most: c.most, perAddress: c.perAddress, of: map[netip.Addr]int{},
			shared: func(netip.Addr) bool { return c.shared }}
		for range cap(far.arrivals) {
			far.arrivals <- &visitorConn{}
		}
		close(far.arrivals)
		var in []net.Conn
		for {
			conn, err := ln.Accept()
			if err != nil {
				break
			}
			in = append(in, conn)
		}
		if len(in) != c.want || far.closed() != cap(far.arrivals)-c.want {
			t.Errorf("%s: %d were let in and %d closed, want %d in", name, len(in), far.closed(), c.want)
		}
		for _, conn := range in {
			_ = conn.Close()
			_ = conn.Close() // twice gives one place back
		}
		if ln.total != 0 || len(ln.of) != 0 {
			t.Errorf("%s: all have left, and %d places are taken, of %d addresses", name, ln.total, len(ln.of))
		}
	}
}

func TestAnAddressOfIPv6IsItsNetwork(t *testing.T) {
	for typed, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::"} {
		at := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(typed), 1))
		if got := placeOf(at); got != netip.MustParseAddr(want) {
			t.Errorf("%s counts as %s, want %s", typed, got, want)
		}
	}
	if got := placeOf(&net.UnixAddr{}); got.IsValid() {
		t.Errorf("no address counts as %s", got)
	}
}

// lobby is a listener of arrivals.
type lobby struct {
	net.Listener
	arrivals chan net.Conn
	all      []*visitorConn
}

func (l *lobby) Accept() (net.Conn, error) {
	conn, ok := <-l.arrivals
	if !ok {
		return nil, net.ErrClosed
	}
	l.all = append(l.all, conn.(*visitorConn))
	return conn, nil
}

func (l *lobby) closed() (n int) {
	for _, c := range l.all {
		if c.over {
			n++
		}
	}
	return n
}

type visitorConn struct {
	net.Conn
	over bool
}

func (v *visitorConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }
func (v *visitorConn) Close() error         { v.over = true; return nil }
