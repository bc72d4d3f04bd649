package portal

import (
	"net"
	"net/netip"
	"sync"
)

// How many connections there may be. What is beyond it is closed at once: the
// portal shares its process, and the descriptors of it, with LDAP and RADIUS.
const (
	mostConnections  = 4096
	mostOfOneAddress = 512
)

// crowd is a listener that turns away what is too much, in all and from one
// address (of IPv6, one /64).
type crowd struct {
	net.Listener
	most, perAddress int
	// shared says that many people come from an address: a proxy.
	shared func(netip.Addr) bool

	mu    sync.Mutex // covers what follows
	total int
	of    map[netip.Addr]int
}

// Limited bounds the connections of ln. For the address of a proxy that
// settings name, at the time of the connection, only the bound in all holds.
func Limited(ln net.Listener, settings func() *Settings) net.Listener {
	shared := func(a netip.Addr) bool { return within(settings().TrustedProxies, a) }
	return &crowd{Listener: ln, most: mostConnections, perAddress: mostOfOneAddress, shared: shared, of: map[netip.Addr]int{}}
}

// Accept returns the next connection there is room for.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		place := placeOf(conn.RemoteAddr())
		if c.enter(place) {
			return &guest{Conn: conn, leave: sync.OnceFunc(func() { c.leave(place) })}, nil
		}
		_ = conn.Close() // there is nobody to tell
	}
}

func placeOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	if p, err := addr.Prefix(64); addr.Is6() && err == nil {
		return p.Addr()
	}
	return addr
}

func (c *crowd) enter(place netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.total >= c.most || c.of[place] >= c.perAddress && !c.shared(place) {
		return false
	}
	c.total++
	c.of[place]++
	return true
}

func (c *crowd) leave(place netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.of[place]--; c.of[place] == 0 {
		delete(c.of, place)
	}
}

// guest is a connection that has a place.
type guest struct {
	net.Conn
	leave func()
}

// Close gives the place back, once.
func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}
