// Hostile does to servers what hostile clients do and says who survived.
//
//	go run ./bench/hostile                       # Postern, slapd, FreeRADIUS and gldap's server
//	go run ./bench/hostile -targets Postern      # one of them
//
// For each server it sends every class of the corpus (bench/corpus), each
// message on a connection or socket of its own, and then lays siege: slow
// clients, 10 000 idle connections, half-open handshakes, no file descriptors
// left, floods from many loopback addresses. During each siege and after each
// class somebody else signs in. A server that died is started anew for the next
// class.
//
// For Postern it then waits a minute, and fails where there are more goroutines or
// connections than before, or more than 8 MB more of live memory. Everything is
// bounded in count and time and keeps to loopback. It exits 0 where Postern did
// all that is asked of it, whatever the others did.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"postern/bench/corpus"
	"postern/bench/peers"
	"postern/bench/site"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

// scale is how much is done.
type scale struct {
	mutations corpus.Mutations
	idle      int           // idle connections
	slow      int           // slow clients
	siege     time.Duration // how long a siege lasts
	pause     time.Duration // behind the last of it; then everything is as before,
	within    time.Duration // or comes to that in so long
}

var (
	full  = scale{mutations: 400, idle: 10_000, slow: 500, siege: 5 * time.Second, pause: time.Minute}
	short = scale{mutations: 10, idle: 1200, slow: 100, siege: 500 * time.Millisecond, within: time.Minute}
)

func run() error {
	names := flag.String("targets", "Postern,slapd,FreeRADIUS,gldap", "which `servers`, by commas")
	quick := flag.Bool("short", false, "a little of everything")
	site.ParseFlags("hostile", "Does to servers what hostile clients do and says who survived.")
	if err := known(*names); err != nil {
		return err
	}
	how := full
	if *quick {
		how = short
	}
	ctx, stop := site.UntilInterrupted()
	defer stop()
	dir, err := os.MkdirTemp("", "postern-hostile-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := site.Build(ctx, ".", dir)
	if err != nil {
		return err
	}
	var r report
	var errs []error
	for _, open := range openers(binary, dir) {
		if !strings.Contains(","+*names+",", ","+open.name+",") {
			continue
		}
		err := attack(ctx, open, how, &r)
		var missing peers.Missing
		if errors.As(err, &missing) {
			fmt.Printf("%s: left out: %v\n", open.name, err)
			continue
		}
		errs = append(errs, err)
	}
	r.print(os.Stdout)
	return errors.Join(append(errs, r.verdict())...)
}

// known refuses a list with a name that is no server's, which would be left out
// without a word.
func known(list string) error {
	var names []string
	for _, o := range openers("", "") {
		names = append(names, o.name)
	}
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(names, name) {
			return fmt.Errorf("-targets: there is no server %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}
