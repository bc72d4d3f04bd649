package ldapsrv

import (
	"context"
	"runtime"
)

// reading bounds how many batches are read at once, so that searches leave
// room for binds at the database.
type reading chan struct{}

func newReading() reading { return make(reading, max(1, runtime.GOMAXPROCS(0)/2)) }

// begin waits for a turn, or the end of ctx.
func (r reading) begin(ctx context.Context) error {
	select {
	case r <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r reading) end() { <-r }
