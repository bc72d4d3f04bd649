package ldapsrv

import (
	"bytes"
	"time"

	"postern/ldapsrv/wire"
)

// stream lets a long answer leave while it is made, and ends the making of it
// where the client wants no more: it abandons or cancels the operation, or is
// gone. Until the first part leaves it costs nothing.
//
// Meanwhile a goroutine reads on. It owns the inbox until it has ended.
type stream struct {
	c         *conn
	id        int32
	operation operation

	watching chan struct{} // closed when the reader has ended; nil: there was none
	seen     int           // bytes of the inbox that were looked at
	frames   int           // whole messages in them
	canceled bool          // by a Cancel
	lastSent time.Time
	err      error // of sending
}

// How long parts of an answer gather, and how much may wait behind it.
const (
	gatherFor  = 5 * time.Millisecond
	maxWaiting = 16 // messages
)

// send sends what there is, if that is due, and returns an empty buffer. It is
// called between the parts of a long answer.
func (s *stream) send(out []byte) ([]byte, error) {
	now := time.Now()
	if s.watching == nil {
		s.lastSent = now
		s.watch()
	}
	if len(out) < outboxSize && now.Sub(s.lastSent) < gatherFor {
		return out, nil
	}
	s.lastSent = now
	s.c.out = out
	if s.err = s.c.flush(); s.err != nil {
		s.operation.cancel(errAbandoned)
	}
	return s.c.out, s.err
}

// watch begins to read on, into a buffer that no request lies in.
func (s *stream) watch() {
	in := &s.c.in
	waiting := in.buf[in.from:in.to]
	buf := make([]byte, max(inboxSize, 2*len(waiting)))
	*in = inbox{buf: buf, to: copy(buf, waiting)}
	s.c.setReadDeadline(time.Time{})
	s.watching = make(chan struct{})
	go s.read()
}

// read reads on until the operation is to end, or enough waits behind it.
func (s *stream) read() {
	defer close(s.watching)
	for s.look() {
		if err := s.c.in.fill(s.c.rw); err != nil {
			if !s.c.stopping.Load() { // then what is in hand is still answered
				s.operation.cancel(errAbandoned) // of no effect where end has made it fail
			}
			return
		}
	}
}

// look goes through the messages that have come. It reports whether to read
// on.
func (s *stream) look() bool {
	in := &s.c.in
	for {
		ahead := inbox{buf: in.buf, from: in.from + s.seen, to: in.to}
		frame, ok, err := ahead.frame(s.c.frameLimit())
		if err != nil {
			return false // the session will say so
		}
		if !ok {
			return true
		}
		s.seen += len(frame)
		if s.frames++; s.ends(frame) || s.frames >= maxWaiting {
			return false
		}
	}
}

// ends reports whether a message ends the operation, and ends it.
func (s *stream) ends(frame []byte) bool {
	m, err := wire.Decode(frame)
	if err != nil {
		return false
	}
	switch q := m.Request.(type) {
	case wire.UnbindRequest:
		s.operation.cancel(errAbandoned)
		return true
	case wire.AbandonRequest:
		if q.ID == s.id {
			s.operation.cancel(errAbandoned)
			return true
		}
	case wire.ExtendedRequest:
		if id, ok := readCancel(q); ok && id == s.id && bytes.Equal(q.Name, []byte(wire.OIDCancel)) {
			s.canceled = true
			s.operation.cancel(errCanceled)
			return true
		}
	}
	return false
}

// end is called behind the operation. From then on the inbox is the
// connection's again.
func (s *stream) end() {
	if s.watching != nil {
		_ = s.c.raw.SetReadDeadline(longAgo) // fails on a closed socket only, where nobody waits
		<-s.watching
		s.c.readUntil = time.Time{}
		s.c.setReadDeadline(time.Time{})
	}
	s.operation.close()
	if s.canceled {
		s.c.session.canceled = s.id
	}
}
