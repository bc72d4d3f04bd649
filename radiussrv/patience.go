package radiussrv

import (
	"context"
	"sync"
	"time"
)

// patience is the context of one request: it ends with the listener's, or when
// the client has stopped waiting. Most requests are decided by one read that
// waits for nothing, so the timer is made only when somebody asks for Done; and
// as that is who waits for something else, the crew then goes on without the
// member that does the request. It may be used concurrently.
type patience struct {
	context.Context // the listener's
	deadline        time.Time
	by              *member // nil: nobody goes on without

	mu    sync.Mutex // covers what follows
	timed context.Context
	stop  context.CancelFunc
}

// Deadline is for context.Context.
func (p *patience) Deadline() (time.Time, bool) { return p.deadline, true }

// Done is for context.Context.
func (p *patience) Done() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timed == nil {
		p.by.yield()
		p.timed, p.stop = context.WithDeadline(p.Context, p.deadline)
	}
	return p.timed.Done()
}

// Err is for context.Context.
func (p *patience) Err() error {
	if err := p.Context.Err(); err != nil {
		return err
	}
	if !time.Now().Before(p.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// end lets go of the timer, if there is one, and of whoever waits.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil {
		p.stop()
	}
}
