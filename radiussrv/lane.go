package radiussrv

import (
	"net"
	"sync"
	"time"
)

// lane is a way to the socket on a descriptor of its own. The runtime lets one
// goroutine at a time read from a descriptor and one write to it, and puts the
// others to sleep; on lanes of their own two of them work side by side.
type lane struct {
	socket
	net.PacketConn
	own bool // the descriptor is the listener's

	reading sync.Mutex
	batch   []*exchange // being read
	until   time.Time   // who waits on a lane of its own gives up then
	sending sync.Mutex
}

// bound has who waits on the lane for a while in vain give up, so that at quiet
// times each datagram wakes one goroutine and not two. On the first lane
// somebody waits for ever. The caller is the one who reads.
func (ln *lane) bound(now time.Time) {
	if ln.own && ln.until.Sub(now) < spareFor {
		ln.until = now.Add(2 * spareFor)
		_ = ln.SetReadDeadline(ln.until)
	}
}

// lanesOfOne is how many lanes one socket has. Whoever sleeps on one is woken
// by each datagram, also when another takes it: so no more than can read all
// that a network brings.
const lanesOfOne = 2

// newLanes prepares conn, which is the first lane.
func newLanes(conn net.PacketConn) ([]*lane, error) {
	first, err := newLane(conn)
	if err != nil {
		return nil, err
	}
	lanes := []*lane{first}
	for len(lanes) < lanesOfOne {
		again, ok := duplicate(conn)
		if !ok {
			break // one will do
		}
		ln, err := newLane(again)
		if err != nil {
			_ = again.Close()
			break
		}
		ln.own = true
		lanes = append(lanes, ln)
	}
	return lanes, nil
}

func newLane(conn net.PacketConn) (*lane, error) {
	s, err := newSocket(conn)
	if err != nil {
		return nil, err
	}
	return &lane{socket: s, PacketConn: conn, batch: make([]*exchange, s.most())}, nil
}

// closeLanes closes what the listener opened.
func (l *listener) closeLanes() {
	for _, ln := range l.lanes {
		if ln.own {
			_ = ln.Close()
		}
	}
}

// readLane returns a lane for the caller alone to read from, until it unlocks
// its reading. The first is preferred: that it was closed is seen there.
func (l *listener) readLane() *lane {
	return l.lane(func(ln *lane) *sync.Mutex { return &ln.reading })
}

// sendLane returns a lane for the caller alone to send on, until it unlocks its
// sending.
func (l *listener) sendLane() *lane {
	return l.lane(func(ln *lane) *sync.Mutex { return &ln.sending })
}

// lane locks that lock of the first lane where it is free, and of the first lane
// of all where none is.
func (l *listener) lane(lock func(*lane) *sync.Mutex) *lane {
	for _, ln := range l.lanes {
		if lock(ln).TryLock() {
			return ln
		}
	}
	lock(l.lanes[0]).Lock()
	return l.lanes[0]
}
