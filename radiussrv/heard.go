package radiussrv

import (
	"sync/atomic"
	"time"
)

// Heard is when a client was last heard. What it sent and was not taken is
// kept apart: a device with a wrong secret is heard, and never understood.
type Heard struct {
	At     time.Time // of the last packet that was authentic; zero for none since the start
	Lost   time.Time // of the last one that was not answered for a fault of its own; zero for none
	Reason Drop      // of that one
}

// Heard returns when the client of that name was last heard, the zero value
// for one there is not. It may be called concurrently. Over UDP anybody can
// send in the name of an address: what was lost proves nothing.
func (s *Server) Heard(name string) Heard {
	if c := s.clients.Load().byName()[name]; c != nil {
		return c.heard.get()
	}
	return Heard{}
}

// heard holds what Heard tells, over a reload too.
type heard struct {
	at   atomic.Int64 // in Unix nanoseconds
	lost atomic.Pointer[Heard]
}

func (h *heard) authentic(at time.Time) { h.at.Store(at.UnixNano()) }

// refused keeps why a packet was not taken, where its sender is at fault.
func (h *heard) refused(why Drop, at time.Time) {
	switch why {
	case DropMalformed, DropUnexpectedCode, DropUnsigned, DropUnsignedProxyState, DropBadAuthenticator, DropContradictory, DropNoLedger:
		h.lost.Store(&Heard{Lost: at, Reason: why})
	}
}

func (h *heard) get() (out Heard) {
	if lost := h.lost.Load(); lost != nil {
		out = *lost
	}
	if at := h.at.Load(); at != 0 {
		out.At = time.Unix(0, at)
	}
	return out
}
