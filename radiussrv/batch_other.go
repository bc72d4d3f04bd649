//go:build !linux

package radiussrv

import "net"

// batches takes datagrams off a socket one by one: other systems do not
// have, or not all of them, what would say whether there is one.
type batches struct {
	conn     *net.UDPConn
	controls []byte
	got      *int
}

func newBatches(conn *net.UDPConn, control int) batches {
	return batches{conn, make([]byte, control), new(int)}
}

func (batches) most() int { return 1 }

// control is what came with the last datagram.
func (r batches) control(int) []byte { return r.controls[:*r.got] }

// read is that of a socket.
func (r batches) read(batch []*exchange, wait bool) (n int, err error) {
	if !wait {
		return 0, nil
	}
	x := batch[0]
	x.got, *r.got, _, x.from.peer, err = r.conn.ReadMsgUDPAddrPort(x.buf[:], r.controls)
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (batches) writeAll(o outlet, replies []parcel) (int, error) { return oneByOne(o, replies) }
