package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"postern/bench/load"
	"postern/bench/peers"
	"postern/bench/people"
)

// drawn is how many different requests a load draws from, and hardlyTwice as many
// that few of them are said again in one measurement.
const (
	drawn       = 60_000
	hardlyTwice = 600_000
)

// bindRequests draws binds uniformly from n accounts and all their passwords.
func bindRequests(n, drawn int) [][]byte {
	all := make([][]byte, 0, drawn)
	for range min(drawn, people.PerAccount*n) {
		i := rand.IntN(n)
		all = append(all, load.Bind(people.DN(i), people.Password(i, rand.IntN(people.PerAccount))))
	}
	return all
}

// binds is the row of LDAP binds with app passwords.
func (b *bench) binds(ctx context.Context) (err error) {
	work := fmt.Sprintf("LDAP bind with an app password, %d accounts × %d, %d connections kept", b.small, people.PerAccount, connections)
	requests := bindRequests(b.small, drawn)
	postern, ports, err := b.startPostern(ctx, "binds", b.small, "")
	if err != nil {
		return err
	}
	all := []contestant{{Server: postern, drive: driveLDAP(ports.LDAP, nil, requests, nil)}}
	defer func() { err = errors.Join(err, stopAll(all)) }()
	floor, err := peers.Floor(ctx, "tcp")
	if err != nil {
		return err
	}
	all = append(all, contestant{Server: floor, drive: driveLDAP(floor.At, nil, requests, nil)})
	dir, err := b.place("slapd-small")
	if err != nil {
		return err
	}
	if slapd, err := peers.Slapd(ctx, dir, b.small); err == nil {
		all = append(all, contestant{Server: slapd, drive: driveLDAP(slapd.At, nil, requests, nil), peer: true})
	} else if !b.leftOut(err) {
		return err
	}
	got, err := b.contest(ctx, all)
	if err != nil {
		return err
	}
	b.rates(work, "binds/s", got)
	b.table.verdict(work, "Postern ÷ floor", got[0].rate.over(got[1].rate), "%.2f", false, 0.5, 0.7)
	if len(got) > 2 {
		b.table.verdict(work, "Postern ÷ slapd", got[0].rate.over(got[2].rate), "%.2f", false, 4, 6)
		// What no server could exceed here, the generator's cost included.
		b.table.figure(work, "floor ÷ slapd", got[1].rate.over(got[2].rate).spread("%.2f"))
	}
	return nil
}

// pap is the row of RADIUS.
func (b *bench) pap(ctx context.Context) (err error) {
	work := fmt.Sprintf("RADIUS PAP with an app password, Message-Authenticator both ways, %d accounts", b.small)
	postern, ports, err := b.startPostern(ctx, "pap", b.small, "")
	if err != nil {
		return err
	}
	all := []contestant{{Server: postern, drive: drivePAP(ports.RADIUS, ports.secret, papFrom(b.small, people.PerAccount, drawn, ports.secret))}}
	defer func() { err = errors.Join(err, stopAll(all)) }()
	floor, err := peers.Floor(ctx, "udp")
	if err != nil {
		return err
	}
	all = append(all, contestant{Server: floor, drive: drivePAP(floor.At, peers.RADIUSSecret, papFrom(b.small, people.PerAccount, drawn, peers.RADIUSSecret))})
	dir, err := b.place("freeradius")
	if err != nil {
		return err
	}
	if radius, err := peers.FreeRADIUS(ctx, dir, b.small); err == nil {
		all = append(all, contestant{Server: radius, drive: drivePAP(radius.At, peers.RADIUSSecret, papFrom(b.small, 1, drawn, peers.RADIUSSecret)), peer: true})
	} else if !b.leftOut(err) {
		return err
	}
	got, err := b.contest(ctx, all)
	if err != nil {
		return err
	}
	b.rates(work, "requests/s", got)
	b.table.verdict(work, "Postern ÷ floor", got[0].rate.over(got[1].rate), "%.2f", false, 0.5, 0.7)
	if len(got) > 2 {
		b.table.verdict(work, "Postern ÷ FreeRADIUS", got[0].rate.over(got[2].rate), "%.2f", false, 1.5, 2.5)
	}
	return nil
}

