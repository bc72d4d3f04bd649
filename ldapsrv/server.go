package ldapsrv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"postern/ldapsrv/dn"
)

// Server serves LDAP on any number of listeners, which share its limits. It
// may be used concurrently.
type Server struct {
	service service
	tls     *tls.Config
	limits  Limits
	log     *slog.Logger
	gate    *gate
	made    time.Time
	current atomic.Pointer[rules]

	lastCrowded atomic.Int64 // when crowded last said so, Unix time in nanoseconds
}

// New checks c and makes a Server of it. The error names everything that is
// wrong.
func New(c Config) (*Server, error) {
	base, err := dn.Parse(c.BaseDN)
	if err != nil || len(base) == 0 {
		err = fmt.Errorf("base_dn %q is not a distinguished name such as dc=example,dc=org", c.BaseDN)
	}
	s := &Server{tls: c.TLS, limits: c.Limits.WithDefaults(), log: c.Log, made: c.Made}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.gate = newGate(s.limits)
	s.service = service{
		tree:      tree{base: c.BaseDN, normal: base.Normal()},
		auth:      c.Authenticator,
		entitle:   c.Entitler,
		directory: c.Directory,
		cookies:   c.Cookies,
		passwords: c.Passwords,
		reading:   newReading(),
		limits:    s.limits,
		log:       s.log,
		version:   c.Version,
		canTLS:    c.TLS != nil,
		rules:     s.current.Load,
	}
	if c.Authenticator == nil || c.Entitler == nil {
		err = errors.Join(err, errors.New("an LDAP server needs an authenticator and an entitler"))
	}
	if err != nil {
		_, rulesErr := compileRules("dc=invalid", time.Time{}, c.Rules)
		return s, errors.Join(err, rulesErr)
	}
	return s, s.SetRules(c.Rules)
}

// SetRules replaces the rules: for binds and connections from now on. With an
// error nothing is replaced.
func (s *Server) SetRules(r Rules) error {
	compiled, err := compileRules(s.service.tree.base, s.made, r)
	if err != nil {
		return err
	}
	s.current.Store(compiled)
	return nil
}

// ListenerOptions says what is particular to a listener.
type ListenerOptions struct {
	// Name is the listen address as configured, by which a service can claim
	// what arrives there.
	Name string
	// TLS says that connections begin with a TLS handshake (LDAPS). It needs
	// Config.TLS.
	TLS bool
}

// Serve accepts connections on ln and serves them until ctx ends. Then it
// takes no more, answers the operations in hand, tells every client (Notice of
// Disconnection, 52), and returns nil when all are gone, within Limits.Drain.
// It closes ln in any case. Errors of accepting are survived; only a listener
// that somebody else closed makes it return one.
func (s *Server) Serve(ctx context.Context, ln net.Listener, o ListenerOptions) error {
	if o.TLS && s.tls == nil {
		_ = ln.Close() // it is of no use to anybody
		return fmt.Errorf("serving LDAPS on %s: no certificate is configured", ln.Addr())
	}
	d := &door{srv: s, options: o, conns: map[*conn]struct{}{}}
	closed := context.AfterFunc(ctx, func() { _ = ln.Close() }) // Accept says so
	defer closed()
	working, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	err := d.accept(ctx, working, ln)
	_ = ln.Close() // twice does no harm
	d.drain(abort)
	return err
}

// door is one listener and the connections that came through it.
type door struct {
	srv     *Server
	options ListenerOptions

	mu      sync.Mutex
	conns   map[*conn]struct{}
	serving sync.WaitGroup
}

// Bounds of the pause after a failure to accept: no descriptor left, mostly.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// accept takes connections until ctx ends.
func (d *door) accept(ctx, working context.Context, ln net.Listener) error {
	pause := time.Duration(0)
	for {
		raw, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			d.take(working, raw)
			continue
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accepting LDAP connections: %w", err)
		}
		if pause == 0 {
			d.srv.log.Warn("an LDAP connection cannot be accepted; trying on", "error", err)
		}
		pause = min(max(2*pause, shortestPause), longestPause)
		rest(ctx, pause)
	}
}

// rest waits for the pause, or the end of ctx.
func rest(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// take serves a connection in a goroutine of its own, if there is room.
func (d *door) take(working context.Context, raw net.Conn) {
	remote := remoteOf(raw)
	dismiss := func() { _ = raw.Close() } // fails where it is closed already
	ticket, how := d.srv.gate.admit(remote.Addr(), d.srv.isRelay(remote.Addr()), dismiss)
	if how != admitted {
		d.srv.crowded(remote)
	}
	if how == turnedAway {
		dismiss()
		return
	}
	c := &conn{srv: d.srv, raw: raw, rw: raw, ticket: ticket}
	c.session = session{service: &d.srv.service, peer: peer{remote: remote, listener: d.options.Name}}
	d.mu.Lock()
	d.conns[c] = struct{}{}
	d.mu.Unlock()
	d.serving.Go(func() {
		defer d.release(c)
		c.serve(working, d.options.TLS)
	})
}

func (d *door) release(c *conn) {
	_ = c.raw.Close() // the client may have closed it, or the gate
	d.srv.gate.leave(c.ticket)
	d.mu.Lock()
	delete(d.conns, c)
	d.mu.Unlock()
}

// drain lets every connection end, and ends those that do not in time.
func (d *door) drain(abort context.CancelFunc) {
	d.each((*conn).stop)
	late := time.AfterFunc(d.srv.limits.Drain, func() {
		abort()
		d.each(func(c *conn) { _ = c.raw.Close() })
	})
	defer late.Stop()
	d.serving.Wait()
}

func (d *door) each(do func(*conn)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.conns {
		do(c)
	}
}

// crowdedEvery is how often one more line is logged about too many connections.
const crowdedEvery = 10 * time.Second

// crowded tells the administrator, now and then, that limits are reached.
func (s *Server) crowded(newcomer netip.AddrPort) {
	now := time.Now().UnixNano()
	last := s.lastCrowded.Load()
	if now-last < int64(crowdedEvery) || !s.lastCrowded.CompareAndSwap(last, now) {
		return
	}
	s.log.Warn("too many LDAP connections: those that dawdle without a bind make room, or newcomers are turned away",
		"client", newcomer)
}

// isRelay reports whether a relay connects from that address.
func (s *Server) isRelay(a netip.Addr) bool {
	for _, p := range s.current.Load().TrustedRelays {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// remoteOf returns the client's address, an IPv4 one as such. A connection of
// another kind than TCP has the zero address, which is no loopback address.
func remoteOf(raw net.Conn) netip.AddrPort {
	tcp, ok := raw.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	a := tcp.AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Connections is how many connections there are now, on all listeners.
func (s *Server) Connections() int {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.total
}
