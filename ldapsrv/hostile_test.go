package ldapsrv

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/ldapsrv/wire"
)

// from returns a dialler whose connections come from that loopback address.
func from(address string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: patience}
}

// hostile is one way to be a nuisance: what a connection does until it is
// closed or ctx ends. done counts what got through.
type hostile func(ctx context.Context, c net.Conn, done *atomic.Int64)

// pour writes b again and again until the other side has had enough.
func pour(b []byte) hostile {
	return func(ctx context.Context, c net.Conn, done *atomic.Int64) {
		for ctx.Err() == nil {
			n, err := c.Write(b)
			done.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
}

// linger sends b and then nothing more.
func linger(b []byte) hostile {
	return func(ctx context.Context, c net.Conn, done *atomic.Int64) {
		n, _ := c.Write(b)
		done.Add(int64(n))
		<-ctx.Done()
	}
}

func garbage() []byte {
	b := make([]byte, 64<<10)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(b) // never fails
	return b
}

// attacks are the ways, and on how many connections at once.
var attacks = []struct {
	name        string
	connections int
	do          hostile
}{
	{"garbage", 8, pour(garbage())},
	{"24 MB of indefinite lengths", 2, pour(bytes.Repeat([]byte{0x30, 0x80}, 12<<20))},
	{"frames that never end", 8, pour(append([]byte{0x30, 0x82, 0x3f, 0x00}, make([]byte, 0x3e00)...))},
	{"600 half frames for ever", 600, linger(bindMessage(1, annName, "right")[:20])},
	{"600 connections without a word", 600, linger(nil)},
	{"lengths of 2 GiB", 8, pour([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})},
	{"10000 pipelined requests, answers unread", 2, pour(bytes.Repeat(whoAmIMessage(1), 10_000))},
	{"10000 pipelined binds, answers unread", 2, pour(bytes.Repeat(bindMessage(1, "nobody", "x"), 10_000))},
	{"connect and leave", 8, func(_ context.Context, _ net.Conn, done *atomic.Int64) { done.Add(1) }},
}

func TestHostileClientsDisturbNobody(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			srv, addr := start(t, testConfig())
			if err := bindsFrom("127.0.0.2", addr, 5, 2); err != nil {
				t.Fatalf("before it: %v", err)
			}
			before := settle(t, srv)

			done, end := besiege(t, addr, a.connections, a.do)
			if err := bindsFrom("127.0.0.2", addr, 20, 10); err != nil {
				t.Errorf("during it: %v", err)
			}
			if during := footprint(); during > before+48<<20 {
				t.Errorf("during it, memory grew from %d to %d bytes", before, during)
			}
			end()
			if done.Load() == 0 && a.name != "600 connections without a word" {
				t.Error("nothing of it reached the server")
			}
			settle(t, srv)
			for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
				after := footprint() // what has left still has to end
				if after <= before+4<<20 {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("memory was %d bytes before it and is %d after", before, after)
				}
			}
		})
	}
}

// TestANewcomerIsNotRefusedForWhatItsNeighboursDo: from behind one address,
// half frames without end leave room for whoever has something to say.
func TestANewcomerIsNotRefusedForWhatItsNeighboursDo(t *testing.T) {
	srv, addr := start(t, testConfig())
	_, end := besiege(t, addr, 600, linger(bindMessage(1, annName, "right")[:20]))
	if err := bindsFrom("127.0.0.3", addr, 50, 4); err != nil {
		t.Errorf("from the same address: %v", err)
	}
	srv.gate.mu.Lock()
	if n := srv.gate.unbound.Len(); n > srv.limits.UnboundPerAddress {
		t.Errorf("%d connections without a bind, want %d at most", n, srv.limits.UnboundPerAddress)
	}
	srv.gate.mu.Unlock()
	end()
	settle(t, srv)
}

// besiege opens connections from 127.0.0.3 and opens each anew when it was
// closed, until end is called. It returns when all have been open once.
func besiege(t *testing.T, addr string, connections int, do hostile) (done *atomic.Int64, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done = new(atomic.Int64)
	var all, opened sync.WaitGroup
	opened.Add(connections)
	for range connections {
		all.Go(func() {
			for first := true; ctx.Err() == nil; first = false {
				c, err := from("127.0.0.3").DialContext(ctx, "tcp", addr)
				if first {
					opened.Done()
				}
				if err != nil {
					continue // ctx has ended, or the server's queue is full
				}
				hangUp := context.AfterFunc(ctx, func() { c.Close() })
				do(ctx, c, done)
				hangUp()
				c.Close()
			}
		})
	}
	opened.Wait()
	return done, func() { cancel(); all.Wait() }
}

// bindsFrom binds as ann on a number of connections, so often on each, and
// asks who it is.
func bindsFrom(address, server string, connections, binds int) error {
	for range connections {
		if err := bindOn(address, server, binds); err != nil {
			return err
		}
	}
	return nil
}

func bindOn(address, server string, binds int) error {
	c, err := from(address).Dial("tcp", server)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	for id := int32(1); id <= int32(binds); id++ {
		for _, say := range []struct{ request, want []byte }{
			{bindMessage(id, annName, "right"), bindAnswer(id, wire.Success)},
			{whoAmIMessage(id), whoAmIAnswer(id, "dn:"+annName)},
		} {
			if err := converse(c, say.request, say.want); err != nil {
				return err
			}
		}
	}
	return nil
}

// unexpected is an answer that is not the one wanted.
type unexpected struct{ got, want []byte }

func (u unexpected) Error() string { return "received " + string(u.got) + ", want " + string(u.want) }

func converse(c net.Conn, request, want []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return unexpected{got, want}
	}
	return nil
}

// settle waits until no connection is counted any more, and returns what
// memory is in use then.
func settle(t *testing.T, srv *Server) uint64 {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		srv.gate.mu.Lock()
		n := srv.gate.total
		srv.gate.mu.Unlock()
		if n == 0 {
			return footprint()
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are still there", n)
		}
	}
}

// footprint is the memory that is in use, goroutines' stacks included.
func footprint() uint64 {
	runtime.GC()
	runtime.GC() // what had a finalizer goes the second time
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

func TestGoroutinesComeBack(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("with a server", func(t *testing.T) {
		srv, addr := start(t, testConfig())
		_, end := besiege(t, addr, 100, linger(whoAmIMessage(1)))
		if err := bindsFrom("127.0.0.2", addr, 5, 5); err != nil {
			t.Error(err)
		}
		if n := runtime.NumGoroutine(); n < before+100 {
			t.Errorf("%d goroutines serve 100 connections", n-before)
		}
		end()
		settle(t, srv)
	})
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
}

// TestAnIdleConnectionIsCheap bounds what a connection that was bound and says
// nothing costs in heap and stack.
func TestAnIdleConnectionIsCheap(t *testing.T) {
	const connections, most = 400, 18 << 10
	srv, addr := start(t, testConfig())
	before := footprint()
	open := make([]net.Conn, 0, connections)
	for range connections {
		c, err := from("127.0.0.2").Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		if err := converse(c, bindMessage(1, annName, "right"), bindAnswer(1, wire.Success)); err != nil {
			t.Fatal(err)
		}
	}
	each := (int64(footprint()) - int64(before)) / connections // less than nothing, where tests before left something to end
	t.Logf("%d bytes for each of %d connections, the client's side included", each, connections)
	if each > most {
		t.Errorf("an idle connection costs %d bytes, the client's side included; want %d at most", each, most)
	}
	for _, c := range open {
		c.Close()
	}
	settle(t, srv)
}