// papFrom makes requests of n accounts with one of their first passwords.
func papFrom(n, passwords, drawn int, secret string) func(byte) []byte {
	// App passwords take longer to make up than requests to encode.
	type one struct{ login, password string }
	known := make([]one, 0, drawn)
	for range min(drawn, passwords*n) {
		i := rand.IntN(n)
		known = append(known, one{people.Login(i), people.Password(i, rand.IntN(passwords))})
	}
	return func(id byte) []byte {
		k := known[rand.IntN(len(known))]
		return load.PAP(id, k.login, k.password, []byte(secret))
	}
}

// aMillion is how much of its speed Postern keeps with a million accounts: with
// as many requests again and again as at the smaller number, which are soon
// warm in every memory there is, which is what has a bound, and then with requests
// hardly any of which comes twice.
func (b *bench) aMillion(ctx context.Context) (err error) {
	const many = 1_000_000
	sizes := [2]int{many, b.small}
	var running []contestant
	defer func() { err = errors.Join(err, stopAll(running)) }()
	var at [2]ports
	for i, n := range sizes {
		s, p, err := b.startPostern(ctx, fmt.Sprintf("million-%d", n), n, "")
		if err != nil {
			return err
		}
		s.Name = fmt.Sprintf("Postern, %d accounts", n)
		running, at[i] = append(running, contestant{Server: s}), p
	}
	for _, requests := range []struct {
		how   string
		drawn int
	}{{"warm", drawn}, {"hardly one twice", hardlyTwice}} {
		var all []contestant
		for i, n := range sizes {
			bind := driveLDAP(at[i].LDAP, nil, bindRequests(n, requests.drawn), nil)
			pap := drivePAP(at[i].RADIUS, at[i].secret, papFrom(n, people.PerAccount, requests.drawn, at[i].secret))
			all = append(all, contestant{Server: running[i].Server, drive: bind, trial: drawn}, contestant{Server: running[i].Server, drive: pap, trial: drawn})
		}
		got, err := b.contest(ctx, all)
		if err != nil {
			return err
		}
		for i, work := range []string{"LDAP bind with an app password", "RADIUS PAP with an app password"} {
			work += fmt.Sprintf(", %d accounts × %d drawn uniformly, %s", many, people.PerAccount, requests.how)
			b.rates(work, "a second", []figures{got[i], got[i+2]})
			ratio, who := got[i].rate.over(got[i+2].rate), fmt.Sprintf("÷ the figure at %d", b.small)
			if requests.drawn == drawn {
				b.table.verdict(work, who, ratio, "%.2f", false, 0.7, 0.9)
			} else {
				b.table.ratio(work, who, ratio)
			}
		}
	}
	return nil
}

// rates prints what each gave.
func (b *bench) rates(work, unit string, all []figures) {
	for _, f := range all {
		b.table.figure(work, f.name, fmt.Sprintf("%s %s, %s µs of its processor time each%s",
			f.rate.spread("%.0f"), unit, f.cost.spread("%.1f"), f.generator()))
	}
}

// generator says what driving it took, where the generator counts that.
func (f figures) generator() string {
	if f.busy.median() == 0 {
		return ""
	}
	return fmt.Sprintf("; %.1f µs of the generator's, busy %.0f %% of the time", f.own.median(), f.busy.median())
}

// leftOut reports whether err is a peer that is not installed, and says so.
func (b *bench) leftOut(err error) bool {
	var missing peers.Missing
	if !errors.As(err, &missing) {
		return false
	}
	b.table.say("Left out: %v.", missing)
	return true
}

// ports of a Postern, and its secrets.
type ports struct {
	LDAP, RADIUS   netip.AddrPort
	secret, reader string
}

// startPostern makes an installation of its own with n accounts, and serves it.
func (b *bench) startPostern(ctx context.Context, name string, n int, more string) (*peers.Server, ports, error) {
	p, err := b.install(ctx, name, n, more)
	if err != nil {
		return nil, ports{}, err
	}
	s, at, err := p.Start(ctx)
	return s, ports{at.LDAP, at.RADIUS, p.RADIUSSecret, p.ReaderSecret}, err
}

func (b *bench) install(ctx context.Context, name string, n int, more string) (peers.Postern, error) {
	dir, err := b.place(name)
	if err != nil {
		return peers.Postern{}, err
	}
	return peers.NewPostern(ctx, b.binary, dir, n, peers.Config+more)
}
