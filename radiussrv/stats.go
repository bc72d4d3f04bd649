package radiussrv

import (
	"sync/atomic"

	"layeh.com/radius"
)

// Drop says why a datagram was not answered. The set is closed; its names are
// for counters and logs.
type Drop uint8

const (
	DropUnknownClient      Drop = iota // no client has that address
	DropMalformed                      // no RADIUS packet, or one nobody should have to make sense of
	DropUnexpectedCode                 // not a request this port takes
	DropUnsigned                       // a Message-Authenticator is needed and missing
	DropUnsignedProxyState             // Proxy-State without a Message-Authenticator
	DropBadAuthenticator               // the Message-Authenticator or the accounting authenticator is wrong
	DropContradictory                  // more than one kind of credential
	DropDuplicate                      // a retransmission of what is being worked on
	DropQueueFull                      // no room in the queue, or none left for this client
	DropHoldFull                       // no room to hold the refusal until its time
	DropStale                          // waited in the queue beyond the deadline
	DropBusy                           // the policy is busy
	DropUnavailable                    // the policy, or the accounting ledger, is broken
	DropStatusLimit                    // more Status-Server than the client's allowance
	DropNotReady                       // Status-Server while the server could not decide
	DropNoLedger                       // accounting, and nothing configured to keep it
	DropPanic                          // a fault in this program; the log has the stack
	DropSendFailed                     // the reply could not be sent
	drops                              // how many there are
)

var dropNames = [drops]string{
	"unknown_client", "malformed", "unexpected_code", "unsigned", "unsigned_proxy_state",
	"bad_authenticator", "contradictory", "duplicate", "queue_full", "hold_full", "stale",
	"busy", "unavailable", "status_limit", "not_ready", "no_ledger", "panic", "send_failed",
}

// hints say what an operator may do about it, where that is known.
var hints = [drops]string{
	DropUnknownClient:      "if it should be served, add a [[radius.client]] with this address",
	DropUnexpectedCode:     "authentication and accounting have a port each; check which one the device uses",
	DropUnsigned:           "have the device send Message-Authenticator, or set require_message_authenticator = false for it",
	DropUnsignedProxyState: "have the proxy send Message-Authenticator, or set limit_proxy_state = false for it",
	DropBadAuthenticator:   "the shared secret of the device and of its [[radius.client]] differ, or the packet is forged",
	DropQueueFull:          "more requests than can be worked on",
	DropHoldFull:           "more refusals than can be held back at once",
	DropStatusLimit:        "the device asks for the status too often",
	DropNoLedger:           "nothing here keeps accounting; point the device's accounting elsewhere",
}

// String returns the stable name of the reason.
func (d Drop) String() string { return dropNames[d] }

// Stats is a snapshot of what the server has done since it was made.
type Stats struct {
	Received    uint64 // datagrams
	Accepts     uint64 // Access-Accept sent; retransmissions and Status-Server apart
	Rejects     uint64 // Access-Reject sent; retransmissions apart
	Unfit       uint64 // of what was refused: no name, no credential, or no method of this client's
	Accountings uint64 // Accounting-Response sent; retransmissions and Status-Server apart
	Resent      uint64 // replies sent again, byte for byte
	Statuses    uint64 // Status-Server answered
	Dropped     map[string]uint64

	Conversations int // EAP conversations under way
	Resumable     int // TLS sessions that could be resumed
}

type counters struct {
	received, accepts, rejects, unfit, accountings, resent, statuses atomic.Uint64
	dropped                                                          [drops]atomic.Uint64
}

// left counts a reply that was sent.
func (c *counters) left(code radius.Code) {
	switch code {
	case radius.CodeAccessAccept:
		c.accepts.Add(1)
	case radius.CodeAccessReject:
		c.rejects.Add(1)
	case radius.CodeAccountingResponse:
		c.accountings.Add(1)
	}
}

// Stats returns the counters. The figures are read one after another and need
// not add up while traffic flows.
func (s *Server) Stats() Stats {
	c := &s.count
	out := Stats{
		Received:    c.received.Load(),
		Accepts:     c.accepts.Load(),
		Rejects:     c.rejects.Load(),
		Unfit:       c.unfit.Load(),
		Accountings: c.accountings.Load(),
		Resent:      c.resent.Load(),
		Statuses:    c.statuses.Load(),
		Dropped:     make(map[string]uint64, drops),
	}
	out.Conversations = s.conversations.len()
	if h := s.eap.Load().handles; h != nil {
		out.Resumable = h.Len()
	}
	for d := range drops {
		out.Dropped[d.String()] = c.dropped[d].Load()
	}
	return out
}
