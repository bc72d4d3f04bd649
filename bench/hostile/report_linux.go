package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"postern/bench/site"
)

// report is what happened to whom.
type report struct {
	names []string // of deeds, in order
	cells map[string]map[string]what
	who   []string
	state []string // of Postern in the end
	fails []error
}

func (r *report) add(who string, w what) {
	if r.cells == nil {
		r.cells = map[string]map[string]what{}
	}
	if r.cells[w.name] == nil {
		r.cells[w.name] = map[string]what{}
		r.names = append(r.names, w.name)
	}
	if len(r.who) == 0 || r.who[len(r.who)-1] != who {
		r.who = append(r.who, who)
	}
	r.cells[w.name][who] = w
	fmt.Printf("%s | %s | %s\n", who, w.name, w)
	if who == "Postern" && (w.died || w.refused != nil) {
		r.fails = append(r.fails, fmt.Errorf("%s: %s", w.name, w))
	}
}

// String says what a deed came to.
func (w what) String() string {
	switch {
	case errors.Is(w.err, errNotThere):
		return "not offered"
	case w.died:
		return fmt.Sprintf("DIED (%d sent)", w.count)
	case w.refused != nil:
		return fmt.Sprintf("lives; a sign-in of somebody else failed: %v (%d sent)", w.refused, w.count)
	}
	return fmt.Sprintf("lives; %d sent; %d sign-ins of others, the longest %s", w.count, w.tried, w.longest.Round(time.Millisecond))
}

// spare is how much more live memory there may be in the end.
const spare = 8 << 20

// settle waits as how says and holds Postern to what it held before.
func (r *report) settle(t *target, before site.State, how scale) error {
	begun := time.Now()
	time.Sleep(how.pause)
	for {
		now, err := t.process.State()
		if err != nil {
			return err
		}
		asBefore := now.Goroutines <= before.Goroutines && now.Connections <= before.Connections && now.Heap <= before.Heap+spare
		if !asBefore && time.Since(begun) < how.within {
			time.Sleep(time.Second)
			continue
		}
		state := fmt.Sprintf("Postern before: %d goroutines, %d connections, %.1f MB live. %.0f s after the last: %d goroutines, %d connections, %.1f MB live.",
			before.Goroutines, before.Connections, mb(before.Heap), time.Since(begun).Seconds(), now.Goroutines, now.Connections, mb(now.Heap))
		r.state = append(r.state, state)
		if !asBefore {
			r.fails = append(r.fails, fmt.Errorf("in the end Postern holds more than before: %s", state))
		}
		return nil
	}
}

func mb(n int64) float64 { return float64(n) / (1 << 20) }

// verdict is an error where Postern did not do what is asked of it.
func (r *report) verdict() error { return errors.Join(r.fails...) }

// print writes the table as Markdown.
func (r *report) print(w io.Writer) {
	fmt.Fprint(w, "\n| what was done |")
	for _, who := range r.who {
		fmt.Fprintf(w, " %s |", who)
	}
	fmt.Fprint(w, "\n|---|")
	for range r.who {
		fmt.Fprint(w, "---|")
	}
	fmt.Fprintln(w)
	for _, name := range r.names {
		fmt.Fprintf(w, "| %s |", name)
		for _, who := range r.who {
			if cell, ok := r.cells[name][who]; ok {
				fmt.Fprintf(w, " %s |", cell)
			} else {
				fmt.Fprint(w, " – |")
			}
		}
		fmt.Fprintln(w)
	}
	for _, s := range r.state {
		fmt.Fprintln(w, "\n"+s)
	}
}
