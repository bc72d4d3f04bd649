package radiussrv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"layeh.com/radius"
)

// origin is where a datagram came from and where its answer goes.
type origin struct {
	via   outlet
	peer  netip.AddrPort
	addr  net.Addr // peer, where the socket sends several replies at once
	local []byte   // what makes the answer leave from the address queried; nil where the socket has only one
}

// exchange is one request and what is known of it. It is passed on; whoever
// holds it owns it.
type exchange struct {
	buf      [radius.MaxPacketLength]byte
	got      int    // octets of the datagram in buf
	packet   []byte // part of buf
	shape    shape
	from     origin
	received time.Time
	client   *client
	entry    *entry
	by       *member // who works on it, and gives quick replies together

	// What parse fills in.
	request    radius.Packet
	attributes []radius.AVP
	list       []*radius.AVP
}

// listener is one socket being served.
type listener struct {
	*Server
	role    Role
	lanes   []*lane
	workers *crew
	hold    *hold
	idle    sync.Pool // of *exchange
	// protected says that the transport is TLS.
	protected bool
}

// Serve answers the datagrams of conn until ctx ends. Then it reads no more,
// finishes what is under way, refusals that wait for their time included, and
// returns nil, within Config.Grace. It closes conn. It returns an error when
// conn fails, or when the grace was over before the work was. Serve may be
// called for several sockets.
func (s *Server) Serve(ctx context.Context, conn net.PacketConn, role Role) error {
	defer conn.Close()
	lanes, err := newLanes(conn)
	if err != nil {
		return fmt.Errorf("preparing the RADIUS socket %s: %w", conn.LocalAddr(), err)
	}
	l := s.listener(role)
	l.lanes = lanes
	defer l.closeLanes()
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	reading, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	l.workers = newCrew(s.cfg.Workers, s.cfg.Queue, l.reader(reading, failed), func(x *exchange, m *member) { l.work(work, x, m) })
	l.workers.send, l.workers.lookers = l.sendAll, len(lanes)
	defer s.serves()()
	return l.serve(ctx, reading, conn)
}

// listener makes what is the same for every transport.
func (s *Server) listener(role Role) *listener {
	l := &listener{Server: s, role: role}
	l.idle.New = func() any { return new(exchange) }
	l.hold = newHold(s.cfg.Held, l.release)
	return l
}

// serves notes that the server serves until the function it returns is called.
func (s *Server) serves() (ends func()) {
	s.serving.Add(1)
	return func() {
		if s.serving.Add(-1) == 0 {
			s.conversations.close()
		}
	}
}

// serve goes on until ctx ends, or reading does because the socket is gone.
func (l *listener) serve(ctx, reading context.Context, conn net.PacketConn) error {
	var replies sync.WaitGroup
	quit := make(chan struct{})
	replies.Go(func() { l.hold.run(quit) })
	l.workers.begin()
	<-reading.Done()
	for _, ln := range l.lanes {
		_ = ln.SetReadDeadline(time.Unix(1, 0)) // wakes who reads; a socket that is gone has woken one
	}
	err := l.drain(&replies, quit)
	if ctx.Err() == nil {
		return fmt.Errorf("reading from the RADIUS socket %s: %w", conn.LocalAddr(), errors.Join(context.Cause(reading), err))
	}
	return err
}

// drain waits for the workers, then for the replies that are held, all within
// the grace. A held reply whose time is later is not sent: sooner would tell
// the client something, and silence sends it elsewhere.
func (l *listener) drain(replies *sync.WaitGroup, quit chan struct{}) error {
	grace := time.AfterFunc(l.cfg.Grace, func() { close(quit) })
	defer grace.Stop()
	select {
	case <-l.workers.finish():
	case <-quit:
		return errors.New("RADIUS requests were still under way at the end of the grace")
	}
	l.hold.close()
	replies.Wait()
	return nil
}

