package ldapsrv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"postern/ldapsrv/wire"
)

// Reasons to part with a client. None holds anything it sent.
var (
	errGarbled  = errors.New("the client cannot be understood")
	errNotLDAP  = errors.New("it is not LDAP")
	errTooLarge = errors.New("a message is too large")
	errStopping = errors.New("the server is stopping")
)

// outboxSize is how much is answered before it is sent, at most.
const outboxSize = 32 << 10

// longAgo is a deadline that wakes whoever reads.
var longAgo = time.Unix(1, 0)

// conn joins a session to a socket. One goroutine owns it; stop alone may be
// called from another.
type conn struct {
	srv     *Server
	raw     net.Conn // the socket
	rw      net.Conn // the socket, or TLS upon it
	session session
	ticket  *ticket
	bound   bool // as the gate knows it

	in   inbox
	room wire.Room // for the request in hand
	out  []byte    // answers to be sent

	half       time.Time // since when a frame is half there; zero: none is
	readUntil  time.Time // the read deadline that is set; zero: none, or a frame's
	writeUntil time.Time // the write deadline that is set

	stopping atomic.Bool
}

// stop asks the connection to end: after the operation in hand, or at once
// where none is.
func (c *conn) stop() {
	c.stopping.Store(true)
	_ = c.raw.SetReadDeadline(longAgo) // fails on a closed socket only
}

// serve speaks LDAP until either side ends it. A panic ends this connection
// and no other.
func (c *conn) serve(ctx context.Context, withTLS bool) {
	defer c.contain()
	if withTLS {
		c.session.peer.secure = true
		if err := c.handshake(); err != nil {
			c.part(err)
			return
		}
	}
	for {
		frame, err := c.next()
		if err == nil {
			err = c.carryOut(ctx, frame)
		}
		if err != nil {
			c.part(err)
			return
		}
	}
}

