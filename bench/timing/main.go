// Timing shows whether the time of a refusal tells why it was refused.
//
//	go run ./bench/timing                     # 2 000 tries of each class, some 40 minutes
//	go run ./bench/timing -tries 200          # a short look
//	go run ./bench/timing -protocol LDAP -brakes off     # a quarter of it
//
// It asks the plain binary, as shipped but for reject_delay = "0s", over real
// sockets for each way to be refused (classes.go), in a random order, from
// several connections at once, each of which asks, waits for the answer and
// asks again: over LDAP and over RADIUS, with the brakes as shipped and with
// brakes that never come on. All answers must have the same bytes.
//
// What is printed is, for each pair of classes, the two-sample
// Kolmogorov-Smirnov distance of their times: the largest difference of their
// cumulative distributions, 0 where they are the same and 1 where they do not
// overlap. It fails where one is above 0.10, and where the distance of half
// samples of two classes is above twice the distance of two halves of one class
// in the same run (see table.verdict).
//
// Each try takes 100 ms at least, by design, so many are on the way at once.
// That loads the server: with the brakes off, hashes queue, and a refusal is
// held to the 99th percentile of what hashing one took. A try that the server is
// too busy to decide, which it says or is silent about, has no time and is
// counted apart. What else the machine
// does moves all classes alike, because they are interleaved. The run ends by
// itself within the time of -limit; with an error and fewer tries where that is
// too short.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
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

// plan is how much is asked.
type plan struct {
	tries    int // of each class
	askers   int // at once
	seed     uint64
	protocol string // "": each
}

func run() error {
	p := plan{seed: uint64(time.Now().UnixNano())}
	flag.IntVar(&p.tries, "tries", 2000, "how often each class is asked")
	flag.IntVar(&p.askers, "askers", 16, "how many ask at once; at most 64, or the queue for hashes answers busy")
	flag.StringVar(&p.protocol, "protocol", "", "LDAP or RADIUS alone")
	with := flag.String("brakes", "", "off or shipped alone")
	limit := flag.Duration("limit", 90*time.Minute, "how long all of it may take")
	flag.Parse()
	if err := p.check(*with); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
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
	fmt.Printf("%d tries of each class, %d at once, seed %d\n", p.tries, p.askers, p.seed)
	var errs []error
	for _, how := range []brakes{asShipped, off} {
		if strings.HasSuffix(how.name, *with) {
			errs = append(errs, p.protocols(ctx, binary, dir, how))
		}
	}
	return errors.Join(errs...)
}

// check says what of the command line cannot be done.
func (p plan) check(brakes string) error {
	switch {
	case p.tries < 4 || p.askers < 1 || p.askers > 64:
		return errors.New("tries must be at least 4, and askers from 1 to 64")
	case !slices.Contains([]string{"", "LDAP", "RADIUS"}, p.protocol):
		return errors.New("the protocol is LDAP or RADIUS")
	case !slices.Contains([]string{"", "off", "shipped"}, brakes):
		return errors.New("the brakes are off or shipped")
	}
	return nil
}

// protocols asks one installation over each protocol, and prints and judges.
func (p plan) protocols(ctx context.Context, binary, dir string, how brakes) error {
	h, err := open(ctx, binary, dir, how)
	if err != nil {
		return err
	}
	defer h.process.Kill()
	var errs []error
	for _, w := range h.ways() {
		if !strings.HasPrefix(w.name, p.protocol) {
			continue
		}
		begun := time.Now()
		tries, cut := p.collect(ctx, w)
		if cut != nil && !errors.Is(cut, errCutOff) {
			return fmt.Errorf("%s, %s: %w", w.name, how.name, cut)
		}
		t, err := tabulate(w.classes, tries)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", w.name, how.name, err)
		}
		fmt.Printf("\n## %s, %s: %d tries in %s\n\n", w.name, how.name, len(tries), time.Since(begun).Round(time.Second))
		t.print(os.Stdout)
		if err := errors.Join(cut, t.verdict()); err != nil {
			errs = append(errs, fmt.Errorf("%s, %s: %w", w.name, how.name, err))
		}
	}
	return errors.Join(errs...)
}
