package radiussrv

import (
	"container/list"
	"context"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"strings"
	"sync"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"postern/policy"
)

// Codes says whether a code is a second factor of the account now, and uses it
// up. An error means that it is not known. It suits policy.Second.
type Codes interface {
	CheckTOTP(ctx context.Context, accountID, code string) (bool, error)
}

const (
	askedLife = time.Minute
	askedUse  = "radius-otp"
	askText   = "Enter the code of your authenticator app"

	maxSpent = 4096 // for each client
)

// The State of a request for a code is all there is of it: when it was asked,
// in milliseconds, then what the first leg came to, sealed to that moment, the
// client and the name that was given. Nothing is kept here until it comes back,
// so it outlives a restart, and it is as long whatever the password was worth.

// askedState makes the State that asks x for a code.
func (l *listener) askedState(x *exchange, login string, first policy.Grant) ([]byte, error) {
	at := binary.BigEndian.AppendUint64(nil, uint64(x.received.UnixMilli()))
	sealed, err := l.cfg.Grants.SealGrant(rand.Reader, askedUse, x.askedOf(at, login), first)
	return append(at, sealed...), err
}

// askedOf is what a State is sealed to.
func (x *exchange) askedOf(at []byte, login string) string {
	n := x.nas()
	return strings.Join([]string{string(at), n.client, n.addr.String(), strconv.Itoa(len(login)), login}, "\x00")
}

// answered returns what the first leg came to whose State x brings back, and
// spends the State. Of one that is not of this client and name, or that is over
// or was spent, it is the zero Grant.
func (l *listener) answered(x *exchange, login string) policy.Grant {
	state := x.state()
	if len(state) < 8 {
		return policy.Grant{}
	}
	at, sealed := state[:8], state[8:]
	first, err := l.cfg.Grants.OpenGrant(askedUse, x.askedOf(at, login), x.client.Name, sealed)
	until := time.UnixMilli(int64(binary.BigEndian.Uint64(at))).Add(askedLife)
	if err != nil || !x.received.Before(until) || !x.client.spent.add(sealed, until, x.received) {
		return policy.Grant{}
	}
	return first
}

// spent are the States of one client that came back, for as long as they would
// count. Where there are too many, the oldest is forgotten: it could come back
// once more, which is another guess that the brakes count, and no way in, since
// a code that was taken is used up in the database. The same holds over a
// restart. It may be used concurrently.
type spent struct {
	mu    sync.Mutex
	all   map[[16]byte]*list.Element
	order list.List // of spentState, the oldest first
}

type spentState struct {
	tag   [16]byte // of the sealed value: it is made with a nonce of its own
	until time.Time
}

// add reports whether the State was not spent yet.
func (s *spent) add(sealed []byte, until, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[[16]byte]*list.Element{}
	}
	tag := [16]byte(sealed[len(sealed)-16:])
	if s.all[tag] != nil {
		return false
	}
	for e := s.order.Front(); e != nil; e = s.order.Front() {
		if len(s.all) < maxSpent && now.Before(e.Value.(spentState).until) {
			break
		}
		delete(s.all, s.order.Remove(e).(spentState).tag)
	}
	s.all[tag] = s.order.PushBack(spentState{tag, until})
	return true
}

// asks reports whether a PAP request of this client may be answered by asking
// for a code.
func (l *listener) asks(c *client, m Method) bool {
	return c.OTPChallenge && m == PAP && l.cfg.Codes != nil && l.cfg.Grants != nil
}

// first answers the first leg at a client that can ask for a code: what is
// neither accepted nor unknown is asked for one, whether the password was
// right, wrong or anybody's. All of them are asked at the same time after the
// request.
func (l *listener) first(x *exchange, request *radius.Packet, d policy.Decision) {
	if _, answered := answer(d); !answered || d.Outcome == policy.Accept {
		l.reply(x, request, d, nil)
		return
	}
	state, err := l.askedState(x, string(request.Get(rfc2865.UserName_Type)), d.Grant)
	if err != nil {
		l.silence(x, DropUnavailable)
		return
	}
	l.leave(x, request, radius.CodeAccessChallenge, radius.Attributes{
		{Type: rfc2865.ReplyMessage_Type, Attribute: radius.Attribute(askText)},
		{Type: rfc2865.State_Type, Attribute: state},
	}, d.ReplyAt)
}

// second decides the second leg: the password is the code.
func (l *listener) second(ctx context.Context, x *exchange, request *radius.Packet, p presented) policy.Decision {
	a := x.attempt(request, p)
	code := strings.Join(strings.Fields(p.secret.Reveal()), "")
	a.Second = &policy.Second{
		First: l.answered(x, a.Login),
		Check: func(ctx context.Context, accountID string) (bool, error) {
			return l.cfg.Codes.CheckTOTP(ctx, accountID, code)
		},
	}
	return l.cfg.Authenticator.Authenticate(ctx, a)
}
