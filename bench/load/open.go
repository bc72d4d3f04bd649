package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Open is an open loop: requests arrive at their times, whether or not what
// came before them is answered, and what they wait for a connection counts.
type Open struct {
	Rate     float64 // requests a second
	Duration time.Duration
	// Connections each do one exchange at a time. Each call of one does one.
	Connections []func() error
}

// Latencies are the times of all exchanges, from the moment each was due, in
// order.
type Latencies []time.Duration

// Percentile is the least that so many of a hundred do not exceed.
func (l Latencies) Percentile(p float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(len(l)-1, int(float64(len(l))*p/100))]
}

// Run runs the loop. An error of any exchange is that of the run.
func (o Open) Run(ctx context.Context) (Latencies, error) {
	total := int(o.Rate * o.Duration.Seconds())
	due := make(chan time.Time, total)
	each := make([]Latencies, len(o.Connections))
	errs := make([]error, len(o.Connections))
	var all sync.WaitGroup
	for i, exchange := range o.Connections {
		all.Go(func() {
			for at := range due {
				if errs[i] = exchange(); errs[i] != nil {
					return
				}
				each[i] = append(each[i], time.Since(at))
			}
		})
	}
	begun := time.Now()
	for n := range total {
		at := begun.Add(time.Duration(float64(n) / o.Rate * float64(time.Second)))
		time.Sleep(time.Until(at))
		if ctx.Err() != nil {
			break
		}
		due <- at
	}
	close(due)
	all.Wait()
	latencies := slices.Concat(each...)
	slices.Sort(latencies)
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return nil, err
	}
	if len(latencies) != total {
		return nil, errors.New("not every request was answered")
	}
	return latencies, nil
}
