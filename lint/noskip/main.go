// Noskip reads what `go test -json` writes and prints what `go test` would
// have: the closing line of every package, and in full whatever failed. It ends
// with the count of tests. Where CI=true it fails when a test skipped itself,
// and names it: a check that did not run is not a check that passed.
//
//	go test -json ./... | noskip
//
// It exits 0 when every package passed, 1 otherwise.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	t := tally{strict: os.Getenv("CI") == "true", pending: map[string][]string{}}
	if err := t.read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "noskip:", err)
		os.Exit(1)
	}
	if !t.close(os.Stdout) {
		os.Exit(1)
	}
}

// event is a line of go test -json, as `go doc test2json` describes it.
type event struct {
	Action, Package, Test, Output, ImportPath string
}

// tally counts the ends of tests and holds back output until it is known
// whether anybody wants it.
type tally struct {
	strict                  bool
	passed, failed, skipped int
	broken                  bool // a package failed, by a test or without one
	skips                   []string
	pending                 map[string][]string // output by package and test
}

// read prints to out what deserves it while the events arrive.
func (t *tally) read(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			t.line(line, out)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the events: %w", err)
		}
	}
}

// line takes one event. What is no event is somebody's plain output, and is
// passed on.
func (t *tally) line(line string, out io.Writer) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(out, line)
		return
	}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(out, e.Output)
	case e.Action == "build-fail":
		t.broken = true
	case e.Test == "":
		t.ofPackage(e, out)
	default:
		t.ofTest(e, out)
	}
}

// ofPackage prints a package's own lines, except the PASS that go test prints
// only under -v, and the seed of the order, which matters where one fails.
func (t *tally) ofPackage(e event, out io.Writer) {
	switch e.Action {
	case "output":
		switch {
		case strings.HasPrefix(e.Output, "-test.shuffle "):
			t.pending[e.Package+" "] = []string{e.Output}
		case e.Output != "PASS\n":
			fmt.Fprint(out, e.Output)
		}
	case "fail":
		t.broken = true
		t.flush(e.Package, out)
	case "pass", "skip":
		t.flush(e.Package, io.Discard)
	}
}

// ofTest counts the end of a test and prints what a failed one said.
func (t *tally) ofTest(e event, out io.Writer) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		t.pending[key] = append(t.pending[key], e.Output)
		return
	case "pass":
		t.passed++
	case "skip":
		t.skipped++
		t.skips = append(t.skips, key)
	case "fail":
		t.failed++
		fmt.Fprint(out, strings.Join(t.pending[key], ""))
	default:
		return
	}
	delete(t.pending, key)
}

// flush ends what never ended: the tests that ran when their process died.
func (t *tally) flush(pkg string, out io.Writer) {
	for key, lines := range t.pending {
		if strings.HasPrefix(key, pkg+" ") {
			fmt.Fprint(out, strings.Join(lines, ""))
			delete(t.pending, key)
		}
	}
}

// close prints the count and says whether all is well.
func (t *tally) close(out io.Writer) bool {
	if t.strict {
		for _, name := range t.skips {
			fmt.Fprintln(out, "skipped, which CI=true forbids:", name)
		}
	}
	ok := !t.broken && t.failed == 0 && (!t.strict || t.skipped == 0)
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	return ok && t.passed > 0
}
