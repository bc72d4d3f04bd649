// Compare measures Postern beside the servers people would pick instead, on
// this machine, and prints a table of what was measured, with ratios.
//
//	go run ./bench/compare              # every row but the largest
//	go run ./bench/compare -million     # and that of a million accounts
//	go run ./bench/compare -rows bind   # rows whose name holds that word
//	go run ./bench/compare -before OLD  # and PAP of an older binary
//
// Each server has the same accounts and is driven over real sockets by the same
// generator, in turn and again and again (A B C A B C …), so that what else the
// machine does meets all of them. Figures are medians over the rounds, with the
// least and the most behind them; a ratio is the median of the ratios of the
// rounds. The generator runs on the same processors and its cost is part of
// every figure. A run with any error or unexpected answer is no figure, and
// ends the row.
//
// Peers that are not installed are left out, and that is said: "make bench"
// installs them where it may. Nothing of the system's own services is touched,
// everything listens on loopback, and it ends by itself in some ten minutes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"postern/bench/peers"
	"postern/bench/site"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "floor" {
		fail(peers.ServeFloor(os.Args[2], os.Args[3]))
	}
	fail(run())
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// bench is one run of this program.
type bench struct {
	rounds  int
	length  time.Duration // of one measurement
	small   int           // accounts of the rows of binds and PAP
	large   int           // accounts of the rows of searches, memory and start
	million bool
	rows    string
	dir     string
	binary  string
	before  string
	table   table
}

func run() error {
	var b bench
	flag.IntVar(&b.rounds, "rounds", 5, "how often each server is measured")
	flag.DurationVar(&b.length, "length", 3*time.Second, "how long one measurement takes, about")
	flag.IntVar(&b.small, "accounts", 10_000, "accounts in the rows of binds and PAP")
	flag.IntVar(&b.large, "entries", 100_000, "accounts in the rows of searches, memory and start")
	flag.BoolVar(&b.million, "million", false, "also measure a million accounts")
	flag.StringVar(&b.rows, "rows", "", "only rows whose name holds this `word`: "+names(b.named()))
	flag.StringVar(&b.binary, "postern", "", "the `binary` to measure, instead of one built from here")
	flag.StringVar(&b.before, "before", "", "an older `binary`, to be measured with PAP beside that of today")
	site.ParseFlags("compare", "Measures Postern beside slapd and FreeRADIUS on this machine, and prints a table.")
	rows, err := b.asked()
	if err != nil {
		return err
	}
	ctx, stop := site.UntilInterrupted()
	defer stop()
	dir, err := os.MkdirTemp("", "postern-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if b.binary == "" {
		if b.binary, err = site.Build(ctx, ".", dir); err != nil {
			return err
		}
	} else if b.binary, err = filepath.Abs(b.binary); err != nil {
		return err
	}
	if b.before, err = absolute(b.before); err != nil {
		return err
	}
	fmt.Printf("%d processors, shared with the generator; %d rounds of about %s each\n\n", runtime.NumCPU(), b.rounds, b.length)
	b.table.say("Load average at the start: %s.", loadAverage())
	err = b.all(ctx, rows)
	b.table.say("Load average at the end: %s.", loadAverage())
	b.table.print(os.Stdout)
	return err
}

// loadAverage is how many were ready to run, on average, in the last 1, 5 and 15
// minutes: what else the machine does.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return "not known"
	}
	return strings.Join(fields[:3], ", ") + fmt.Sprintf(" on %d processors", runtime.NumCPU())
}

// absolute is the path from the root, "" that of none.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path) //nolint:wrapcheck // it says what it is about
}

// row is a part of the table, with one name or several.
type row struct {
	name    string
	measure func(context.Context) error
}

// named are all rows, in the order of the table.
func (b *bench) named() []row {
	return []row{
		{"bind", b.binds},
		{"pap", b.pap},
		{"eap", b.eaps},
		{"before", b.beforeNow},
		{"search paged", b.searches},
		{"crowd", b.crowd},
		{"memory start", b.memoryAndStart},
		{"million", b.aMillion},
	}
}

func names(rows []row) string {
	var list []string
	for _, r := range rows {
		list = append(list, strings.Fields(r.name)...)
	}
	return strings.Join(list, ", ")
}

// asked are the rows that the command line asks for. An error says what of it
// cannot be done.
func (b *bench) asked() (rows []row, err error) {
	if b.rounds < 1 || b.length <= 0 || b.small < 1 || b.large < 1 {
		return nil, errors.New("-rounds, -accounts and -entries must be at least 1, and -length above 0s")
	}
	for _, r := range b.named() {
		left := r.name == "million" && !b.million || r.name == "before" && b.before == ""
		if strings.Contains(r.name, b.rows) && !left {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("-rows %q is none of %s; million needs -million, and before needs -before", b.rows, names(b.named()))
	}
	return rows, nil
}

// all measures the rows. One that cannot be measured does not keep the others
// from it.
func (b *bench) all(ctx context.Context, rows []row) error {
	var errs []error
	for _, r := range rows {
		if ctx.Err() != nil {
			break
		}
		err := r.measure(ctx)
		var missing peers.Missing
		switch {
		case errors.As(err, &missing):
			b.table.say("%s: left out, because %v", r.name, err)
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return errors.Join(errs...)
}

// place makes a directory for something under test.
func (b *bench) place(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}
