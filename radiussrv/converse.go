package radiussrv

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"postern/policy"
	"postern/radiussrv/eap"
)

// judge has the engine decide what a conversation presents. Between two
// messages it belongs to nobody; a worker sets who asks before each.
type judge struct {
	engine Authenticator
	client policy.Client
	remote netip.AddrPort
	at     time.Time // receipt of the message
}

// asks notes whose message is answered next.
func (j *judge) asks(x *exchange, request *radius.Packet) {
	j.client = policy.Client{
		Protocol: policy.RADIUS, Name: x.client.Name,
		Reported: printable(request.Get(rfc2865.CallingStationID_Type)),
	}
	j.remote, j.at = x.from.peer, x.received
}

// Judge decides a credential that came inside EAP.
func (j *judge) Judge(ctx context.Context, c eap.Credential) policy.Decision {
	return j.engine.Authenticate(ctx, j.attempt(c))
}

// Again decides a session that is resumed.
func (j *judge) Again(ctx context.Context, c eap.Credential, before policy.Decision) policy.Decision {
	a := j.attempt(c)
	a.Resumed = &before.Grant
	return j.engine.Authenticate(ctx, a)
}

// attempt makes an attempt of c. A client that can ask for a code cannot do so
// inside EAP, so it counts as one that cannot.
func (j *judge) attempt(c eap.Credential) policy.Attempt {
	client := j.client
	client.Kind, client.Method = policy.Legacy, c.Method
	return policy.Attempt{
		At: j.at, Login: c.Identity, Secret: c.Secret, Proof: c.Proof,
		Client: client, Remote: j.remote, Secure: true, // EAP comes with a Message-Authenticator
	}
}

// converse answers one message of an EAP conversation.
func (l *listener) converse(ctx context.Context, x *exchange, request *radius.Packet) {
	message := joinEAP(request)
	v, ok := l.conversation(x, message)
	if !ok {
		return
	}
	if v == nil {
		l.reply(x, request, policy.Decision{}, failedEAP(message))
		return
	}
	survived := false
	defer func() {
		if !survived { // a fault ended the request, and must not leave this behind
			l.conversations.end(v)
		}
	}()
	l.goOn(ctx, x, request, v, message)
	survived = true
}

// goOn has v answer the message.
func (l *listener) goOn(ctx context.Context, x *exchange, request *radius.Packet, v *conversation, message []byte) {
	v.judge.asks(x, request)
	if len(message) == 0 { // EAP-Start (RFC 3579 §2.1)
		l.challenge(x, request, v, v.eap.Ask())
		return
	}
	step, err := v.eap.Next(ctx, message)
	switch {
	case errors.Is(err, eap.ErrPacket):
		l.ignore(x, v)
	case err != nil:
		l.conversations.end(v)
		l.reply(x, request, policy.Decision{}, failedEAP(message))
	case step.Done:
		l.concluded(x, request, v, step)
	default:
		l.challenge(x, request, v, step.Message)
	}
}

// conversation returns the one the message belongs to, or a new one; nil where
// its State is nobody's or there may be none. ok is false where the answer is silence.
func (l *listener) conversation(x *exchange, message []byte) (v *conversation, ok bool) {
	from := x.nas()
	if x.state() == nil {
		return l.begin(x, from), true
	}
	v, how := l.conversations.take(x.state(), from)
	if how == taken && v.eap.Rounds() > 0 && begins(message) { // the device starts over
		l.conversations.end(v)
		return l.begin(x, from), true
	}
	switch how {
	case inHands:
		l.silence(x, DropDuplicate)
	case ended:
		l.silence(x, DropUnavailable)
	}
	return v, how == taken || how == unknownState
}

// begins reports whether a message begins a conversation: it tells an identity
// or asks to be asked for one.
func begins(message []byte) bool {
	p, err := eap.Decode(message)
	return len(message) == 0 || err == nil && p.Code == eap.Response && p.Type == eap.TypeIdentity
}

