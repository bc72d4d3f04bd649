package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
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
	done *atomic.Int64 // tries made
}

// source is the address of an asker.
func (h *house) source(n int) string { return fmt.Sprintf("127.0.6.%d", 1+n%h.sources) }

// ways are both protocols.
func (h *house) ways() []way {
	return []way{
		{name: "LDAP", classes: h.ldap, dial: func(n int) (asker, func(), error) {
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
		{name: "RADIUS", classes: h.radius, dial: func(n int) (asker, func(), error) {
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
var errCutOff = errors.New("it ended before every try was made, by its limit or by hand, and is no full run")

// collect asks for each class as often as the plan says, shuffled, by several
// askers at once. With errCutOff there are fewer.
func (p plan) collect(ctx context.Context, w way, one *part) (tries []try, err error) {
	order := p.order(len(w.classes))
	watched, stop := context.WithCancel(ctx)
	defer stop()
	w.done = new(atomic.Int64)
	alone := min(one.how.alone, p.tries) * len(w.classes)
	go watch(watched, os.Stderr, one.name(), w.done, alone, len(order))
	if tries, err = w.ask(ctx, 0, order[:alone], 0); err != nil {
		return tries, err
	}
	rest := order[alone:]
	parts := make([][]try, p.askers)
	errs := make([]error, p.askers)
	var asking sync.WaitGroup
	for a := range p.askers {
		from, to := a*len(rest)/p.askers, (a+1)*len(rest)/p.askers
		asking.Go(func() { parts[a], errs[a] = w.ask(ctx, a, rest[from:to], alone+from) })
	}
	asking.Wait()
	for _, part := range parts {
		tries = append(tries, part...)
	}
	errs = slices.CompactFunc(errs, errors.Is) // all are cut off together
	return tries, errors.Join(errs...)
}

// order is which class each try is of: as often as the plan says, shuffled.
func (p plan) order(classes int) []int {
	order := make([]int, 0, p.tries*classes)
	for i := range p.tries * classes {
		order = append(order, i%classes)
	}
	shuffle := rand.New(rand.NewPCG(p.seed, 2)) //nolint:gosec // it mixes classes
	shuffle.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
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
		took := time.Since(begun)
		if ctx.Err() != nil { // which ends the server too
			return tries, errCutOff
		}
		if err != nil && !errors.Is(err, errPutOff) {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		tries = append(tries, try{i, took, answer})
		w.done.Add(1)
	}
	return tries, nil
}
