package radiussrv_test

import (
	"context"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"layeh.com/radius"

	"postern/policy"
	"postern/radiussrv"
)

func TestGoodRequestsGoOnDuringAFloodAndMemoryComesBack(t *testing.T) {
	calm, noisy := loopback("calm"), loopback("noisy")
	calm.Address, noisy.Address = prefix("127.0.0.2/32"), prefix("127.0.0.66/32")
	s := start(t, radiussrv.Authentication, radiussrv.Config{Clients: []radiussrv.Client{calm, noisy}, RejectDelay: 50 * time.Millisecond})
	s.deviceAt(t, "127.0.0.2").ask(good(t))
	before := footprint()

	sent, end := flood(t, s)
	d := s.deviceAt(t, "127.0.0.2")
	for n := 0; n < 200 || sent.Load() < 10000; n++ {
		if got := persist(d, good(t)); got != radius.CodeAccessAccept {
			t.Fatalf("request %d during the flood: %v", n, got)
		}
	}
	end()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		after := footprint()
		if after.goroutines <= before.goroutines && after.heap <= before.heap+16<<20 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines and %d bytes of heap before the flood, %d and %d after the server", before.goroutines, before.heap, after.goroutines, after.heap)
		}
	}
}

// flood sends garbage, forgeries and signed wrong passwords from one client
// and from strangers until end is called; sent counts them. It keeps a pace
// that leaves the machine room for the tests beside it.
func flood(t *testing.T, s *server) (sent *atomic.Uint64, end func()) {
	forged := good(t)
	forged[30] ^= 1
	wrong := make([][]byte, 64)
	for i := range wrong {
		wrong[i] = request(t, "ann", "wrong")
	}
	sent = new(atomic.Uint64)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, from := range []string{"127.0.0.66", "127.0.0.99"} {
		d := s.deviceAt(t, from)
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				for _, raw := range [][]byte{{}, make([]byte, 4096), forged[:30], forged, wrong[n%len(wrong)]} {
					d.Write(raw)
					sent.Add(1)
				}
				time.Sleep(200 * time.Microsecond)
			}
		})
	}
	end = func() { cancel(); group.Wait() }
	t.Cleanup(end)
	return sent, end
}

// persist asks as a device does: again every two seconds, five times in all.
// A flood may cost a datagram in the kernel's buffer, never a sign-in.
func persist(d *device, raw []byte) radius.Code {
	d.t.Helper()
	for range 5 {
		d.send(raw)
		for reply := d.await(2 * time.Second); reply != nil; reply = d.await(2 * time.Second) {
			if reply[1] == raw[1] && radius.IsAuthenticResponse(reply, raw, []byte(sharedSecret)) {
				return radius.Code(reply[0])
			}
		}
	}
	return 0
}

type measure struct {
	goroutines int
	heap       uint64
}

func footprint() measure {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return measure{runtime.NumGoroutine(), m.HeapAlloc}
}

func TestServeDrainsARealSocketAndClosesIt(t *testing.T) {
	deciding := make(chan struct{})
	finish := make(chan struct{})
	s := start(t, radiussrv.Authentication, radiussrv.Config{
		Authenticator: authenticate(func(context.Context, policy.Attempt) policy.Decision {
			close(deciding)
			<-finish
			return policy.Decision{Outcome: policy.Accept}
		}),
	})
	d := s.device(t)
	raw := good(t)
	d.send(raw)
	<-deciding
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	close(finish)
	if got := d.verify(raw, d.reply()).Code; got != radius.CodeAccessAccept {
		t.Errorf("the request under way got %v", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	conn, err := net.ListenUDP("udp", s.addr)
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	conn.Close()
}

func TestServeSaysWhenItsSocketFails(t *testing.T) {
	r, err := radiussrv.New(radiussrv.Config{Authenticator: authenticate(oneRight)})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(t.Context(), conn, radiussrv.Authentication) }()
	conn.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("Serve returned nil though its socket was gone")
		}
	case <-time.After(patience):
		t.Error("Serve did not notice that its socket was gone")
	}
}
