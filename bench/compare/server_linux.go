package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"postern/bench/load"
	"postern/bench/people"
)

// dialFrom connects from a loopback address.
func dialFrom(from string, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
	return d.Dial("tcp", to.String())
}

// exchange sends a bind and reads its answer, which is to have one of codes.
func exchange(c net.Conn, request []byte, codes ...byte) error {
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	var answer [14]byte
	if _, err := io.ReadFull(c, answer[:]); err != nil {
		return err
	}
	if !slices.Contains(codes, answer[9]) {
		return fmt.Errorf("a bind was answered with %x", answer)
	}
	return nil
}

// invalidCredentials is the result code of a refused bind, busy that of a full
// queue.
const (
	invalidCredentials = 49
	busy               = 51
)

// Brakes that never come on, so that every wrong password is hashed.
const noBrakes = `
[brakes]
tries              = 1000
unfamiliar_per_day = 100000
source_per_minute  = 100000
remember_refused   = "0s"
`

// crowd is the row of good binds beside wrong passwords, with the brakes as
// shipped and without: then one hash runs after another all the time.
func (b *bench) crowd(ctx context.Context) error {
	return errors.Join(
		b.crowdWith(ctx, "brakes as shipped", ""),
		b.crowdWith(ctx, "brakes off", noBrakes))
}

const (
	goodRate   = 1000 // binds a second
	attackers  = 64
	crowdTakes = 5 * time.Second
)

func (b *bench) crowdWith(ctx context.Context, how, more string) (err error) {
	work := fmt.Sprintf("good binds at %d/s, open loop, beside %d connections with wrong passwords, %s", goodRate, attackers, how)
	s, at, err := b.startPostern(ctx, "crowd "+how, b.small, more)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	var quiet, loud, refused sample
	for i := range b.rounds + 1 { // the first warms up
		before, err := b.good(ctx, at.LDAP)
		if err != nil {
			return err
		}
		during, n, err := b.goodAmidWrong(ctx, at.LDAP)
		if err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		quiet = append(quiet, milliseconds(before.Percentile(99)))
		loud = append(loud, milliseconds(during.Percentile(99)))
		refused = append(refused, float64(n)/crowdTakes.Seconds())
	}
	b.table.figure(work, "p99 quiet", quiet.spread("%.2f")+" ms")
	b.table.figure(work, "p99 beside them", loud.spread("%.2f")+" ms; "+refused.spread("%.0f")+" wrong passwords/s answered")
	b.table.verdict(work, "beside ÷ quiet", loud.over(quiet), "%.2f", true, 5, 2)
	return nil
}

// good runs the open loop of good binds.
func (b *bench) good(ctx context.Context, to netip.AddrPort) (load.Latencies, error) {
	requests := bindRequests(b.small, drawn)
	o := load.Open{Rate: goodRate, Duration: crowdTakes}
	for range 32 {
		c, err := dialFrom("127.0.0.1", to)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		o.Connections = append(o.Connections, func() error { return exchange(c, requests[rand.IntN(len(requests))], 0) })
	}
	return o.Run(ctx)
}

// goodAmidWrong is good while others send wrong passwords without pause. It
// returns how many of those were answered.
func (b *bench) goodAmidWrong(ctx context.Context, to netip.AddrPort) (load.Latencies, int64, error) {
	ctx, stop := context.WithCancel(ctx)
	var answered atomic.Int64
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	for i := range attackers {
		c, err := dialFrom(fmt.Sprintf("127.0.1.%d", 1+i), to)
		if err != nil {
			return nil, 0, err
		}
		hangUp := context.AfterFunc(ctx, func() { c.Close() })
		all.Go(func() {
			defer hangUp()
			for ctx.Err() == nil {
				wrong := load.Bind(people.DN(rand.IntN(b.small)), fmt.Sprintf("wrong %d", rand.Int()))
				if exchange(c, wrong, invalidCredentials, busy) == nil {
					answered.Add(1)
				}
			}
		})
	}
	latencies, err := b.good(ctx, to)
	return latencies, answered.Load(), err
}

const idleConnections = 1000

// memoryAndStart are the rows of memory and of the start.
func (b *bench) memoryAndStart(ctx context.Context) error {
	p, err := b.install(ctx, "memory", b.large, "")
	if err != nil {
		return err
	}
	requests := bindRequests(b.large, drawn)
	var resident, worked, took sample
	for range b.rounds {
		begun := time.Now()
		s, at, err := p.Start(ctx)
		if err != nil {
			return err
		}
		c, err := dialFrom("127.0.0.1", at.LDAP)
		if err != nil {
			return err
		}
		if err := exchange(c, requests[0], 0); err != nil {
			return err
		}
		took = append(took, time.Since(begun).Seconds())
		c.Close()
		idle, after, err := residentWith(at.LDAP, requests, s.Resident)
		if err := errors.Join(err, s.Stop()); err != nil {
			return err
		}
		resident, worked = append(resident, idle), append(worked, after)
	}
	work := fmt.Sprintf("resident memory, %d accounts, %d idle plain connections, each bound", b.large, idleConnections)
	b.table.verdict(work, "MB", resident, "%.0f", true, 150, 80)
	b.table.figure(work, "MB, after a load of binds beside them", worked.spread("%.0f"))
	b.table.verdict(fmt.Sprintf("from the start of the process to the first good bind, %d accounts", b.large), "s", took, "%.2f", true, 1, 0.2)
	return nil
}

// residentWith opens idle connections and returns the memory in place with
// them, and after a load of binds beside them, in MB.
func residentWith(to netip.AddrPort, requests [][]byte, resident func() (int64, error)) (idle, worked float64, err error) {
	for i := range idleConnections {
		c, err := dialFrom("127.0.0.1", to)
		if err != nil {
			return 0, 0, err
		}
		defer c.Close()
		if err := exchange(c, requests[i%len(requests)], 0); err != nil {
			return 0, 0, err
		}
	}
	before, err := resident()
	if err != nil {
		return 0, 0, err
	}
	if _, err := driveLDAP(to, nil, requests, nil)(drawn); err != nil {
		return 0, 0, err
	}
	after, err := resident()
	return float64(before) / (1 << 20), float64(after) / (1 << 20), err
}
