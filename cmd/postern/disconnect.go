package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"postern/directory"
	"postern/radiussrv"
	"postern/secret"
)

const (
	// disconnectEvery is how often it is looked for sessions whose ground ended
	// by itself; what somebody does is seen by the version of the database.
	disconnectEvery  = 5 * time.Second
	disconnectAtOnce = 16
	// disconnectTries is how often a device is asked before it is given up;
	// the pauses in between double from the first.
	disconnectTries = 6
	firstRetry      = time.Minute
)

// disconnector has devices end the sessions whose account or app password does
// not stand any more.
type disconnector struct {
	*server
	wake chan struct{}

	mu   sync.Mutex
	busy map[string]bool // ids of sessions that are being asked about
}

func newDisconnector(s *server) *disconnector {
	return &disconnector{server: s, wake: make(chan struct{}, 1), busy: make(map[string]bool)}
}

// changed is for server.notify.
func (d *disconnector) changed(context.Context, int64) {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run looks for such sessions whenever something changed, and now and then,
// until ctx ends.
func (d *disconnector) run(ctx context.Context) error {
	var asking sync.WaitGroup
	defer asking.Wait()
	room := make(chan struct{}, disconnectAtOnce)
	tick := time.NewTicker(disconnectEvery)
	defer tick.Stop()
	for {
		if err := d.look(ctx, &asking, room); err != nil && ctx.Err() == nil {
			d.log.Error("sessions that are to end cannot be looked for", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-tick.C:
		}
	}
}

// look asks about every session that is due and not asked about already.
func (d *disconnector) look(ctx context.Context, asking *sync.WaitGroup, room chan struct{}) error {
	due, err := d.site.store.UnentitledSessions(ctx, d.env.now(), 4*disconnectAtOnce)
	if err != nil {
		return err
	}
	for _, n := range due {
		if !d.take(n.ID) {
			continue
		}
		select {
		case room <- struct{}{}:
		default: // the rest comes when there is room again
			d.leave(n.ID)
			return nil
		}
		asking.Go(func() {
			defer func() { <-room; d.leave(n.ID); d.changed(ctx, 0) }()
			d.end(ctx, n)
		})
	}
	return nil
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
			Random: d.env.random, Dial: new(net.Dialer).DialContext,
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
