package radiussrv

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

// reply is a reply of that many octets that is told from all others by n.
func reply(n, octets int) []byte {
	return append(fmt.Appendf(nil, "%03d", n), bytes.Repeat([]byte{byte(n)}, octets-3)...)
}

func TestRepliesThatMayGoTogetherDo(t *testing.T) {
	one, two := netip.MustParseAddrPort("127.0.0.1:1001"), netip.MustParseAddrPort("127.0.0.1:1002")
	local := make([]byte, syscall.CmsgSpace(syscall.SizeofInet4Pktinfo))
	to := func(peer netip.AddrPort, local []byte, octets ...int) (list []parcel) {
		for i, n := range octets {
			list = append(list, parcel{reply(i, n), origin{peer: peer, local: local}})
		}
		return list
	}
	mixed := []parcel{}
	for i, p := range to(one, nil, 38, 38, 38, 38) {
		mixed = append(mixed, p, to(two, nil, 38, 38, 38, 38)[i])
	}
	for name, c := range map[string]struct {
		replies []parcel
		carries []int // by message
	}{
		"to one place":              {to(one, nil, 38, 38, 38), []int{3}},
		"to two in turn":            {mixed, []int{4, 4}},
		"of two lengths":            {to(one, nil, 38, 51, 38, 51, 38), []int{3, 2}},
		"from two addresses":        {append(to(one, local, 38, 38), to(one, nil, 38)...), []int{1, 2}},
		"the longest":               {to(one, nil, longestSegment, longestSegment), []int{2}},
		"too long to be cut":        {to(one, nil, longestSegment+1, longestSegment+1), []int{1, 1}},
		"one alone":                 {to(one, nil, 38), []int{1}},
		"as many as leave together": {to(one, nil, slices.Repeat([]int{38}, together)...), []int{together}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShipment()
			sortParcels(c.replies)
			messages := s.load(c.replies, true)
			if got := s.carries[:len(messages)]; !slices.Equal(got, c.carries) {
				t.Fatalf("messages carry %v, want %v", got, c.carries)
			}
			if s.carried(len(messages)) != len(c.replies) {
				t.Errorf("they carry %d of %d replies", s.carried(len(messages)), len(c.replies))
			}
			s.unload(messages)
			apart := s.load(c.replies, false)
			if len(apart) != len(c.replies) || s.carried(len(apart)) != len(apart) {
				t.Errorf("%d messages where each reply was to be one", len(apart))
			}
			s.unload(apart)
			if holds(s) {
				t.Error("what was sent is held on to")
			}
		})
	}
}

// holds reports whether s holds on to anything of what it carried.
func holds(s *shipment) bool {
	return slices.ContainsFunc(s.messages[:], func(m ipv4.Message) bool {
		kept := slices.ContainsFunc(m.Buffers[:cap(m.Buffers)], func(b []byte) bool { return b != nil })
		return kept || m.Addr != nil || m.OOB != nil
	})
}

// loopbackSocket is a socket of this host that nobody reaches from outside.
func loopbackSocket(t *testing.T, network, address string) *net.UDPConn {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		return errors.Join(raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptString(int(fd), syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, "lo")
		}), err)
	}}
	conn, err := config.ListenPacket(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.UDPConn)
}

// asked has each client ask the server, and returns where its answers go.
func asked(t *testing.T, server *net.UDPConn, ln *lane, clients []*net.UDPConn) (origins []origin) {
	t.Helper()
	for _, client := range clients {
		at := client.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
		port := server.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		if _, err := client.WriteToUDPAddrPort([]byte("?"), netip.AddrPortFrom(at, port)); err != nil {
			t.Fatal(err)
		}
		_ = ln.SetReadDeadline(time.Now().Add(20 * time.Second))
		x := new(exchange)
		if n, err := ln.read([]*exchange{x}, true); n != 1 || err != nil {
			t.Fatalf("%d datagrams were read: %v", n, err)
		}
		origins = append(origins, x.from)
	}
	return origins
}

// joins is whether ln sends several replies as one message.
func joins(t *testing.T, ln *lane) bool {
	t.Helper()
	switch s := ln.socket.(type) {
	case *udpSocket:
		return s.in.joins.Load()
	case *wildcardSocket:
		return s.in.joins.Load()
	}
	t.Fatalf("a lane on a %T", ln.socket)
	return false
}

// withoutChecksums has conn send none, which the kernel does not do for messages
// it is to cut.
func withoutChecksums(t *testing.T, conn *net.UDPConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var inner error
	err = raw.Control(func(fd uintptr) { inner = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_NO_CHECK, 1) })
	if err = errors.Join(err, inner); err != nil {
		t.Fatal(err)
	}
}

