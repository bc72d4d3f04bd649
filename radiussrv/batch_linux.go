package radiussrv

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/ipv4"
)

// batches takes several datagrams off a socket at once, and sends several.
type batches struct {
	conn     *ipv4.PacketConn // what is used of it serves both families
	messages []ipv4.Message   // being read
	controls []byte
	sending  *sync.Pool   // of *shipment
	joins    *atomic.Bool // several replies go as one message, see shipment
}

// batchSize is how many datagrams are taken at once: as many as leave together.
const batchSize = together

// newBatches makes one that takes so many octets of control messages with
// each datagram.
func newBatches(conn *net.UDPConn, control int) batches {
	r := batches{
		conn: ipv4.NewPacketConn(conn), messages: make([]ipv4.Message, batchSize), controls: make([]byte, batchSize*control),
		sending: &sync.Pool{New: func() any { return newShipment() }}, joins: new(atomic.Bool),
	}
	r.joins.Store(segments(conn))
	for i := range r.messages {
		r.messages[i].Buffers = make([][]byte, 1)
		r.messages[i].OOB = r.controls[i*control : (i+1)*control]
	}
	return r
}

func (batches) most() int { return batchSize }

// control is what came with datagram i of the last read.
func (r batches) control(i int) []byte { return r.messages[i].OOB[:r.messages[i].NN] }

// read is that of a socket.
func (r batches) read(batch []*exchange, wait bool) (int, error) {
	for i, x := range batch {
		r.messages[i].Buffers[0] = x.buf[:]
	}
	flags := syscall.MSG_DONTWAIT
	if wait {
		flags = 0
	}
	n, err := r.conn.ReadBatch(r.messages[:len(batch)], flags)
	if err != nil {
		if errors.Is(err, syscall.EAGAIN) {
			return 0, nil
		}
		return 0, err //nolint:wrapcheck // said by the caller, with what was attempted
	}
	for i, m := range r.messages[:n] {
		peer, ok := m.Addr.(*net.UDPAddr)
		if !ok {
			return i, errors.New("a datagram came from nowhere")
		}
		batch[i].got, batch[i].from.peer, batch[i].from.addr = m.N, peer.AddrPort(), peer
	}
	return n, nil
}

// writeAll is that of a socket; o sends a single one. It sorts the replies.
func (r batches) writeAll(o outlet, replies []parcel) (n int, err error) {
	if len(replies) == 1 {
		return oneByOne(o, replies)
	}
	s := r.sending.Get().(*shipment)
	defer r.sending.Put(s)
	if r.joins.Load() {
		sortParcels(replies)
	}
	for n < len(replies) && err == nil {
		var sent int
		messages := s.load(replies[n:], r.joins.Load())
		sent, err = r.conn.WriteBatch(messages, 0)
		s.unload(messages)
		if err == nil {
			n += s.carried(sent)
		} else if together := s.carried(1); together > 1 {
			sent, err = r.apart(o, replies[n:n+together])
			n += sent
		}
	}
	return n, err //nolint:wrapcheck // said by the caller, with what was attempted
}

// apart sends one by one what could not be sent as one message. If it can, then it
// was that the way to there cannot: nothing is sent so again on this socket.
func (r batches) apart(o outlet, replies []parcel) (n int, err error) {
	if n, err = oneByOne(o, replies); err == nil {
		r.joins.Store(false)
	}
	return n, err
}
