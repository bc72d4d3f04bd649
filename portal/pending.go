package portal

import (
	"sync"
	"time"

	"postern/policy"
)

const (
	pendingFor   = 5 * time.Minute
	pendingTries = 5
	pendingMost  = 10_000
)

// halfway is a sign-in whose primary was right and whose second factor is
// still to come.
type halfway struct {
	decision policy.Decision
	to       string // where to go afterwards
	since    time.Time
	tries    int
}

// pending holds sign-ins half way, in memory: a restart has people type their
// password again, and nothing else.
type pending struct {
	mu  sync.Mutex
	all map[string]*halfway // by the digest of the browser's token
}

func newPending() *pending { return &pending{all: map[string]*halfway{}} }

// put keeps h. With no room left the oldest goes: a stranger needs a right
// primary password for each, so there is none to crowd others out with.
func (p *pending) put(digest string, h *halfway) {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := ""
	for d, other := range p.all {
		if h.since.Sub(other.since) >= pendingFor {
			delete(p.all, d)
			continue
		}
		if oldest == "" || other.since.Before(p.all[oldest].since) {
			oldest = d
		}
	}
	if len(p.all) >= pendingMost {
		delete(p.all, oldest)
	}
	p.all[digest] = h
}

// get returns a copy of what is kept under digest.
func (p *pending) get(digest string, now time.Time) (halfway, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.all[digest]
	if h == nil || now.Sub(h.since) >= pendingFor {
		delete(p.all, digest)
		return halfway{}, false
	}
	return *h, true
}

// try counts one try at the second factor before it is checked, so that tries
// sent at once count too, and reports whether it may be made.
func (p *pending) try(digest string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.all[digest]
	if h == nil || h.tries >= pendingTries {
		return false
	}
	h.tries++
	return true
}

func (p *pending) drop(digest string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, digest)
}
