package radiussrv_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"layeh.com/radius"

	"postern/policy"
	"postern/radiussrv"
)

// wire is a datagram socket without a network, for tests in which time and
// order are exact.
type wire struct {
	in, out chan datagram
	expired chan struct{}
	expire  func()
}

type datagram struct {
	peer string
	raw  []byte
}

func newWire() *wire {
	w := &wire{in: make(chan datagram), out: make(chan datagram, 65536), expired: make(chan struct{})}
	w.expire = sync.OnceFunc(func() { close(w.expired) })
	return w
}

func (w *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-w.in:
		return copy(b, d.raw), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(d.peer)), nil
	case <-w.expired:
		return 0, nil, os.ErrDeadlineExceeded
	}
}

func (w *wire) WriteTo(b []byte, to net.Addr) (int, error) {
	w.out <- datagram{to.String(), b}
	return len(b), nil
}

func (w *wire) Close() error                     { w.expire(); return nil }
func (w *wire) LocalAddr() net.Addr              { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1812} }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { w.expire(); return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// rig is a Server on a wire, in a bubble of its own.
type rig struct {
	t *testing.T
	*radiussrv.Server
	wire *wire
	end  func() // ends the context of Serve
	done chan error
}

// nas is where requests come from unless a test says otherwise.
const nas = "127.0.0.1:40000"

// bubble runs test on a Server with time of its own.
func bubble(t *testing.T, role radiussrv.Role, cfg radiussrv.Config, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if cfg.Authenticator == nil {
			cfg.Authenticator = authenticate(oneRight)
		}
		if cfg.Clients == nil {
			cfg.Clients = []radiussrv.Client{loopback("loopback")}
		}
		s, err := radiussrv.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		r := &rig{t: t, Server: s, wire: newWire(), end: cancel, done: make(chan error, 1)}
		go func() { r.done <- s.Serve(ctx, r.wire, role) }()
		test(r)
		cancel()
		if err := <-r.done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func (r *rig) send(raw []byte) { r.sendFrom(nas, raw) }

func (r *rig) sendFrom(peer string, raw []byte) {
	r.wire.in <- datagram{peer, raw}
	synctest.Wait()
}

// replies returns what has been sent since it was last asked, without letting
// time pass.
func (r *rig) replies() (out []datagram) {
	synctest.Wait()
	for {
		select {
		case d := <-r.wire.out:
			out = append(out, d)
		default:
			return out
		}
	}
}

// silent fails if anything was sent, now or within a minute.
func (r *rig) silent() {
	r.t.Helper()
	time.Sleep(time.Minute)
	if got := r.replies(); len(got) > 0 {
		r.t.Errorf("an answer came: % x", got[0].raw)
	}
}

// ask sends a request and returns its reply, which must come at once and be
// authentic.
func (r *rig) ask(request []byte) *radius.Packet {
	r.t.Helper()
	return r.verify(request, r.raw(request))
}

// raw sends a request and returns the octets of its reply, which must come at
// once.
func (r *rig) raw(request []byte) []byte {
	r.t.Helper()
	r.send(request)
	got := r.replies()
	if len(got) != 1 {
		r.t.Fatalf("%d replies came, want one; %+v", len(got), r.Stats())
	}
	if got[0].peer != nas {
		r.t.Fatalf("the reply went to %s, the request came from %s", got[0].peer, nas)
	}
	return got[0].raw
}

func (r *rig) verify(request, reply []byte) *radius.Packet {
	r.t.Helper()
	return (&device{t: r.t}).verify(request, reply)
}

// dropped fails unless n datagrams were dropped for that reason, and none for
// another.
func (r *rig) dropped(why radiussrv.Drop, n uint64) {
	r.t.Helper()
	for name, count := range r.Stats().Dropped {
		want := uint64(0)
		if name == why.String() {
			want = n
		}
		if count != want {
			r.t.Errorf("%d dropped as %s, want %d", count, name, want)
		}
	}
}

// always answers every attempt alike.
func always(o policy.Outcome) authenticate {
	return func(context.Context, policy.Attempt) policy.Decision { return policy.Decision{Outcome: o} }
}