// contain recovers from a panic. Its value is not logged: it may hold what the
// client sent.
func (c *conn) contain() {
	if v := recover(); v != nil {
		c.srv.log.Error("an LDAP connection ended in a panic; the others are not affected",
			"panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	}
}

// next returns the next frame. Answers leave when there is none to be had
// without waiting.
func (c *conn) next() ([]byte, error) {
	for {
		if c.stopping.Load() {
			return nil, errStopping
		}
		frame, ok, err := c.in.frame(c.frameLimit())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errGarbled, err)
		}
		if ok {
			c.whole()
			return frame, nil
		}
		if err := c.flush(); err != nil {
			return nil, err
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

func (c *conn) frameLimit() int {
	if c.bound {
		return c.srv.limits.BoundFrame
	}
	return c.srv.limits.UnboundFrame
}

// fill waits for more to arrive, for as long as the state of things allows.
func (c *conn) fill() error {
	switch {
	case c.in.empty():
		c.allowIdle()
	case c.half.IsZero():
		now := time.Now()
		c.half = now
		c.ticket.halfSince(now)
		c.setReadDeadline(now.Add(c.srv.limits.Frame))
		c.readUntil = time.Time{}
	}
	err := c.in.fill(c.rw)
	if err != nil && c.stopping.Load() {
		return errStopping
	}
	return err
}

// allowIdle sets the deadline of a connection between two messages. It is
// moved in steps, so that a busy connection seldom pays for it.
func (c *conn) allowIdle() {
	idle := c.srv.limits.Idle
	if time.Until(c.readUntil) < idle {
		c.readUntil = time.Now().Add(idle + idle/16)
		c.setReadDeadline(c.readUntil)
	}
}

// whole notes that no frame is half there any more.
func (c *conn) whole() {
	if !c.half.IsZero() {
		c.half = time.Time{}
		c.ticket.halfSince(time.Time{})
	}
}

// setReadDeadline sets the deadline unless stop has set one for good.
func (c *conn) setReadDeadline(t time.Time) {
	_ = c.raw.SetReadDeadline(t) // a closed socket fails the read
	if c.stopping.Load() {
		_ = c.raw.SetReadDeadline(longAgo)
	}
}

// carryOut takes one frame through the session.
func (c *conn) carryOut(ctx context.Context, frame []byte) error {
	m, err := c.room.Decode(frame)
	defer c.room.Clear() // it holds on to the frame
	fault, answerable := asFault(err)
	if !answerable || m.Op == wire.OpBind || m.Op == wire.OpExtended {
		defer clear(frame) // it may hold a password
	}
	if !answerable {
		return fmt.Errorf("%w: %w", errGarbled, err)
	}
	if m.Op == wire.OpBind {
		// A bind may take long, and what is answered already need not wait.
		if err := c.flush(); err != nil {
			return err
		}
	}
	c.ticket.busy.Store(true)
	a, err := c.handle(ctx, request{Message: m, at: time.Now(), ahead: !c.in.empty()}, fault)
	if err != nil {
		return err
	}
	c.tellGate()
	if err := c.hold(ctx, a.hold); err != nil {
		return err
	}
	c.ticket.busy.Store(false)
	return c.follow(a.next)
}

// handle passes a request to the session. The answer of a search may leave in
// parts.
func (c *conn) handle(ctx context.Context, r request, fault *wire.Fault) (answer, error) {
	if r.Op != wire.OpSearch || fault != nil {
		a := c.session.handle(ctx, r, fault, c.out)
		c.out = a.out
		return a, nil
	}
	s := &stream{c: c, id: r.ID}
	s.operation.init(ctx, r.at)
	defer s.end() // also where the session panics
	r.stream = s
	a := c.session.handle(&s.operation, r, nil, c.out)
	c.out = a.out
	return a, s.err
}

// asFault returns what the decoder found wrong, if anything, and whether the
// message can be answered.
func asFault(err error) (fault *wire.Fault, answerable bool) {
	if err == nil {
		return nil, true
	}
	answerable = errors.As(err, &fault)
	return fault, answerable
}

// tellGate keeps the gate informed whether the session is bound.
func (c *conn) tellGate() {
	if bound := c.session.who.bound; bound != c.bound {
		c.bound = bound
		c.srv.gate.setBound(c.ticket, bound)
	}
}

// hold keeps the answers back until the time has come, and then sends them at
// once: what the next operation takes must not show in when they leave. It
// holds this connection's goroutine and nothing else.
func (c *conn) hold(ctx context.Context, until time.Time) error {
	if until.IsZero() {
		return nil
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return c.flush()
	case <-ctx.Done():
		c.out = c.out[:0] // its time has not come
		return errStopping
	}
}

// follow does what the session wants done behind its answer.
func (c *conn) follow(n next) error {
	switch {
	case n == hangUp:
		return io.EOF
	case n == startTLS:
		if err := c.flush(); err != nil {
			return err
		}
		return c.handshake()
	case len(c.out) >= outboxSize:
		return c.flush()
	}
	return nil
}

// flush sends the answers there are.
func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	if write := c.srv.limits.Write; time.Until(c.writeUntil) < write {
		c.writeUntil = time.Now().Add(write + write/16)
		_ = c.raw.SetWriteDeadline(c.writeUntil) // a closed socket fails the write
	}
	_, err := c.rw.Write(c.out)
	c.out = c.out[:0]
	if cap(c.out) > 2*outboxSize {
		c.out = nil
	}
	return err
}

// handshake puts TLS upon the socket.
func (c *conn) handshake() error {
	now := time.Now()
	c.ticket.halfSince(now)
	until := now.Add(c.srv.limits.Handshake)
	c.setReadDeadline(until)
	_ = c.raw.SetWriteDeadline(until) // a closed socket fails the handshake
	secured := tls.Server(c.raw, c.srv.tls)
	if err := secured.Handshake(); err != nil {
		return err
	}
	c.rw = secured
	c.readUntil, c.writeUntil = time.Time{}, time.Time{}
	c.ticket.halfSince(time.Time{})
	return nil
}

// part says good-bye where the protocol wants it said: to a client that cannot
// be understood (RFC 4511 §4.1.1), and to all when the server stops (§4.4.1).
func (c *conn) part(why error) {
	c.srv.log.Debug("an LDAP connection ends", "client", c.session.peer.remote, "why", why)
	switch {
	case errors.Is(why, errStopping):
		c.notify(wire.Result{Code: wire.Unavailable, Text: "the server is stopping"})
	case errors.Is(why, errGarbled):
		c.notify(wire.Result{Code: wire.ProtocolError, Text: "the message cannot be decoded"})
		c.linger()
	case errors.Is(why, io.EOF):
		_ = c.flush() // what it has left behind may still be read
	}
	if c.rw != c.raw {
		_ = c.rw.Close() // says so under TLS too
	}
}

// notify sends a Notice of Disconnection behind what is still to be sent. The
// client may be gone already; then there is nobody to tell.
func (c *conn) notify(r wire.Result) {
	c.out = wire.AppendNotice(c.out, r)
	_ = c.flush()
}

// Bounds of linger.
const (
	lingerTime  = time.Second
	lingerBytes = 64 << 10
)

// linger takes in a little of what the client still sends. A socket closed
// with bytes unread is reset, and the notice would be lost with it.
func (c *conn) linger() {
	half, ok := c.raw.(interface{ CloseWrite() error })
	if !ok || c.rw != c.raw || half.CloseWrite() != nil {
		return
	}
	c.setReadDeadline(time.Now().Add(lingerTime))
	scrap := c.in.buf
	for n := 0; n < lingerBytes; {
		got, err := c.raw.Read(scrap)
		if n += got; err != nil {
			return
		}
	}
}
