package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"postern/bench/load"
	"postern/bench/peers"
	"postern/bench/people"
	"postern/bench/site"
)

// few is how many accounts the row has that measures an older binary: its own
// command line makes them, since its database is none of ours.
const few = 50

// accounting has every accept carry a Class, which says whose session it is.
const accounting = `accounting_listen = ["127.0.0.1:0"]` + "\n"

// beforeNow is the row of PAP with an older binary beside the one of today, and
// with accounting, which the older one may not know.
func (b *bench) beforeNow(ctx context.Context) (err error) {
	var all []contestant
	defer func() { err = errors.Join(err, stopAll(all)) }()
	for _, c := range []struct{ name, binary, config string }{
		{"Postern", b.binary, site.Config},
		{"Postern with accounting", b.binary, strings.Replace(site.Config, "reject_delay", accounting+"reject_delay", 1)},
		{"Postern before", b.before, site.Config},
	} {
		one, err := b.issued(ctx, c.name, c.binary, c.config)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		all = append(all, one)
	}
	dir, err := b.place("freeradius-before")
	if err != nil {
		return err
	}
	radius, err := peers.FreeRADIUS(ctx, dir, few)
	if err != nil {
		return err
	}
	all = append(all, contestant{Server: radius, drive: drivePAP(radius.At, peers.RADIUSSecret, papFrom(few, 1, drawn, peers.RADIUSSecret))})
	got, err := b.contest(ctx, all)
	if err != nil {
		return err
	}
	work := fmt.Sprintf("RADIUS PAP with an app password, %d accounts, before and now", few)
	b.rates(work, "requests/s", got)
	for _, f := range got[:3] {
		b.table.ratio(work, f.name+" ÷ FreeRADIUS", f.rate.over(got[3].rate))
		b.table.ratio(work, f.name+" ÷ FreeRADIUS, processor time", f.cost.over(got[3].cost))
	}
	return nil
}

// issued serves an installation whose accounts were made by its own commands.
func (b *bench) issued(ctx context.Context, name, binary, config string) (c contestant, err error) {
	dir, err := b.place(strings.ReplaceAll(name, " ", "-"))
	if err != nil {
		return c, err
	}
	s, err := site.New(ctx, binary, dir, config)
	if err != nil {
		return c, err
	}
	var known []load.Device
	for i := range few {
		if _, err := s.Run(ctx, "", "user", "add", people.Login(i), "--generate-password"); err != nil {
			return c, err
		}
		one, err := s.Issue(ctx, people.Login(i), "phone")
		if err != nil {
			return c, err
		}
		known = append(known, load.Device{Login: people.Login(i), Password: one.Secret})
	}
	secret, err := s.Secret()
	if err != nil {
		return c, err
	}
	server, at, err := peers.Postern{Site: s}.Start(ctx)
	if err != nil {
		return c, err
	}
	server.Name = name
	return contestant{Server: server, drive: drivePAP(at.RADIUS, secret, func(id byte) []byte {
		d := known[rand.IntN(len(known))]
		return load.PAP(id, d.Login, d.Password, []byte(secret))
	})}, nil
}
