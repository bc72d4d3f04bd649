package ldapsrv

import (
	"context"
	"runtime"

	"postern/directory"
	"postern/ldapsrv/entry"
)

// reading bounds how many batches are read at once, so that searches leave
// room for binds at the database.
type reading chan struct{}

func newReading() reading { return make(reading, max(1, runtime.GOMAXPROCS(0)/2)) }

// begin waits for a turn to ask q, or the end of ctx. What an index answers
// with a few entries is over as soon as a bind is, and need not wait: that ctx
// has ended is seen behind it.
func (r reading) begin(ctx context.Context, q directory.Query) error {
	if entry.Few(q.AnyOf) {
		return nil
	}
	select {
	case r <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r reading) end(q directory.Query) {
	if !entry.Few(q.AnyOf) {
		<-r
	}
}
