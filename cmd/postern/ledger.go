package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/directory"
	"postern/radiussrv"
	"postern/store"
)

// ledger keeps accounting in the database, under whose session it is.
type ledger struct {
	grants radiussrv.Grants
	store  *store.Store
	domain func() string // of base_dn
}

// accounts reports whether there is accounting, and somebody to bring a Class
// back.
func (c loaded) accounts() bool {
	return len(c.RADIUS.AccountingListen)+len(c.RADIUS.RadSecListen) > 0
}

// Keep is what radiussrv.Ledger wants. A report that says nothing of a session
// is answered and kept nowhere: a device that is not answered asks on for ever,
// and takes the server for dead.
func (l *ledger) Keep(ctx context.Context, request radiussrv.AccountingRequest) error {
	r, ok := request.Record()
	if !ok {
		return nil
	}
	if !r.Kind.WholeDevice() {
		if err := l.attribute(ctx, request, &r); err != nil {
			return err
		}
	}
	return l.store.KeepAccounting(ctx, r)
}

// attribute finds out whose session it is: by the Class that the accept gave,
// or else, without the app password, by the name.
func (l *ledger) attribute(ctx context.Context, request radiussrv.AccountingRequest, r *directory.AccountingRecord) error {
	if class, granted, ok := request.Class(l.grants); ok {
		r.Class = class
		r.AccountID, r.Credential = granted.Holder()
		return nil
	}
	h, err := l.store.HolderByName(ctx, directory.ParseName(r.Key.UserName, directory.AnyName, l.domain()))
	if errors.Is(err, directory.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding out whose session it is: %w", err)
	}
	r.AccountID = h.Account.ID
	return nil
}

// sweepSessions ends sessions that nothing is heard of any more, and removes
// those that ended long ago.
func (s *server) sweepSessions(ctx context.Context) error {
	every(ctx, sweepEvery, func() {
		c, now := s.current.Load(), s.env.now()
		err := s.site.store.SweepNetworkSessions(ctx, now, now.Add(-c.RADIUS.StaleSessions), now.Add(-time.Duration(c.Events.KeepDays)*day))
		if err != nil && ctx.Err() == nil {
			s.log.Error("old network sessions cannot be ended", "error", err)
		}
	})
	return nil
}

const sweepEvery = time.Minute