// begin begins a conversation in the methods of the client; nil where it has
// none.
func (l *listener) begin(x *exchange, from nas) *conversation {
	settings := l.eap.Load()
	methods := x.client.eapMethods(l.protected, settings.TLS != nil)
	if len(methods) == 0 {
		l.refuse(x, "it uses EAP, of which its client is allowed no method")
		return nil
	}
	cfg := &eap.Config{
		Methods: methods, TLS: settings.TLS, Handles: settings.handles,
		Fragment: fragment(settings.Fragment, x),
	}
	j := &judge{engine: l.cfg.Authenticator}
	return &conversation{eap: eap.New(cfg, j), judge: j, nas: from}
}

const (
	// eapOverhead is what an EAP packet with a fragment has beside it: header,
	// type, flags and length, and the header of 802.1X around it.
	eapOverhead   = 4 + 1 + 1 + 4 + 4
	leastFragment = 64
)

// fragment bounds fragments by what the NAS can pass on: Framed-MTU (RFC 3579
// §2.4), where it says so.
func fragment(size int, x *exchange) int {
	for rest := x.packet[headerLen:]; len(rest) >= 2; rest = rest[rest[1]:] {
		if rest[0] == byte(rfc2865.FramedMTU_Type) && rest[1] == 6 {
			mtu := int(min(binary.BigEndian.Uint32(rest[2:6]), radius.MaxPacketLength))
			return max(leastFragment, min(size, mtu-eapOverhead))
		}
	}
	return size
}

// ignore leaves a conversation as it was: what came is no message of it (RFC
// 3748 §4.1).
func (l *listener) ignore(x *exchange, v *conversation) {
	if v.state == (state{}) {
		l.conversations.end(v)
	} else {
		l.conversations.keep(v, v.state, x.received)
	}
	l.silence(x, DropMalformed)
}

// challenge sends a message of ours that asks for another one. It carries no
// authorisation.
func (l *listener) challenge(x *exchange, request *radius.Packet, v *conversation, message []byte) {
	s, err := newState()
	if err != nil {
		l.conversations.end(v)
		l.silence(x, DropUnavailable)
		return
	}
	attributes := append(splitEAP(message), &radius.AVP{Type: rfc2865.State_Type, Attribute: radius.Attribute(s[:])})
	l.conversations.keep(v, s, time.Now())
	l.leave(x, request, radius.CodeAccessChallenge, attributes, time.Time{})
}

// concluded ends a conversation with its decision.
func (l *listener) concluded(x *exchange, request *radius.Packet, v *conversation, step eap.Step) {
	if step.Why != "" && step.Decision.Reason == "" && step.Decision.Outcome == policy.Reject {
		l.refuse(x, "EAP: "+step.Why)
	}
	answered := l.reply(x, request, step.Decision, func(code radius.Code) (radius.Attributes, error) {
		attributes := splitEAP(step.Message)
		if code != radius.CodeAccessAccept || len(step.MSK) == 0 {
			return attributes, nil
		}
		half := len(step.MSK) / 2
		keys, err := mppeKeys(request, step.MSK[half:], step.MSK[:half])
		return append(attributes, keys...), err
	})
	if !answered && v.state != (state{}) {
		l.conversations.bury(v, x.received)
	} else {
		l.conversations.end(v)
	}
}

// failedEAP is the end of a conversation that is not ours to hold.
func failedEAP(message []byte) extra {
	p := eap.Packet{Code: eap.Failure}
	if len(message) > 1 {
		p.ID = message[1]
	}
	return func(radius.Code) (radius.Attributes, error) { return splitEAP(p.Encode()), nil }
}

const maxValue = 253 // of an attribute

// joinEAP puts the EAP-Message attributes together (RFC 3579 §3.1).
func joinEAP(request *radius.Packet) []byte {
	var message []byte
	for _, a := range request.Attributes {
		if a.Type == rfc2869.EAPMessage_Type {
			message = append(message, a.Attribute...)
		}
	}
	return message
}

func splitEAP(message []byte) radius.Attributes {
	var list radius.Attributes
	for len(message) > 0 {
		n := min(len(message), maxValue)
		list = append(list, &radius.AVP{Type: rfc2869.EAPMessage_Type, Attribute: message[:n]})
		message = message[n:]
	}
	return list
}
