package radiussrv

import (
	"container/heap"
	"sync"
	"time"
)

// held is a reply that is ready and waits for its time.
type held struct {
	at    time.Time
	reply []byte
	to    origin
	entry *entry
	load  *load
}

// hold keeps replies until their time, in one goroutine for all of them. It
// may be used concurrently.
type hold struct {
	limit   int
	release func(*held)
	wake    chan struct{} // an earlier reply, or the end

	mu     sync.Mutex
	queue  queue
	closed bool
}

func newHold(limit int, release func(*held)) *hold {
	return &hold{limit: limit, release: release, wake: make(chan struct{}, 1)}
}

// add takes a reply in, unless the hold is full.
func (h *hold) add(r *held) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) >= h.limit {
		return false
	}
	heap.Push(&h.queue, r)
	if h.queue[0] == r {
		h.nudge()
	}
	return true
}

// close says that nothing is added any more; run ends when all have left.
func (h *hold) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.nudge()
}

func (h *hold) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// run releases replies at their times until the hold is closed and empty, or
// quit is closed.
func (h *hold) run(quit <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, wait, more := h.next(time.Now())
		if due != nil {
			h.release(due)
			continue
		}
		if !more {
			return
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-h.wake:
		case <-quit:
			return
		}
	}
}

// next returns the reply that is due at now, or how long to wait for one. more
// is false when none will come.
func (h *hold) next(now time.Time) (due *held, wait time.Duration, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		return nil, time.Hour, !h.closed
	}
	if wait = h.queue[0].at.Sub(now); wait > 0 {
		return nil, wait, true
	}
	return heap.Pop(&h.queue).(*held), 0, true
}

// queue is a heap by time.
type queue []*held

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push is for container/heap.
func (q *queue) Push(r any) { *q = append(*q, r.(*held)) }

// Pop is for container/heap.
func (q *queue) Pop() any {
	last := len(*q) - 1
	r := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return r
}
