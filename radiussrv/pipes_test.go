package radiussrv_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern/radiussrv"
)

// stream is one direction of a connection inside the test: it holds what is
// written until it is read, and its deadlines run by the clock of a bubble.
type stream struct {
	mu      sync.Mutex
	data    []byte
	end     error // what the reader gets behind the data
	until   time.Time
	changed chan struct{}
}

func newStream() *stream { return &stream{changed: make(chan struct{})} }

// change does f and wakes the reader.
func (s *stream) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// take reads without waiting; changed closes when there may be more.
func (s *stream) take(b []byte) (n int, err error, until time.Time, changed chan struct{}) { //nolint:revive,staticcheck // the error belongs to n
	s.mu.Lock()
	defer s.mu.Unlock()
	n = copy(b, s.data)
	s.data = s.data[n:]
	switch {
	case n > 0:
	case s.end != nil:
		err = s.end
	case !s.until.IsZero() && !time.Now().Before(s.until):
		err = os.ErrDeadlineExceeded
	}
	return n, err, s.until, s.changed
}

func (s *stream) Read(b []byte) (int, error) {
	for {
		n, err, until, changed := s.take(b)
		if n > 0 || err != nil {
			return n, err
		}
		var expired <-chan time.Time
		if !until.IsZero() {
			expired = time.After(time.Until(until))
		}
		select {
		case <-changed:
		case <-expired:
		}
	}
}

// end is one end of a connection inside the test, which is on loopback as far
// as it says.
type end struct {
	in, out *stream
	closing func() // called before it closes, nil for nothing
}

func (e *end) Read(b []byte) (int, error) { return e.in.Read(b) }

func (e *end) Write(b []byte) (n int, err error) {
	e.out.change(func() {
		if err = e.out.end; err == nil {
			e.out.data = append(e.out.data, b...)
			n = len(b)
		}
	})
	return n, err
}

func (e *end) Close() error {
	if e.closing != nil {
		e.closing()
	}
	e.in.change(func() { e.in.end = net.ErrClosed })
	e.out.change(func() { e.out.end = io.EOF })
	return nil
}

func (e *end) LocalAddr() net.Addr               { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2083} }
func (e *end) RemoteAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000} }
func (e *end) SetDeadline(t time.Time) error     { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(time.Time) error  { return nil } // a write never waits
func (e *end) SetReadDeadline(t time.Time) error { e.in.change(func() { e.in.until = t }); return nil }

// pipes is a listener inside the test.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return (&end{}).LocalAddr() }

// connect returns the client's end of a new connection. closing, where there is
// one, is called before the server's end closes.
func (p *pipes) connect(closing func()) net.Conn {
	up, down := newStream(), newStream()
	p.conns <- &end{in: up, out: down, closing: closing}
	return &end{in: down, out: up}
}

// tlsBubble runs test on a Server of RADIUS over TLS with time of its own.
func tlsBubble(t *testing.T, cfg radiussrv.Config, test func(*testing.T, *tlsServer, *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		test(t, serveTLS(t, cfg, ln), ln)
	})
}

// proxyOver is the proxy on a connection.
func (k *tlsServer) proxyOver(conn net.Conn) *tls.Conn {
	k.t.Helper()
	secured := tls.Client(conn, k.trusting(k.ca.issue(k.t, "proxy.example.org")))
	if err := secured.HandshakeContext(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = secured.Close() })
	return secured
}
