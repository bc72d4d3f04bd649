package radiussrv

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net"
	"slices"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// Replies of one length to one place can go to the kernel as one message, which
// it cuts into datagrams as late as it may ("generic segmentation offload",
// Linux 4.18): way and queue are then found once for all of them.

const (
	// longestSegment is what fits a packet on every link there is (RFC 8200 §5:
	// 1280 octets, less the headers of IPv6 and UDP). The kernel refuses to cut
	// a message into what would not fit one.
	longestSegment = 1280 - 40 - 8
	// segmentControl is the room of the control message that says how long each
	// datagram is to be.
	segmentControl = 32
)

// segments reports whether the kernel knows how to cut messages for conn. One that
// does not would send them whole.
func segments(conn *net.UDPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	known := false
	err = raw.Control(func(fd uintptr) {
		_, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
		known = err == nil
	})
	return err == nil && known
}

// appendSegment appends to b the control message that has a message cut into
// datagrams of so many octets: a header of a word and two integers, the value, and
// what fills a word.
func appendSegment(b []byte, octets int) []byte {
	at := len(b)
	b = append(b, make([]byte, syscall.CmsgSpace(2))...)
	m := b[at:]
	const word = syscall.SizeofCmsghdr - 8
	if length := uint64(syscall.CmsgLen(2)); word == 8 {
		binary.NativeEndian.PutUint64(m, length)
	} else {
		binary.NativeEndian.PutUint32(m, uint32(length))
	}
	binary.NativeEndian.PutUint32(m[word:], unix.IPPROTO_UDP)
	binary.NativeEndian.PutUint32(m[word+4:], unix.UDP_SEGMENT)
	binary.NativeEndian.PutUint16(m[syscall.CmsgLen(0):], uint16(octets)) //nolint:gosec // at most longestSegment
	return b
}

// shipment is what is sent at once: messages, and how many replies each carries.
type shipment struct {
	messages [together]ipv4.Message
	carries  [together]int
	controls [together][maxControl + segmentControl]byte
}

func newShipment() *shipment {
	s := new(shipment)
	for i := range s.messages {
		s.messages[i].Buffers = make([][]byte, 0, together)
	}
	return s
}

// load puts as many of the replies into messages as there is room for, in their
// order: those that follow each other and go together into one, if that is wanted.
func (s *shipment) load(replies []parcel, joined bool) []ipv4.Message {
	n := 0
	for len(replies) > 0 && n < len(s.messages) {
		many := 1
		for joined && many < min(len(replies), together) && replies[many].follows(&replies[0]) {
			many++
		}
		s.fill(n, replies[:many])
		replies = replies[many:]
		n++
	}
	return s.messages[:n]
}

func (s *shipment) fill(i int, replies []parcel) {
	m, first := &s.messages[i], &replies[0]
	m.Buffers, m.Addr, m.OOB = m.Buffers[:0], first.to.addr, first.to.local
	for _, p := range replies {
		m.Buffers = append(m.Buffers, p.reply)
	}
	if len(replies) > 1 {
		m.OOB = appendSegment(append(s.controls[i][:0], first.to.local...), len(first.reply))
	}
	s.carries[i] = len(replies)
}

// unload forgets what the messages carried: a shipment is kept to be used again.
func (s *shipment) unload(messages []ipv4.Message) {
	for i := range messages {
		m := &messages[i]
		clear(m.Buffers)
		m.Addr, m.OOB = nil, nil
	}
}

// carried is how many replies the first so many messages carry.
func (s *shipment) carried(messages int) (replies int) {
	for _, n := range s.carries[:messages] {
		replies += n
	}
	return replies
}

// follows reports whether p can be cut from the message that begins with first.
func (p *parcel) follows(first *parcel) bool {
	return len(p.reply) == len(first.reply) && len(p.reply) <= longestSegment &&
		p.to.peer == first.to.peer && bytes.Equal(p.to.local, first.to.local)
}

// sortParcels brings together what can go together. What goes to one place
// from one address in one length keeps its order.
func sortParcels(replies []parcel) {
	slices.SortStableFunc(replies, func(a, b parcel) int {
		return cmp.Or(a.to.peer.Compare(b.to.peer), cmp.Compare(len(a.reply), len(b.reply)), bytes.Compare(a.to.local, b.to.local))
	})
}
