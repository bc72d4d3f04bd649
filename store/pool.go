package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
)

// pool lends connections, the one used last first, so that few of them are
// kept warm. The wait for one obeys the context.
type pool struct {
	connect func() (driver.Conn, error)
	slots   chan struct{} // one token for each session lent
	closing chan struct{} // closed by close

	index *walIndex // for keeping transactions; nil: none are kept

	mu      sync.Mutex // covers what follows
	free    []*session
	watched bool // letGo will be called
}

func newPool(size int, connect func() (driver.Conn, error)) *pool {
	return &pool{connect: connect, slots: make(chan struct{}, size), closing: make(chan struct{})}
}

func (p *pool) get(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.slots <- struct{}{}: // before ctx.Done, which may cost its maker a timer
	default:
		if err := p.wait(ctx); err != nil {
			return nil, err
		}
	}
	if ses := p.pop(); ses != nil {
		return ses, nil
	}
	conn, err := p.connect()
	if err != nil {
		<-p.slots
		return nil, err
	}
	ses := newSession(conn)
	ses.kept.index = p.index
	return ses, nil
}

// wait takes a slot when one is given back.
func (p *pool) wait(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-p.closing:
		return errClosed
	case <-ctx.Done():
		return fmt.Errorf("waiting for a database connection: %w", ctx.Err())
	}
}

func (p *pool) pop() (ses *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		ses, p.free = p.free[n-1], p.free[:n-1]
	}
	return ses
}

// put takes a session back. One whose connection is of no use any more is
// closed, and replaced when one is next needed.
func (p *pool) put(ses *session, err error) {
	if errors.Is(err, driver.ErrBadConn) {
		_ = ses.close()
	} else {
		p.mu.Lock()
		p.free = append(p.free, ses)
		p.letGoSoon(ses)
		p.mu.Unlock()
	}
	<-p.slots
}

var errClosed = errors.New("the database is closed")

// close waits for sessions that are lent and ends them all.
func (p *pool) close() error {
	close(p.closing)
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	var errs []error
	for ses := p.pop(); ses != nil; ses = p.pop() {
		errs = append(errs, ses.close())
	}
	return errors.Join(errs...)
}
