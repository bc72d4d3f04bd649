package radiussrv

import (
	"container/list"
	"context"
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
	maxAsked  = 1024 // for each client
	askText   = "Enter the code of your authenticator app"
)

// asked is a request that was answered with a request for a code, whatever its
// password was worth: the Grant of one that was refused entitles to nothing.
type asked struct {
	state state
	nas   nas
	login string
	first policy.Grant
	until time.Time
}

// questions are the codes that one client was asked for. What is kept of each
// is the same for all, and each is answered once. It may be used concurrently.
type questions struct {
	mu    sync.Mutex
	all   map[state]*list.Element
	order list.List // of asked, the oldest first
}

func (q *questions) add(a asked) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all == nil {
		q.all = map[state]*list.Element{}
	}
	now := a.until.Add(-askedLife)
	for e := q.order.Front(); e != nil; e = q.order.Front() {
		if len(q.all) < maxAsked && now.Before(e.Value.(asked).until) {
			break
		}
		q.remove(e)
	}
	q.all[a.state] = q.order.PushBack(a)
}

func (q *questions) remove(e *list.Element) { delete(q.all, q.order.Remove(e).(asked).state) }

// take returns the grant behind a State and forgets it. Of a State that is not
// of this client and login, or that is over or was used, it is the zero Grant.
func (q *questions) take(value []byte, from nas, login string, now time.Time) policy.Grant {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(value) != len(state{}) {
		return policy.Grant{}
	}
	e := q.all[state(value)]
	if e == nil {
		return policy.Grant{}
	}
	a := e.Value.(asked)
	q.remove(e)
	if a.nas != from || a.login != login || !now.Before(a.until) {
		return policy.Grant{}
	}
	return a.first
}

// asks reports whether a PAP request of this client may be answered by asking
// for a code.
func (l *listener) asks(c *client, m Method) bool {
	return c.OTPChallenge && m == PAP && l.cfg.Codes != nil
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
	s, err := newState()
	if err != nil {
		l.silence(x, DropUnavailable)
		return
	}
	x.client.questions.add(asked{
		state: s, nas: x.nas(), login: string(request.Get(rfc2865.UserName_Type)),
		first: d.Grant, until: x.received.Add(askedLife),
	})
	l.leave(x, request, radius.CodeAccessChallenge, radius.Attributes{
		{Type: rfc2865.ReplyMessage_Type, Attribute: radius.Attribute(askText)},
		{Type: rfc2865.State_Type, Attribute: radius.Attribute(s[:])},
	}, d.ReplyAt)
}

// second decides the second leg: the password is the code.
func (l *listener) second(ctx context.Context, x *exchange, request *radius.Packet, p presented) policy.Decision {
	a := x.attempt(request, p)
	code := strings.Join(strings.Fields(p.secret.Reveal()), "")
	a.Second = &policy.Second{
		First: x.client.questions.take(x.state(), x.nas(), a.Login, x.received),
		Check: func(ctx context.Context, accountID string) (bool, error) {
			return l.cfg.Codes.CheckTOTP(ctx, accountID, code)
		},
	}
	return l.cfg.Authenticator.Authenticate(ctx, a)
}
