package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// part is a protocol with the brakes on or off, and what came of it.
type part struct {
	protocol string
	how      brakes
	asked    int // tries made
	took     time.Duration
	table    table // nothing in it: it came to no times
	whole    bool  // every try was made
	verdict  error
}

func (p part) name() string { return p.protocol + ", " + p.how.name }

// judge makes a server, asks it all that one part is made of, and prints the
// times.
func (p plan) judge(ctx context.Context, one *part, binary, dir string) (err error) {
	defer func() { one.verdict = err }()
	h, err := open(ctx, binary, dir, one.how)
	if err != nil {
		return err
	}
	defer h.process.Kill()
	ways := h.ways()
	w := ways[slices.IndexFunc(ways, func(w way) bool { return w.name == one.protocol })]
	begun := time.Now()
	tries, cut := p.collect(ctx, w, one)
	if cut != nil && !errors.Is(cut, errCutOff) {
		return cut
	}
	one.asked, one.took, one.whole = len(tries), time.Since(begun), cut == nil
	random := rand.New(rand.NewPCG(p.seed, 3)) //nolint:gosec // it draws samples
	t, err := tabulate(w.classes, tries, random)
	if err != nil {
		return errors.Join(cut, err)
	}
	t.luck = byChance(t.times, t.farthest().apart, relabelled, random)
	one.table = t
	fmt.Printf("\n## %s: %d tries in %s\n\n", one.name(), len(tries), one.took.Round(time.Second))
	t.print(os.Stdout)
	return errors.Join(cut, t.verdict(p.tries >= fullTries && one.whole))
}

// watch prints how far a part is, now and then, until the context ends. How long
// it takes shows only where the first tries, made one at a time, are over.
func watch(ctx context.Context, w io.Writer, name string, done *atomic.Int64, alone, all int) {
	const every = 30 * time.Second
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := done.Load()
		left := "it stands still"
		switch {
		case now < int64(alone):
			left = "one at a time at first"
		case now > last && last >= int64(alone):
			left = fmt.Sprintf("some %s left", (every * time.Duration(int64(all)-now) / time.Duration(now-last)).Round(time.Second))
		case now > last:
			left = "all at once now"
		}
		fmt.Fprintf(w, "%s: %d of %d tries, %s\n", name, now, all, left)
		last = now
	}
}

// summarise prints what all parts came to, as Markdown.
func summarise(w io.Writer, parts []part) {
	fmt.Fprintln(w, "\n| | tries | put off | medians of the classes | largest distance | of samples of one class | most times as far, rank by rank | as large by chance | took | |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
	for _, p := range parts {
		t := p.table
		if len(t.pairs) == 0 {
			fmt.Fprintf(w, "| %s | %d | – | – | – | – | – | – | %s | %s |\n", p.name(), p.asked, p.took.Round(time.Second), p.outcome())
			continue
		}
		var medians []float64
		putOff := 0
		for i := range t.classes {
			medians, putOff = append(medians, t.percentile(i, 50)), putOff+t.putOff[i]
		}
		fmt.Fprintf(w, "| %s | %d | %d | %.2f–%.2f ms | %.3f | %.3f | %.2f | %.1f %% | %s | %s |\n",
			p.name(), p.asked, putOff, slices.Min(medians), slices.Max(medians), t.farthest().apart, t.pairs[len(t.pairs)-1].oneClass,
			t.worst().times(), 100*t.luck, p.took.Round(time.Second), p.outcome())
	}
}

// outcome is a part's in a word or three.
func (p part) outcome() string {
	switch {
	case p.verdict != nil && !p.whole:
		return "cut off"
	case p.verdict != nil:
		return "fails"
	default:
		return "holds"
	}
}

// fullness says whether this was a full run, and why it was not.
func (p plan) fullness(parts []part) string {
	var why []string
	if p.tries < fullTries {
		why = append(why, fmt.Sprintf("%d tries of each class are less than %d, and the bound of %.2f is not held against so few", p.tries, fullTries, mostApart))
	}
	if len(parts) < 4 {
		why = append(why, fmt.Sprintf("%d of 4 parts were asked for", len(parts)))
	}
	for _, one := range parts {
		if !one.whole {
			why = append(why, one.name()+" was not asked to the end")
		}
	}
	if len(why) == 0 {
		return fmt.Sprintf("A full run: all four parts with %d tries of each class.", p.tries)
	}
	return "NOT A FULL RUN: " + strings.Join(why, "; ") + "."
}
