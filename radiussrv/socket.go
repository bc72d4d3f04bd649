package radiussrv

import (
	"fmt"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// socket is where datagrams come from and replies go to. It may be used
// concurrently.
type socket interface {
	// read puts a datagram into b, cut off where it is longer, and notes in
	// from how to answer it.
	read(b []byte, from *origin) (int, error)
	write(reply []byte, to origin) error
}

// receiveBuffer is what is asked of the kernel for a burst of requests. It
// gives what it allows (net.core.rmem_max on Linux).
const receiveBuffer = 4 << 20

func newSocket(conn net.PacketConn) (socket, error) {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return packetSocket{conn}, nil
	}
	// Less than what is asked for is no reason not to serve.
	_ = udp.SetReadBuffer(receiveBuffer)
	bound, ok := udp.LocalAddr().(*net.UDPAddr)
	if !ok || !bound.IP.IsUnspecified() {
		return &udpSocket{UDPConn: udp}, nil
	}
	s := &wildcardSocket{UDPConn: udp, controls: make(map[string][]byte)}
	var err error
	if bound.IP.To4() != nil {
		err = ipv4.NewPacketConn(udp).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	} else {
		err = ipv6.NewPacketConn(udp).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the address that was queried; listen on single addresses instead: %w", err)
	}
	return s, nil
}

// udpSocket is bound to one address, which is where its replies leave from.
type udpSocket struct{ *net.UDPConn }

func (s *udpSocket) read(b []byte, from *origin) (n int, err error) {
	from.via = s
	n, from.peer, err = s.ReadFromUDPAddrPort(b)
	return n, err
}

func (s *udpSocket) write(reply []byte, to origin) error {
	_, err := s.WriteToUDPAddrPort(reply, to.peer)
	return err
}

// wildcardSocket listens on every address. A client takes a reply only from
// the address it asked, so each datagram comes with that address and each
// reply goes with it.
type wildcardSocket struct {
	*net.UDPConn

	mu       sync.RWMutex
	controls map[string][]byte // what came with a datagram → what goes with its reply
}

const (
	maxControl  = 128
	maxControls = 1024 // a host has few addresses; a map must not grow with what strangers send
)

func (s *wildcardSocket) read(b []byte, from *origin) (n int, err error) {
	var control [maxControl]byte
	n, nc, _, peer, err := s.ReadMsgUDPAddrPort(b, control[:])
	if err != nil {
		return 0, err
	}
	from.via, from.local = s, s.control(control[:nc])
	from.peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	return n, nil
}

func (s *wildcardSocket) write(reply []byte, to origin) error {
	_, _, err := s.WriteMsgUDPAddrPort(reply, to.local, to.peer)
	return err
}

// control returns what makes the reply leave from the address in received.
// It is worked out once for each address.
func (s *wildcardSocket) control(received []byte) []byte {
	s.mu.RLock()
	c, ok := s.controls[string(received)]
	s.mu.RUnlock()
	if ok {
		return c
	}
	c = replyControl(received)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.controls) < maxControls {
		s.controls[string(received)] = c
	}
	return c
}

// replyControl turns the control message of a datagram into that of its reply.
// The interface is named only where the address means nothing without it, so
// that a host with several routes back may use any of them.
func replyControl(received []byte) []byte {
	var v4 ipv4.ControlMessage
	if v4.Parse(received) == nil && v4.Dst != nil {
		return (&ipv4.ControlMessage{Src: v4.Dst}).Marshal()
	}
	var v6 ipv6.ControlMessage
	if v6.Parse(received) != nil || v6.Dst == nil {
		return nil
	}
	if mapped := v6.Dst.To4(); mapped != nil {
		return (&ipv4.ControlMessage{Src: mapped}).Marshal()
	}
	reply := ipv6.ControlMessage{Src: v6.Dst}
	if v6.Dst.IsLinkLocalUnicast() {
		reply.IfIndex = v6.IfIndex
	}
	return reply.Marshal()
}

// packetSocket is any other datagram connection.
type packetSocket struct{ net.PacketConn }

func (s packetSocket) read(b []byte, from *origin) (int, error) {
	n, addr, err := s.ReadFrom(b)
	if err != nil {
		return 0, err
	}
	peer, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return 0, fmt.Errorf("reading the source of a datagram: %w", err)
	}
	from.via, from.peer = s, peer
	return n, nil
}

func (s packetSocket) write(reply []byte, to origin) error {
	_, err := s.WriteTo(reply, net.UDPAddrFromAddrPort(to.peer))
	return err
}
