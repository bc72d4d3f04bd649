package radiussrv

import (
	"slices"
	"sync"
	"time"
)

// crew works on requests, each worker on one at a time. The worker that was
// idle last is given the next request: while requests are quick, a few workers
// do them all and their stacks stay warm; when requests are slow, more are
// started, up to a limit, and then requests wait, those that go on with
// something before those that begin it (RFC 5080 §2.2.3). Workers for whom there
// was nothing to do for a while go home. It may be used concurrently.
type crew struct {
	do    func(*exchange)
	limit int

	mu      sync.Mutex
	idle    []chan *exchange // the one idle last at the end
	going   chan *exchange   // what no worker is free for, and goes on with something
	waiting chan *exchange   // the same that begins something
	started int
	over    bool
	spare   int  // the fewest that were idle since somebody looked
	looking bool // somebody will look again

	all sync.WaitGroup
}

func newCrew(limit, waiting int, do func(*exchange)) *crew {
	return &crew{do: do, limit: limit, going: make(chan *exchange, waiting), waiting: make(chan *exchange, waiting)}
}

// add reports whether there was a worker, or room to wait for one. It must not
// be called after finish.
func (c *crew) add(x *exchange, going bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := len(c.idle) - 1; last >= 0 {
		c.idle[last] <- x // it has room for one, and is empty
		c.idle = c.idle[:last]
		c.spare = min(c.spare, last)
		return true
	}
	if c.started < c.limit {
		c.started++
		c.all.Go(func() { c.work(x) })
		return true
	}
	wait := c.waiting
	if going {
		wait = c.going
	}
	select {
	case wait <- x:
		return true
	default:
		return false
	}
}

func (c *crew) work(x *exchange) {
	for own := make(chan *exchange, 1); x != nil; x = c.next(own) {
		c.do(x)
	}
}

// next returns what is to be done next, nil for nothing ever again.
func (c *crew) next(own chan *exchange) *exchange {
	if x, settled := c.settle(own); settled {
		return x
	}
	return <-own
}

// settle takes what waits longest. Where nothing waits it reports false, and
// the worker is idle, or true and nil where it is over.
func (c *crew) settle(own chan *exchange) (x *exchange, settled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, wait := range []chan *exchange{c.going, c.waiting} {
		select {
		case x = <-wait:
			return x, true
		default:
		}
	}
	if c.over {
		return nil, true
	}
	c.idle = append(c.idle, own)
	c.lookLater()
	return nil, false
}

// spareFor is how long a worker is kept for whom there is nothing to do: so
// long at least, and at most twice as long.
const spareFor = 5 * time.Second

// lookLater sees to it that somebody looks. The caller holds mu.
func (c *crew) lookLater() {
	if c.looking || len(c.idle) == 0 {
		return
	}
	c.looking = true
	time.AfterFunc(spareFor, c.dismiss)
}

// dismiss sends home who was idle all the time since the last look: those at
// the beginning of the list.
func (c *crew) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looking = false
	if c.over {
		return
	}
	for _, own := range c.idle[:c.spare] {
		close(own)
	}
	c.started -= c.spare
	c.idle = slices.Delete(c.idle, 0, c.spare)
	c.spare = len(c.idle)
	c.lookLater()
}

// finish says that nothing will be added. The channel closes when all is done.
func (c *crew) finish() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for _, own := range c.idle {
		close(own)
	}
	c.idle = nil
	done := make(chan struct{})
	go func() {
		c.all.Wait()
		close(done)
	}()
	return done
}