// reader takes datagrams off the socket until ctx ends or the socket is gone,
// which it tells failed. Other errors of a datagram socket concern one datagram
// and pass.
func (l *listener) reader(ctx context.Context, failed context.CancelCauseFunc) func(wait bool) sight {
	return func(wait bool) sight {
		ln := l.readLane()
		defer ln.reading.Unlock()
		ln.bound(time.Now())
		if ctx.Err() != nil {
			return noMore // who ends it may have bounded the lane before
		}
		batches := atATime
		if wait {
			batches = 1 // nothing was behind, and what else has come is for who looks next
		}
		for range batches {
			n, err := l.readBatch(ln, wait)
			switch {
			case err == nil:
			case ctx.Err() != nil:
				return noMore
			case errors.Is(err, net.ErrClosed):
				failed(err)
				return noMore
			case errors.Is(err, os.ErrDeadlineExceeded):
				return inVain
			default:
				l.pause(ctx, err)
			}
			if n < len(ln.batch) {
				break
			}
		}
		return added
	}
}

// atATime is how many batches are read before what came is worked on. Many, so
// that what goes on with something is found behind what begins; not any number,
// so that reading leaves time for work.
const atATime = 8

// readBatch reads once and judges what came.
func (l *listener) readBatch(ln *lane, wait bool) (n int, err error) {
	for i, x := range ln.batch {
		if x == nil {
			ln.batch[i] = l.idle.Get().(*exchange)
		}
	}
	n, err = ln.read(ln.batch, wait)
	now := time.Now() // of all that was there when it was read
	for i, x := range ln.batch[:n] {
		l.count.received.Add(1)
		if l.receive(x, now) {
			ln.batch[i] = nil
		}
	}
	return n, err
}

// pause keeps a socket that fails again and again from turning into a loop.
func (l *listener) pause(ctx context.Context, err error) {
	if omitted, ok := l.reading.take(time.Now()); ok {
		l.cfg.Logger.Warn("reading from the RADIUS socket failed", "error", err, "omitted", omitted)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Millisecond):
	}
}

// receive judges the datagram in x, which was read at now, and reports whether x
// was passed on to a worker; if not, the caller may use it again.
func (l *listener) receive(x *exchange, now time.Time) (passed bool) {
	x.received, x.entry = now, nil
	defer l.survive(&x.entry)
	x.client = l.clients.Load().find(x.from.peer.Addr())
	if x.client == nil {
		l.drop(x, DropUnknownClient)
		return false
	}
	if reason, ok := l.admit(x, x.buf[:x.got]); !ok {
		l.drop(x, reason)
		return false
	}
	x.client.heard.authentic(x.received)
	if radius.Code(x.packet[0]) == radius.CodeStatusServer {
		l.status(x)
		return false
	}
	return l.queue(x)
}

// queue hands a request that is new to the workers, and answers one that was
// answered before.
func (l *listener) queue(x *exchange) (passed bool) {
	c := x.client
	known, e, reply := l.duplicates.begin(c.share, x.from.peer, x.packet, x.received)
	switch known {
	case inFlight:
		l.drop(x, DropDuplicate)
		return false
	case crowded:
		l.drop(x, DropQueueFull)
		return false
	case repeated:
		l.count.resent.Add(1)
		l.send(reply, x.from)
		return false
	}
	x.entry = e
	going, room := l.conversations.holds(x.state(), x.nas()), l.fair(l.cfg.Queue+l.cfg.Workers)
	if going {
		room = 2*l.cfg.Queue + l.cfg.Workers
	}
	if take(&c.load.working, room) {
		if l.workers.add(x, going) {
			return true
		}
		c.load.working.Add(-1)
	}
	l.duplicates.forget(e)
	l.drop(x, DropQueueFull)
	return false
}

// nas is who sent the request, as conversations tell them apart.
func (x *exchange) nas() nas { return nas{x.client.Name, x.from.peer.Addr().Unmap()} }

