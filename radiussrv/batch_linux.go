package radiussrv

import (
	"errors"
	"net"
	"sync"
	"syscall"

	"golang.org/x/net/ipv4"
)

// batches takes several datagrams off a socket at once, and sends several.
type batches struct {
	conn     *ipv4.PacketConn // what is used of it serves both families
	messages []ipv4.Message   // being read
	controls []byte
	sending  *sync.Pool // of *[batchSize]ipv4.Message
}

const batchSize = 8

// newBatches makes one that takes so many octets of control messages with
// each datagram.
func newBatches(conn *net.UDPConn, control int) batches {
	r := batches{ipv4.NewPacketConn(conn), messages()[:], make([]byte, batchSize*control), &sync.Pool{New: func() any { return messages() }}}
	for i := range r.messages {
		r.messages[i].OOB = r.controls[i*control : (i+1)*control]
	}
	return r
}

func messages() *[batchSize]ipv4.Message {
	list := new([batchSize]ipv4.Message)
	for i := range list {
		list[i].Buffers = make([][]byte, 1)
	}
	return list
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

// writeAll is that of a socket; o sends a single one.
func (r batches) writeAll(o outlet, replies []parcel) (n int, err error) {
	if len(replies) == 1 {
		return oneByOne(o, replies)
	}
	list := r.sending.Get().(*[batchSize]ipv4.Message)
	defer r.sending.Put(list)
	for n < len(replies) {
		some := list[:min(len(replies)-n, batchSize)]
		for i := range some {
			p := &replies[n+i]
			some[i].Buffers[0], some[i].OOB, some[i].Addr = p.reply, p.to.local, p.to.addr
		}
		sent, err := r.conn.WriteBatch(some, 0)
		n += max(0, sent)
		if err != nil {
			return n, err //nolint:wrapcheck // said by the caller, with what was attempted
		}
	}
	return n, nil
}
