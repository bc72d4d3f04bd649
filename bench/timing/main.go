// Timing shows whether the time of a refusal tells why it was refused.
//
//	go run ./bench/timing                                # 2 000 tries of each class, some 20 minutes
//	go run ./bench/timing -tries 200                     # a short look
//	go run ./bench/timing -protocol LDAP -brakes off     # one part of the four
//
// It asks the plain binary, as shipped but for reject_delay = "0s", over real
// sockets for each way to be refused (classes.go), in a random order, from
// several connections at once, each of which asks, waits for the answer and
// asks again: over LDAP and over RADIUS, with the brakes as shipped and with
// brakes that never come on, each of the four parts with a server of its own.
// All answers must have the same bytes.
//
// What is printed is, for each pair of classes, the two-sample
// Kolmogorov-Smirnov distance of their times: the largest difference of their
// cumulative distributions, 0 where they are the same and 1 where they do not
// overlap. A full run fails where one is above 0.10, and any run where one is
// above twice the distance of two samples of one class in the same run, rank by
// rank (chance.go). How likely chance alone is to make the largest as large is
// printed too, and judges nothing.
//
// Each try takes 100 ms at least, by design, so many are on the way at once.
// With the brakes off six of ten tries need a hash, and one runs at a time on two
// cores: that is how long it takes, and more askers only wait longer. A refusal
// is held to the 99th percentile of what hashing one took, and waited for its
// turn, in the last ten minutes. So with the brakes as shipped the first tries
// are made one at a time, until the brakes are on. A try that the server is too
// busy to decide, which it says or is silent about, has no time and is counted
// apart. What else the machine does moves all classes alike, because they are
// interleaved.
//
// The run ends by itself within the time of -limit, with an error and fewer
// tries where that is too short. The last line says whether it was a full run:
// all four parts with at least 2 000 tries of each class.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"postern/bench/site"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "timing:", err)
		os.Exit(1)
	}
}

// fullTries is how often each class is asked in a full run.
const fullTries = 2000

// plan is how much is asked.
type plan struct {
	tries            int // of each class
	askers           int // at once
	seed             uint64
	protocol, brakes string        // "": each
	limit            time.Duration // 0: see bound
}

// protocols are the names of the ways to ask.
var protocols = []string{"LDAP", "RADIUS"}

func run() error {
	p := plan{seed: uint64(time.Now().UnixNano())}
	flag.IntVar(&p.tries, "tries", fullTries, "how often each class is asked")
	flag.IntVar(&p.askers, "askers", 32, "how many ask at once; at most 64, or the queue for hashes answers busy")
	flag.StringVar(&p.protocol, "protocol", "", "`NAME` of one alone, LDAP or RADIUS")
	flag.StringVar(&p.brakes, "brakes", "", "`STATE` of one alone, off or shipped")
	flag.DurationVar(&p.limit, "limit", 0, "how long all of it may take; 0 is some three times what it takes on two idle cores")
	site.ParseFlags("timing", "Shows whether the time of a refusal tells why it was refused.")
	parts, err := p.parts()
	if err != nil {
		return err
	}
	ctx, stop := site.UntilInterrupted()
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, p.bound(len(parts)))
	defer cancel()
	dir, err := os.MkdirTemp("", "postern-timing-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := site.Build(ctx, ".", dir)
	if err != nil {
		return err
	}
	fmt.Printf("%d tries of each class, %d at once, seed %d, at most %s\n", p.tries, p.askers, p.seed, p.bound(len(parts)))
	return p.all(ctx, parts, binary, dir)
}

// parts are what is asked for of the four. An error says what of the command
// line cannot be done.
func (p plan) parts() (parts []part, err error) {
	if p.tries < 4 || p.askers < 1 || p.askers > 64 {
		return nil, errors.New("tries must be at least 4, and askers from 1 to 64")
	}
	for _, how := range []brakes{asShipped, off} {
		for _, protocol := range protocols {
			if (p.protocol == "" || strings.EqualFold(p.protocol, protocol)) && strings.HasSuffix(how.name, p.brakes) {
				parts = append(parts, part{protocol: protocol, how: how})
			}
		}
	}
	if len(parts) == 0 || p.brakes != "" && p.brakes != "off" && p.brakes != "shipped" {
		return nil, errors.New("the protocol is LDAP or RADIUS, and the brakes are off or shipped")
	}
	return parts, nil
}

// bound is how long so many parts may take: what is asked for, or some three
// times what they need where one hash runs at a time.
func (p plan) bound(parts int) time.Duration {
	if p.limit > 0 {
		return p.limit
	}
	each := 3*time.Minute + time.Duration(p.tries)*time.Second
	return time.Duration(parts) * each
}

// all asks the parts in turn, prints them, and in the end what they come to.
func (p plan) all(ctx context.Context, parts []part, binary, dir string) error {
	var errs []error
	for i := range parts {
		if err := p.judge(ctx, &parts[i], binary, dir); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", parts[i].name(), err))
		}
	}
	summarise(os.Stdout, parts)
	fmt.Println("\n" + p.fullness(parts))
	return errors.Join(errs...)
}
