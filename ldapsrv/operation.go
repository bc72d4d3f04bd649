package ldapsrv

import (
	"context"
	"sync"
	"time"
)

// operation is the context of one operation. Making a context that can be
// cancelled and has a deadline takes longer than finding one entry, and hardly
// any operation is waited for: it is made when somebody asks for it.
//
// Until init it may not be used; from then on concurrently.
type operation struct {
	parent context.Context
	limit  time.Time // zero: none
	cause  error     // of its end at limit

	mu   sync.Mutex
	made context.Context
	end  context.CancelCauseFunc
}

func (o *operation) init(parent context.Context, limit time.Time, cause error) {
	o.parent, o.limit, o.cause = parent, limit, cause
}

// cancel ends the operation, because of cause.
func (o *operation) cancel(cause error) {
	o.context()
	o.end(cause)
}

// close gives back what was made.
func (o *operation) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made != nil {
		o.end(nil)
	}
}

// context makes the context, once.
func (o *operation) context() context.Context {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made != nil {
		return o.made
	}
	made, end := context.WithCancelCause(o.parent)
	if o.limit.IsZero() {
		o.made, o.end = made, end
		return made
	}
	timed, stop := context.WithDeadlineCause(made, o.limit, o.cause)
	o.made, o.end = timed, func(cause error) { end(cause); stop() }
	return timed
}

// asked returns the context if it was made, else the parent.
func (o *operation) asked() context.Context {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made != nil {
		return o.made
	}
	return o.parent
}

// Deadline is of context.Context.
func (o *operation) Deadline() (time.Time, bool) {
	at, ok := o.parent.Deadline()
	if !o.limit.IsZero() && (!ok || o.limit.Before(at)) {
		return o.limit, true
	}
	return at, ok
}

// Done is of context.Context.
func (o *operation) Done() <-chan struct{} { return o.context().Done() }

// Err is of context.Context.
func (o *operation) Err() error {
	if !o.limit.IsZero() && !time.Now().Before(o.limit) {
		return o.context().Err()
	}
	return o.asked().Err()
}

// Value is of context.Context.
func (o *operation) Value(key any) any { return o.asked().Value(key) }
