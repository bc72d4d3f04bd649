package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"postern/directory"
	"postern/radiussrv"
	"postern/secret"
)

const (
	// disconnectEvery is how often it is looked for sessions whose ground ended
	// by itself, at most; what somebody does is seen by the version of the
	// database.
	disconnectEvery  = 5 * time.Second
	disconnectAtOnce = 16
	// disconnectTries is how often a device is asked before it is given up;
	// the pauses in between double from the first.
	disconnectTries = 6
	firstRetry      = time.Minute

	sessionsAtOnce = 256  // sessions read in one transaction
	maxToEnd       = 1024 // sessions to end that are kept in mind at once
)

// disconnector has devices end the sessions that would not be granted any more.
type disconnector struct {
	*server
	wake chan struct{}
	// dial reaches a device that takes requests at an address.
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu   sync.Mutex
	busy map[string]bool // ids of sessions that are being asked about
}

func newDisconnector(s *server) *disconnector {
	return &disconnector{server: s, wake: make(chan struct{}, 1), dial: new(net.Dialer).DialContext, busy: make(map[string]bool)}
}

// changed is for server.notify.
func (d *disconnector) changed(context.Context, int64) {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run looks for such sessions whenever something changed, and now and then,
// until ctx ends. Looking at tens of thousands of sessions takes its time, so
// it rests for as long as that is a fifth of a core, and without a reason
// longer.
func (d *disconnector) run(ctx context.Context) error {
	var asking sync.WaitGroup
	defer asking.Wait()
	room := make(chan struct{}, disconnectAtOnce)
	for {
		began := time.Now()
		if err := d.look(ctx, &asking, room); err != nil && ctx.Err() == nil {
			d.log.Error("sessions that are to end cannot be looked for", "error", err)
		}
		took := time.Since(began)
		if !rest(ctx, 4*took, nil) || !rest(ctx, max(disconnectEvery, 20*took), d.wake) {
			return nil
		}
	}
}

// rest waits, no longer than until woken, and reports false where ctx ended.
func rest(ctx context.Context, pause time.Duration, woken <-chan struct{}) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-woken:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// look asks about every session that is due and not asked about already, those
// due longest first. What is said of one that was being asked about may be
// past when it is read: it is looked at again when that is over.
func (d *disconnector) look(ctx context.Context, asking *sync.WaitGroup, room chan struct{}) error {
	underWay := d.underWay()
	due, err := d.due(ctx)
	slices.SortStableFunc(due, func(a, b directory.NetworkSession) int { return a.NextTry.Compare(b.NextTry) })
	for _, n := range due {
		if underWay[n.ID] || !d.take(n.ID) {
			continue
		}
		select {
		case room <- struct{}{}:
		default: // the rest comes when there is room again
			d.leave(n.ID)
			return err
		}
		asking.Go(func() {
			defer func() { <-room; d.leave(n.ID); d.changed(ctx, 0) }()
			d.end(ctx, n)
		})
	}
	return err
}

// due are sessions that would not be granted any more and may be asked about.
// One of which that is not known stays; the error says so.
func (d *disconnector) due(ctx context.Context) (list []directory.NetworkSession, unknown error) {
	for last := ""; len(list) < maxToEnd; {
		page, err := d.site.store.LiveSessions(ctx, d.env.now(), last, sessionsAtOnce)
		if err != nil || len(page) == 0 {
			return list, errors.Join(unknown, err)
		}
		for _, n := range page {
			ok, err := d.stands(ctx, n)
			switch {
			case err != nil:
				unknown = err
			case !ok:
				list = append(list, n)
			}
		}
		last = page[len(page)-1].ID
	}
	return list, unknown
}

// stands asks the engine whether what the session was granted for would be
// granted now. Where the device did not bring back what that was, the account
// alone is asked about.
func (d *disconnector) stands(ctx context.Context, n directory.NetworkSession) (bool, error) {
	if granted, ok := radiussrv.ReadClass(d.engine, n.Client, n.Class); ok {
		return d.engine.Entitled(ctx, granted)
	}
	return d.engine.Stands(ctx, n.AccountID)
}

// underWay are the sessions that are being asked about.
func (d *disconnector) underWay() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.busy)
}

func (d *disconnector) take(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[id] {
		return false
	}
	d.busy[id] = true
	return true
}

func (d *disconnector) leave(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, id)
}

// end has one session ended and keeps what became of it.
func (d *disconnector) end(ctx context.Context, n directory.NetworkSession) {
	began := d.env.now()
	outcome, err := d.ask(ctx, n)
	if ctx.Err() != nil {
		return // it is asked again when the server runs again
	}
	now := d.env.now()
	n.Tries++
	switch {
	case err == nil:
		n.Outcome = outcome.text
		if outcome.gone {
			n.EndedAt = now
		}
	case errors.Is(err, errNoDAE):
		n.Outcome = err.Error()
	case n.Tries >= disconnectTries:
		n.Outcome = "given up: " + err.Error()
	default:
		n.NextTry = now.Add(firstRetry << (n.Tries - 1))
	}
	d.note(ctx, n, err, now.Sub(began))
}

// note writes the event and the line of the log.
func (d *disconnector) note(ctx context.Context, n directory.NetworkSession, failed error, took time.Duration) {
	detail := fmt.Sprintf("%s, after %s", n.Outcome, took.Round(time.Millisecond))
	if n.Outcome == "" {
		detail = fmt.Sprintf("try %d: %v", n.Tries, failed)
	}
	id, err := directory.NewID(d.env.random)
	if err == nil {
		err = d.site.store.NoteDisconnect(context.WithoutCancel(ctx), n, directory.Event{
			ID: id, At: d.env.now(), Kind: directory.EventDisconnect, AccountID: n.AccountID, Login: n.Login, Protocol: "radius",
			Client: n.Client, Source: n.NASAddress, Reported: n.Reported, Credential: n.Credential, Actor: "postern", Detail: detail,
		})
	}
	if err != nil {
		d.log.Error("the outcome of a disconnect cannot be kept", "error", err)
	}
	level := d.log.Info
	if failed != nil || n.EndedAt.IsZero() {
		level = d.log.Warn
	}
	level("a RADIUS client was asked to end a session", "client", n.Client, "login", n.Login, "session", n.Session, "outcome", detail)
}

var errNoDAE = errors.New("the client has no dae address")

// asked is what a device answered.
type asked struct {
	text string
	gone bool
}

func (d *disconnector) ask(ctx context.Context, n directory.NetworkSession) (asked, error) {
	for _, c := range d.current.Load().RADIUS.Clients {
		if c.Name != n.Client || c.DAE.Address == "" {
			continue
		}
		shared, err := c.SharedSecretDAE()
		if err != nil {
			return asked{}, err
		}
		outcome, cause, err := radiussrv.Disconnect{
			Address: c.DAE.Address, Secret: secret.NewText(shared.Reveal()), Session: n, At: d.env.now(),
			Random: d.env.random, Dial: d.dial,
		}.Send(ctx)
		if err != nil {
			return asked{}, err
		}
		text := string(outcome)
		if cause != 0 {
			text = fmt.Sprintf("%s (Error-Cause %d)", outcome, cause)
		}
		return asked{text, outcome.Gone()}, nil
	}
	return asked{}, errNoDAE
}
