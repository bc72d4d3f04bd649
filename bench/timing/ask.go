package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"postern/bench/site"
	"postern/ldapsrv/wire"
)

// asker asks once and returns the answer with what must differ made zero, or
// errPutOff.
type asker func(login, password string) ([]byte, error)

// errPutOff says that the server was too busy to decide: by a result code in
// LDAP, by silence in RADIUS.
var errPutOff = errors.New("the server was too busy")

// way is a protocol to ask by.
type way struct {
	name    string
	classes []class
	// dial is called for each who asks, with its number.
	dial func(n int) (ask asker, hangUp func(), err error)
}

// source is the address of an asker.
func (h *house) source(n int) string { return fmt.Sprintf("127.0.6.%d", 1+n%h.sources) }

// ways are both protocols.
func (h *house) ways() []way {
	return []way{
		{"LDAP", h.ldap, func(n int) (asker, func(), error) {
			l, err := site.DialLDAPFrom(h.source(n), h.process.At("ldap.listen"))
			if err != nil {
				return nil, nil, err
			}
			return func(login, password string) ([]byte, error) {
				code, answer, err := l.Bind(login, password)
				if code == wire.Busy || code == wire.Unavailable {
					return nil, errPutOff
				}
				return answer, err
			}, l.Close, nil
		}},
		{"RADIUS", h.radius, func(n int) (asker, func(), error) {
			r, err := site.DialRADIUSFrom(h.source(n), h.process.At("radius.listen"), h.secret)
			if err != nil {
				return nil, nil, err
			}
			return func(login, password string) ([]byte, error) {
				_, answer, err := r.PAP(login, password)
				if errors.Is(err, os.ErrDeadlineExceeded) {
					return nil, errPutOff
				}
				return answer, err
			}, r.Close, nil
		}},
	}
}

// try is one answer.
type try struct {
	class  int
	took   time.Duration
	answer []byte // nil: it was put off
}

// errCutOff says that the time was up. The tries until then are mixed like all
// of them.
var errCutOff = errors.New("the time was up before every try was made")

// collect asks for each class as often as the plan says, shuffled, by several
// askers at once. With errCutOff there are fewer.
func (p plan) collect(ctx context.Context, w way) (tries []try, err error) {
	order := make([]int, 0, p.tries*len(w.classes))
	for i := range p.tries * len(w.classes) {
		order = append(order, i%len(w.classes))
	}
	shuffle := rand.New(rand.NewPCG(p.seed, 2)) //nolint:gosec // it mixes classes
	shuffle.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	parts := make([][]try, p.askers)
	errs := make([]error, p.askers)
	var asking sync.WaitGroup
	for a := range p.askers {
		from, to := a*len(order)/p.askers, (a+1)*len(order)/p.askers
		asking.Go(func() { parts[a], errs[a] = w.ask(ctx, a, order[from:to], from) })
	}
	asking.Wait()
	for _, part := range parts {
		tries = append(tries, part...)
	}
	return tries, errors.Join(errs...)
}

// ask asks for the classes in order. first is the number of the first try.
func (w way) ask(ctx context.Context, number int, order []int, first int) (tries []try, err error) {
	once, hangUp, err := w.dial(number)
	if err != nil {
		return nil, err
	}
	defer hangUp()
	for n, i := range order {
		if ctx.Err() != nil {
			return tries, errCutOff
		}
		c := w.classes[i]
		password := c.password(first + n)
		begun := time.Now()
		answer, err := once(c.login, password)
		if ctx.Err() != nil { // which ends the server too
			return tries, errCutOff
		}
		if err != nil && !errors.Is(err, errPutOff) {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		tries = append(tries, try{i, time.Since(begun), answer})
	}
	return tries, nil
}
