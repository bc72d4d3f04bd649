package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"postern/bench/load"
	"postern/bench/peers"
)

// contestant is a server and how to load it with n exchanges.
type contestant struct {
	*peers.Server
	drive func(n int) (load.Result, error)
	trial int  // exchanges before the first measurement; 0: as many as trial says
	peer  bool // a run that failed is made again: whether a peer drops one request of a million is not what is measured
}

// again is how many runs of peers are made again in all.
const again = 2

// figures are what a contestant gave.
type figures struct {
	name string
	rate sample // exchanges a second
	cost sample // microseconds of the server's processor time for each
	own  sample // the same of the generator
	busy sample // how much of the time the generator was at work, in percent
}

// trial is so many exchanges before the first measurement, to find out how many
// fill one and to warm everybody up.
const trial = 4000

// contest measures all in turn, again and again.
func (b *bench) contest(ctx context.Context, all []contestant) ([]figures, error) {
	out := make([]figures, len(all))
	sizes, left := make([]int, len(all)), again
	for i, c := range all {
		out[i].name = c.Name
		for range 2 {
			n := cmp.Or(c.trial, trial)
			r, err := c.drive(n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			sizes[i] = max(n, int(r.Rate()*b.length.Seconds()))
		}
	}
	for range b.rounds {
		for i, c := range all {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			err := c.measure(sizes[i], &out[i])
			for ; err != nil && c.peer && left > 0; left-- {
				b.table.say("A run of %s gave no figure and was made again: %v.", c.Name, err)
				err = c.measure(sizes[i], &out[i])
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
	}
	return out, nil
}

func (c contestant) measure(n int, f *figures) error {
	before, err := c.Processor()
	if err != nil {
		return err
	}
	r, err := c.drive(n)
	if err != nil {
		return err
	}
	after, err := c.Processor()
	if err != nil {
		return err
	}
	f.rate = append(f.rate, r.Rate())
	f.cost = append(f.cost, float64((after-before).Microseconds())/float64(r.Exchanges))
	f.own = append(f.own, float64(r.Processor.Microseconds())/float64(r.Exchanges))
	f.busy = append(f.busy, 100*r.Processor.Seconds()/r.Took.Seconds())
	return nil
}

// connections are how many are kept in the closed loops.
const connections = 16

// driveLDAP loads a server with the requests given, in order, on kept
// connections that begin in places of their own.
func driveLDAP(at netip.AddrPort, first []byte, requests [][]byte, entry func(int) []byte) func(int) (load.Result, error) {
	return func(n int) (load.Result, error) {
		c := load.Closed{Address: at, Window: 1}
		for i := range connections {
			c.Lines = append(c.Lines, &load.LDAP{
				First: first, Requests: requests, At: rand.IntN(len(requests)), Left: share(n, connections, i), Entry: entry,
			})
		}
		return c.Run()
	}
}

// Sockets of the RADIUS loops, and requests on the way on each.
const (
	sockets = 4
	window  = 16
)

// drivePAP loads a server with requests made by make, each new.
func drivePAP(at netip.AddrPort, secret string, make func(id byte) []byte) func(int) (load.Result, error) {
	return func(n int) (load.Result, error) {
		c := load.Closed{Address: at, Datagram: true, Window: window}
		for i := range sockets {
			line := &load.RADIUS{Secret: []byte(secret)}
			for k := range share(n, sockets, i) {
				line.Requests = append(line.Requests, make(byte(k)))
			}
			c.Lines = append(c.Lines, line)
		}
		return c.Run()
	}
}

// share is part i of n in so many parts.
func share(n, parts, i int) int {
	if i < n%parts {
		return n/parts + 1
	}
	return n / parts
}

// stopAll stops what is there.
func stopAll(all []contestant) error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.Stop())
	}
	return errors.Join(errs...)
}

// milliseconds is d as a figure.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
