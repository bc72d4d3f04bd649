package radiussrv_test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"net"
	"sync"
	"testing"
	"time"

	"layeh.com/radius"

	"postern/policy"
	"postern/radiussrv"
)

// BenchmarkPAP measures whole PAP requests over loopback sockets, the load
// generator included, with a policy that costs nothing.
func BenchmarkPAP(b *testing.B) {
	s := start(b, radiussrv.Authentication, radiussrv.Config{
		Authenticator: authenticate(func(context.Context, policy.Attempt) policy.Decision {
			return policy.Decision{Outcome: policy.Accept}
		}),
	})
	drive(b, s.addr)
	b.StopTimer()
	if err := s.stop(); err != nil { // what is counted last is counted then
		b.Fatal(err)
	}
	if got := s.Stats().Accepts; got < uint64(b.N) {
		b.Fatalf("%d accepted of %d: %+v", got, b.N, s.Stats())
	}
}

// BenchmarkFloor is the same load on a loop that verifies and computes the
// authenticators and does nothing else: what PAP is compared with.
func BenchmarkFloor(b *testing.B) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	conn.SetReadBuffer(4 << 20)
	var loops sync.WaitGroup
	for range 2 {
		loops.Go(func() { bareLoop(conn) })
	}
	drive(b, conn.LocalAddr().(*net.UDPAddr))
	b.StopTimer()
	conn.Close()
	loops.Wait()
}

func bareLoop(conn *net.UDPConn) {
	sign, sum := hmac.New(md5.New, []byte(sharedSecret)), md5.New()
	var buf [4096]byte
	reply := make([]byte, 38)
	for {
		n, peer, err := conn.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			return
		}
		var claimed, zero [16]byte
		copy(claimed[:], buf[22:38])
		copy(buf[22:38], zero[:])
		sign.Reset()
		sign.Write(buf[:n])
		if !hmac.Equal(sign.Sum(nil), claimed[:]) {
			continue
		}
		copy(reply, []byte{2, buf[1], 0, 38})
		copy(reply[4:20], buf[4:20])
		copy(reply[20:22], []byte{80, 18})
		clear(reply[22:])
		sign.Reset()
		sign.Write(reply)
		copy(reply[22:], sign.Sum(nil))
		sum.Reset()
		sum.Write(reply)
		sum.Write([]byte(sharedSecret))
		copy(reply[4:20], sum.Sum(nil))
		conn.WriteToUDPAddrPort(reply, peer)
	}
}

// drive sends b.N requests from a few sockets, each with a window of requests
// on the way, and waits for the answers. Requests were built beforehand.
func drive(b *testing.B, addr *net.UDPAddr) {
	const sockets, window, prepared = 4, 16, 4096
	packets := make([][][]byte, sockets)
	for i := range packets {
		for n := range prepared {
			packets[i] = append(packets[i], request(b, "ann", "aaaaabbbbbcccccdddddeeeee", func(p *radius.Packet) {
				p.Identifier = byte(n)
				p.Add(4, []byte{192, 0, 2, 1})         // NAS-IP-Address
				p.Add(31, []byte("00-11-22-33-44-55")) // Calling-Station-Id
			}))
		}
	}
	var group sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for i := range sockets {
		share := b.N / sockets
		if i == 0 {
			share += b.N % sockets
		}
		conn, err := net.DialUDP("udp", nil, addr)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		group.Go(func() { pump(b, conn, packets[i], share, window) })
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

func pump(b *testing.B, conn *net.UDPConn, packets [][]byte, total, window int) {
	var buf [4096]byte
	sent := 0
	next := func() {
		if sent < total {
			conn.Write(packets[sent%len(packets)])
			sent++
		}
	}
	for range window {
		next()
	}
	for range total {
		conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := conn.Read(buf[:]); err != nil {
			b.Error(err)
			return
		}
		next()
	}
}