// state is the State of the request, nil where it has none.
func (x *exchange) state() []byte {
	if x.shape.stateAt == 0 {
		return nil
	}
	return x.packet[x.shape.stateAt : x.shape.stateAt+x.shape.stateLen]
}

// fair is how much of room one client may fill: where there are several, not
// all of it.
func (l *listener) fair(room int) int {
	if l.clients.Load().single() {
		return room
	}
	return room - room/4
}

// work decides one request. A fault in here ends this request and no other.
// Who does it yields where that may take its time: with all but PAP, which
// waits for nothing but where it says so.
func (l *listener) work(ctx context.Context, x *exchange, by *member) {
	defer l.idle.Put(x)
	defer x.client.load.working.Add(-1)
	defer l.survive(&x.entry)
	deadline := x.received.Add(l.cfg.Deadline)
	if !time.Now().Before(deadline) {
		l.silence(x, DropStale)
		return
	}
	if x.shape.credentials&^userPassword != 0 || radius.Code(x.packet[0]) == radius.CodeAccountingRequest {
		by.yield()
	}
	x.by = by
	waiting := &patience{Context: ctx, deadline: deadline, by: by}
	defer waiting.end()
	if radius.Code(x.packet[0]) == radius.CodeAccountingRequest {
		l.account(waiting, x)
	} else {
		l.access(waiting, x)
	}
}

// survive ends a panic, and with it the request of that entry, if it has one
// by then.
func (l *listener) survive(e **entry) {
	v := recover()
	if v == nil {
		return
	}
	l.count.dropped[DropPanic].Add(1)
	if *e != nil {
		l.duplicates.forget(*e)
	}
	// Only a runtime error is known not to carry what a client sent.
	what := fmt.Sprintf("%T", v)
	if fault, ok := v.(runtime.Error); ok {
		what = fault.Error()
	}
	l.cfg.Logger.Error("a fault ended one RADIUS request; please report it", "fault", what, "stack", string(debug.Stack()))
}

// silence ends a request without an answer, and without a trace that would
// keep its retransmission from being tried.
func (l *listener) silence(x *exchange, why Drop) {
	l.duplicates.forget(x.entry)
	l.drop(x, why)
}

// drop counts, and says now and then what an operator can do something about.
func (l *listener) drop(x *exchange, why Drop) {
	l.count.dropped[why].Add(1)
	if why == DropDuplicate {
		return
	}
	name, lines := "", &l.strangers
	if x.client != nil {
		name, lines = x.client.Name, x.client.lines
		x.client.heard.refused(why, x.received)
	}
	omitted, ok := lines[why].take(x.received)
	if !ok {
		return
	}
	l.cfg.Logger.Warn("RADIUS datagram not answered", "reason", why.String(), "hint", hints[why],
		"client", name, "source", x.from.peer, "port", l.role.String(), "omitted", omitted)
}

// send reports whether the reply went out. Where it did not, its client asks
// again and finds it in the duplicate cache.
func (l *listener) send(reply []byte, to origin) bool {
	err := to.via.write(reply, to)
	if err != nil {
		l.unsent(err, to)
	}
	return err == nil
}

func (l *listener) unsent(err error, to origin) {
	l.count.dropped[DropSendFailed].Add(1)
	if omitted, ok := l.sending.take(time.Now()); ok {
		l.cfg.Logger.Warn("sending a RADIUS reply failed", "error", err, "to", to.peer, "omitted", omitted)
	}
}

// sendAll sends replies as send does. One that cannot be sent keeps no other.
func (l *listener) sendAll(replies []parcel) {
	ln := l.sendLane()
	defer ln.sending.Unlock()
	for len(replies) > 0 {
		n, err := ln.writeAll(replies)
		for _, r := range replies[:n] {
			l.count.left(radius.Code(r.reply[0]))
		}
		if replies = replies[n:]; err != nil {
			l.unsent(err, replies[0].to)
			replies = replies[1:]
		}
	}
}
