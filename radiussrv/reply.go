package radiussrv

import (
	"encoding/binary"
	"errors"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"postern/policy"
)

// answer maps a decision to a reply: the only place where an outcome becomes
// something a client can see. ok is false where the answer is silence. An
// outcome it does not know is refused.
func answer(d policy.Decision) (code radius.Code, ok bool) {
	switch d.Outcome {
	case policy.Accept:
		return radius.CodeAccessAccept, true
	case policy.Busy, policy.Unavailable:
		return 0, false
	default: // Reject, SecondFactor, Enrol
		return radius.CodeAccessReject, true
	}
}

// reply carries out a decision, and reports false where that is silence. more is
// what the method adds, nil for nothing.
func (l *listener) reply(x *exchange, request *radius.Packet, d policy.Decision, more extra) (answered bool) {
	code, ok := answer(d)
	switch {
	case !ok && d.Outcome == policy.Busy:
		return l.unanswered(x, DropBusy)
	case !ok:
		return l.unanswered(x, DropUnavailable)
	}
	var attributes radius.Attributes
	if code == radius.CodeAccessAccept {
		var err error
		if attributes, err = l.authorize(x, d); err != nil {
			l.cfg.Logger.Error("a RADIUS accept could not be put together and was not sent", "error", err, "client", x.client.Name)
			return l.unanswered(x, DropUnavailable)
		}
	}
	if more != nil {
		own, err := more(code)
		if err != nil {
			return l.unanswered(x, DropUnavailable)
		}
		attributes = append(attributes, own...)
	}
	at := d.ReplyAt
	if earliest := x.received.Add(time.Duration(l.delay.Load())); code == radius.CodeAccessReject && at.Before(earliest) {
		at = earliest
	}
	return l.leave(x, request, code, attributes, at)
}

// leave sends the reply at the given time, or at once where that is past, and
// reports false where nothing is sent. The reply is kept for retransmissions
// before it is sent: a copy of the request that arrives in between is answered
// and not dropped.
func (l *listener) leave(x *exchange, request *radius.Packet, code radius.Code, more radius.Attributes, at time.Time) (answered bool) {
	raw, err := x.client.compose(request, code, code != radius.CodeAccountingResponse, more)
	if err != nil {
		return l.unanswered(x, DropMalformed)
	}
	now := time.Now()
	if !at.After(now) {
		l.duplicates.finish(x.entry, raw, now)
		if !x.by.keep(parcel{raw, x.from}) && l.send(raw, x.from) {
			l.count.left(code)
		}
		return true
	}
	if !take(&x.client.load.held, l.fair(l.cfg.Held)) {
		return l.unanswered(x, DropHoldFull)
	}
	if !l.hold.add(&held{at: at, reply: raw, to: x.from, entry: x.entry, load: x.client.load}) {
		x.client.load.held.Add(-1)
		return l.unanswered(x, DropHoldFull)
	}
	return true
}

// unanswered ends a request in silence, and reports false.
func (l *listener) unanswered(x *exchange, why Drop) bool {
	l.silence(x, why)
	return false
}

// release lets a held reply go.
func (l *listener) release(h *held) {
	defer l.survive(&h.entry)
	h.load.held.Add(-1)
	l.duplicates.finish(h.entry, h.reply, time.Now())
	if l.send(h.reply, h.to) {
		l.count.left(radius.Code(h.reply[0]))
	}
}

var errTooLong = errors.New("the reply does not fit a RADIUS packet")

// length is how long attributes are in a packet.
func length(attributes radius.Attributes) (n int) {
	for _, a := range attributes {
		n += 2 + len(a.Attribute)
	}
	return n
}

func appendAttribute(raw []byte, a *radius.AVP) []byte {
	return append(append(raw, byte(a.Type), byte(2+len(a.Attribute))), a.Attribute...)
}

// compose builds a reply of that code: the Message-Authenticator first where
// there is one, which leaves a forger no prefix to choose (CVE-2024-3596),
// then more, then the request's Proxy-State, verbatim and in order (RFC 2865
// §5.33). It fails where that does not fit a packet.
func (c *client) compose(request *radius.Packet, code radius.Code, signed bool, more radius.Attributes) ([]byte, error) {
	raw := make([]byte, headerLen, headerLen+2+macLen+length(more))
	raw[0], raw[1] = byte(code), request.Identifier
	copy(raw[4:], request.Authenticator[:])
	if signed {
		raw = append(append(raw, byte(rfc2869.MessageAuthenticator_Type), 2+macLen), zeros[:]...)
	}
	for _, a := range more {
		if len(a.Attribute) > maxValue {
			return nil, errTooLong
		}
		raw = appendAttribute(raw, a)
	}
	for _, a := range request.Attributes {
		if a.Type == rfc2865.ProxyState_Type {
			raw = appendAttribute(raw, a)
		}
	}
	if len(raw) > radius.MaxPacketLength {
		return nil, errTooLong
	}
	binary.BigEndian.PutUint16(raw[2:4], uint16(len(raw))) //nolint:gosec // it was looked at just now
	signer := c.key.get()
	defer c.key.put(signer)
	signer.seal(raw, signed)
	return raw, nil
}
