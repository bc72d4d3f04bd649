package radiussrv

import (
	"fmt"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// outlet is where replies go to. It may be used concurrently.
type outlet interface {
	write(reply []byte, to origin) error
}

// socket is where datagrams come from as well.
type socket interface {
	outlet
	// most is how many datagrams one read can give.
	most() int
	// read fills the first n of batch with a datagram each, cut off where it is
	// longer, and notes how to answer it. With wait it waits for the first,
	// otherwise there may be none. One goroutine at a time reads.
	read(batch []*exchange, wait bool) (n int, err error)
	// writeAll sends the replies and returns how many of them went out before
	// the first that could not be sent, if one could not.
	writeAll(replies []parcel) (n int, err error)
}

// parcel is a reply with its address.
type parcel struct {
	reply []byte
	to    origin
}

// oneByOne is writeAll where nothing better is known.
func oneByOne(o outlet, replies []parcel) (int, error) {
	for i, r := range replies {
		if err := o.write(r.reply, r.to); err != nil {
			return i, err
		}
	}
	return len(replies), nil
}

// receiveBuffer is what is asked of the kernel for a burst of requests. It
// gives what it allows (net.core.rmem_max on Linux).
const receiveBuffer = 4 << 20

// sendBuffer is asked of it for replies. Those to a device that has gone from the
// network wait for its link address, for three seconds and up to 208 KB of them on
// Linux, which is just what a socket has room for by default: one device that is
// gone would hold up the replies to all others.
const sendBuffer = 4 << 20

func newSocket(conn net.PacketConn) (socket, error) {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return packetSocket{conn}, nil
	}
	// Less than what is asked for is no reason not to serve.
	_ = udp.SetReadBuffer(receiveBuffer)
	_ = udp.SetWriteBuffer(sendBuffer)
	bound, ok := udp.LocalAddr().(*net.UDPAddr)
	if !ok || !bound.IP.IsUnspecified() {
		return &udpSocket{UDPConn: udp, in: newBatches(udp, 0)}, nil
	}
	s := &wildcardSocket{UDPConn: udp, in: newBatches(udp, maxControl), controls: make(map[string][]byte)}
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
type udpSocket struct {
	*net.UDPConn
	in batches
}

func (s *udpSocket) most() int { return s.in.most() }

func (s *udpSocket) read(batch []*exchange, wait bool) (int, error) {
	n, err := s.in.read(batch, wait)
	for _, x := range batch[:n] {
		x.from.via, x.from.local = s, nil
	}
	return n, err
}

func (s *udpSocket) write(reply []byte, to origin) error {
	_, err := s.WriteToUDPAddrPort(reply, to.peer)
	return err
}

func (s *udpSocket) writeAll(replies []parcel) (int, error) { return s.in.writeAll(s, replies) }

// wildcardSocket listens on every address. A client takes a reply only from
// the address it asked, so each datagram comes with that address and each
// reply goes with it.
type wildcardSocket struct {
	*net.UDPConn
	in batches

	mu       sync.RWMutex
	controls map[string][]byte // what came with a datagram → what goes with its reply
}

const (
	maxControl  = 128
	maxControls = 1024 // a host has few addresses; a map must not grow with what strangers send
)

func (s *wildcardSocket) most() int { return s.in.most() }

func (s *wildcardSocket) read(batch []*exchange, wait bool) (int, error) {
	n, err := s.in.read(batch, wait)
	for i, x := range batch[:n] {
		x.from.via, x.from.local = s, s.control(s.in.control(i))
		x.from.peer = netip.AddrPortFrom(x.from.peer.Addr().Unmap(), x.from.peer.Port())
	}
	return n, err
}

func (s *wildcardSocket) write(reply []byte, to origin) error {
	_, _, err := s.WriteMsgUDPAddrPort(reply, to.local, to.peer)
	return err
}

func (s *wildcardSocket) writeAll(replies []parcel) (int, error) { return s.in.writeAll(s, replies) }

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

func (packetSocket) most() int { return 1 }

func (s packetSocket) read(batch []*exchange, wait bool) (int, error) {
	if !wait {
		return 0, nil
	}
	x := batch[0]
	n, addr, err := s.ReadFrom(x.buf[:])
	if err != nil {
		return 0, err
	}
	peer, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return 0, fmt.Errorf("reading the source of a datagram: %w", err)
	}
	x.got, x.from = n, origin{via: s, peer: peer}
	return 1, nil
}

func (s packetSocket) write(reply []byte, to origin) error {
	_, err := s.WriteTo(reply, net.UDPAddrFromAddrPort(to.peer))
	return err
}

func (s packetSocket) writeAll(replies []parcel) (int, error) { return oneByOne(s, replies) }
