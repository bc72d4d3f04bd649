package radiussrv

import (
	"sync"
	"sync/atomic"
	"time"
)

// load counts what of a client is queued or worked on, and how many of its
// replies are held.
type load struct{ working, held atomic.Int64 }

// take counts one more unless that makes more than limit.
func take(n *atomic.Int64, limit int) bool {
	if n.Add(1) > int64(limit) {
		n.Add(-1)
		return false
	}
	return true
}

// allowance is a token bucket: rate a second, and as many at once. It may be
// used concurrently.
type allowance struct {
	mu    sync.Mutex
	rate  float64
	left  float64
	since time.Time
}

func newAllowance(rate int) *allowance {
	return &allowance{rate: float64(rate), left: float64(rate)}
}

func (a *allowance) take(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.since.IsZero() {
		a.left = min(a.rate, a.left+a.rate*now.Sub(a.since).Seconds())
	}
	a.since = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// sampler lets one line through every interval and counts the rest.
type sampler struct {
	next    atomic.Int64 // Unix nanoseconds
	omitted atomic.Uint64
}

const sampleEvery = 10 * time.Second

// take reports whether a line may be written now, and how many were not since
// the last one.
func (s *sampler) take(now time.Time) (omitted uint64, ok bool) {
	next := s.next.Load()
	if now.UnixNano() < next || !s.next.CompareAndSwap(next, now.Add(sampleEvery).UnixNano()) {
		s.omitted.Add(1)
		return 0, false
	}
	return s.omitted.Swap(0), true
}
