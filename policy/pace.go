package policy

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	leastRefusal = 100 * time.Millisecond // R never goes below
	paceSamples  = 512                    // hashed refusals R is taken from
	paceMemory   = 10 * time.Minute       // older ones no longer count
	paceEvery    = 16                     // hashed refusals between two reckonings
	paceStale    = time.Minute            // age at which R is reckoned anew unasked
)

// pace holds R, the one figure of the process that every refusal is held to:
// at least leastRefusal, else the 99th percentile of what hashed refusals
// took lately. It knows no classes of refusals, so R cannot tell them apart.
//
// It may be used concurrently. Reading R takes no lock; noting one takes a
// lock for as long as a copy of a few kilobytes.
type pace struct {
	r        atomic.Int64 // R in nanoseconds; 0 before the first reckoning
	reckoned atomic.Int64 // when, in Unix nanoseconds

	mu      sync.Mutex // covers what follows
	samples [paceSamples]paceSample
	noted   int // samples ever noted
	sorted  []time.Duration
}

type paceSample struct {
	at   time.Time
	took time.Duration
}

// refusal returns R at now.
func (p *pace) refusal(now time.Time) time.Duration {
	if r := p.r.Load(); r > int64(leastRefusal) && now.UnixNano()-p.reckoned.Load() > int64(paceStale) && p.mu.TryLock() {
		p.reckon(now)
		p.mu.Unlock()
	}
	return max(leastRefusal, time.Duration(p.r.Load()))
}

// note adds what a hashed refusal took from the arrival of its request.
func (p *pace) note(now time.Time, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.samples[p.noted%paceSamples] = paceSample{now, took}
	p.noted++
	if p.noted%paceEvery == 0 {
		p.reckon(now)
	}
}

// reckon computes R anew. The caller holds mu.
func (p *pace) reckon(now time.Time) {
	p.sorted = p.sorted[:0]
	for _, s := range p.samples[:min(p.noted, paceSamples)] {
		if now.Sub(s.at) < paceMemory {
			p.sorted = append(p.sorted, s.took)
		}
	}
	p.reckoned.Store(now.UnixNano())
	p.r.Store(int64(percentile99(p.sorted)))
}

// percentile99 sorts took and returns the least value that 99 of 100 do not
// exceed; 0 of nothing.
func percentile99(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[(len(took)*99+99)/100-1]
}
