package ldapsrv

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// operation is the context of one operation. Making a context that can be
// cancelled and has a deadline takes longer than finding one entry, and hardly
// any operation is waited for: it is made when somebody asks for it.
//
// Until init it may not be used; from then on concurrently, but for limitTo.
type operation struct {
	parent context.Context
	began  time.Time
	limit  time.Time // zero: none
	cause  error     // of its end at limit

	making sync.Mutex
	made   atomic.Pointer[madeContext]
}

// madeContext is the context of an operation that somebody has asked for.
type madeContext struct {
	context.Context
	end context.CancelCauseFunc
}

// init begins an operation without a limit.
func (o *operation) init(parent context.Context, began time.Time) {
	o.parent, o.began = parent, began
}

// within returns an operation that ends after limit because of cause: the one
// that ctx is, where that has just begun, or else one of its own. Who is given it
// closes it.
func within(ctx context.Context, limit time.Duration, cause error) *operation {
	if o, ok := ctx.(*operation); ok && o.limitTo(limit, cause) {
		return o
	}
	o := new(operation)
	o.init(ctx, time.Now())
	o.limitTo(limit, cause)
	return o
}

// limitTo ends the operation because of cause when it has taken that long. It
// reports false where it has a limit, or somebody has its context already. Only
// who carries the operation out calls it.
func (o *operation) limitTo(limit time.Duration, cause error) bool {
	if !o.limit.IsZero() || o.made.Load() != nil {
		return false
	}
	o.limit, o.cause = o.began.Add(limit), cause
	return true
}

// cancel ends the operation, because of cause.
func (o *operation) cancel(cause error) { o.context().end(cause) }

// endedBy reports whether the operation has ended because of cause, or what it is
// part of has.
func (o *operation) endedBy(cause error) bool {
	return errors.Is(context.Cause(o.asked()), cause)
}

// close gives back what was made.
func (o *operation) close() {
	if m := o.made.Load(); m != nil {
		m.end(nil)
	}
}

// context makes the context, once.
func (o *operation) context() *madeContext {
	o.making.Lock()
	defer o.making.Unlock()
	if m := o.made.Load(); m != nil {
		return m
	}
	made, end := context.WithCancelCause(o.parent)
	m := &madeContext{made, end}
	if !o.limit.IsZero() {
		timed, stop := context.WithDeadlineCause(made, o.limit, o.cause)
		m = &madeContext{timed, func(cause error) { end(cause); stop() }}
	}
	o.made.Store(m)
	return m
}

// asked returns the context if it was made, else the parent.
func (o *operation) asked() context.Context {
	if m := o.made.Load(); m != nil {
		return m.Context
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
	if !o.limit.IsZero() && time.Until(o.limit) <= 0 {
		return o.context().Err()
	}
	return o.asked().Err()
}

// Value is of context.Context.
func (o *operation) Value(key any) any { return o.asked().Value(key) }