// arrived reads so many datagrams.
func arrived(t *testing.T, conn *net.UDPConn, n int) (list []string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 8192)
	for len(list) < n {
		k, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("after %d of %d datagrams: %v", len(list), n, err)
		}
		list = append(list, string(buf[:k]))
	}
	return list
}

// nothingElse says that conn has no more. What was sent on this host is there.
func nothingElse(t *testing.T, conn *net.UDPConn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Unix(1, 0))
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		if n, _, err := syscall.Recvfrom(int(fd), make([]byte, 8192), syscall.MSG_DONTWAIT); !errors.Is(err, syscall.EAGAIN) {
			t.Errorf("there was one datagram more, of %d octets: %v", n, err)
		}
	})
}

// TestEveryReplyIsADatagramOfItsOwn sends as the server does, and takes what
// arrives: from sockets of one address and of all, of both families, and where a
// message cannot be cut, for which a socket that writes no checksums stands.
func TestEveryReplyIsADatagramOfItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		network, server, client string
		spoil                   bool
	}{
		"one address":          {"udp4", "127.0.0.1:0", "127.0.0.1:0", false},
		"every address":        {"udp4", "0.0.0.0:0", "127.0.0.1:0", false},
		"both families":        {"udp", "[::]:0", "127.0.0.1:0", false},
		"both, over IPv6":      {"udp", "[::]:0", "[::1]:0", false},
		"IPv6":                 {"udp6", "[::1]:0", "[::1]:0", false},
		"what cannot be cut":   {"udp4", "127.0.0.1:0", "127.0.0.1:0", true},
		"nor on every address": {"udp4", "0.0.0.0:0", "127.0.0.1:0", true},
	} {
		t.Run(name, func(t *testing.T) {
			server := loopbackSocket(t, c.network, c.server)
			ln, err := newLane(server)
			if err != nil {
				t.Fatal(err)
			}
			if !joins(t, ln) {
				t.Fatal("this kernel does not cut messages, so that nothing is shown here")
			}
			if c.spoil {
				withoutChecksums(t, server)
			}
			clients := []*net.UDPConn{loopbackSocket(t, "udp", c.client), loopbackSocket(t, "udp", c.client)}
			want := make([][]string, len(clients))
			var replies []parcel
			for i, to := range asked(t, server, ln, clients) {
				for k, octets := range []int{38, 38, 51, 38, 4000, 38} {
					r := reply(10*i+k, octets)
					replies, want[i] = append(replies, parcel{r, to}), append(want[i], string(r))
				}
			}
			(&listener{Server: new(Server), lanes: []*lane{ln}}).sendAll(replies)
			for i, client := range clients {
				got := arrived(t, client, len(want[i]))
				slices.Sort(got)
				slices.Sort(want[i])
				if !slices.Equal(got, want[i]) {
					t.Errorf("client %d was sent %.60q, want %.60q", i, got, want[i])
				}
				nothingElse(t, client)
			}
			if joins(t, ln) == c.spoil {
				t.Errorf("replies are sent as one message afterwards: %v", !c.spoil)
			}
		})
	}
}

// TestOneReplyThatCannotBeSentKeepsNoOther has replies to one place among
// others that nothing can be sent to.
func TestOneReplyThatCannotBeSentKeepsNoOther(t *testing.T) {
	server := loopbackSocket(t, "udp4", "127.0.0.1:0")
	ln, err := newLane(server)
	if err != nil {
		t.Fatal(err)
	}
	client := loopbackSocket(t, "udp4", "127.0.0.1:0")
	to := asked(t, server, ln, []*net.UDPConn{client})[0]
	nowhere := to
	nowhere.peer = netip.MustParseAddrPort("127.0.0.1:0")
	nowhere.addr = net.UDPAddrFromAddrPort(nowhere.peer)
	var replies []parcel
	for i := range 4 {
		replies = append(replies, parcel{reply(i, 38), nowhere}, parcel{reply(100+i, 38), to})
	}
	s := &Server{cfg: Config{Logger: slog.New(slog.DiscardHandler)}}
	(&listener{Server: s, lanes: []*lane{ln}}).sendAll(replies)
	if got := arrived(t, client, 4); !slices.IsSorted(got) {
		t.Errorf("replies to one place changed their order: %.10q", got)
	}
	nothingElse(t, client)
	if failed := s.count.dropped[DropSendFailed].Load(); failed != 4 {
		t.Errorf("%d replies are counted as not sent, want 4", failed)
	}
	if !joins(t, ln) {
		t.Error("nothing is sent as one message any more, though nothing at all could be sent there")
	}
}
