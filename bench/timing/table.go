package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

// What is asked of the distances.
const (
	mostApart = 0.10 // of two classes
	mostTimes = 2    // of two classes, as a multiple of two samples of one
)

// table is what the times of all classes come to.
type table struct {
	classes []class
	times   [][]time.Duration // of each class, sorted
	putOff  []int             // tries of each class that were not decided
	pairs   []pair            // of classes, the nearest first
	luck    float64           // see byChance
}

// pair is two classes, a before b.
type pair struct {
	a, b     int
	apart    float64 // their distance
	size     float64 // see size
	oneClass float64 // two samples of one class of that size and rank
}

// scaled is the distance regardless of the sizes of the samples.
func (p pair) scaled() float64 { return p.apart * p.size }

// times is how many times as far apart the classes are as two samples of one.
func (p pair) times() float64 { return p.apart / p.oneClass }

// tabulate compares the answers, which must all be the same, and then their
// times.
func tabulate(classes []class, tries []try, random *rand.Rand) (t table, err error) {
	t.classes = classes
	if t.times, t.putOff, err = sorted(classes, tries); err != nil {
		return t, err
	}
	for b := range classes {
		for a := range b {
			t.pairs = append(t.pairs, pair{a: a, b: b,
				apart: distance(t.times[a], t.times[b]), size: size(len(t.times[a]), len(t.times[b]))})
		}
	}
	slices.SortStableFunc(t.pairs, func(p, q pair) int { return cmp.Compare(p.scaled(), q.scaled()) })
	for i, scaled := range yardstick(t.times, len(t.pairs), splits, random) {
		t.pairs[i].oneClass = scaled / t.pairs[i].size
	}
	return t, nil
}

// sorted are the times of each class, ascending. Answers must be the same.
func sorted(classes []class, tries []try) (times [][]time.Duration, putOff []int, err error) {
	times, putOff = make([][]time.Duration, len(classes)), make([]int, len(classes))
	var first *try
	for _, one := range tries {
		switch {
		case one.answer == nil:
			putOff[one.class]++
			continue
		case first == nil:
			first = &one
		case !bytes.Equal(one.answer, first.answer):
			return nil, nil, fmt.Errorf("%s answers %x, %s %x", classes[one.class].name, one.answer, classes[first.class].name, first.answer)
		}
		times[one.class] = append(times[one.class], one.took)
	}
	for i := range times {
		if len(times[i]) < 4 {
			return nil, nil, fmt.Errorf("%d tries of %s are too few to say anything", len(times[i]), classes[i].name)
		}
		slices.Sort(times[i])
	}
	return times, putOff, nil
}

// farthest is the pair that is the farthest apart.
func (t table) farthest() pair {
	return slices.MaxFunc(t.pairs, func(p, q pair) int { return cmp.Compare(p.apart, q.apart) })
}

// worst is the pair that is the most times as far apart as two samples of one
// class.
func (t table) worst() pair {
	return slices.MaxFunc(t.pairs, func(p, q pair) int { return cmp.Compare(p.times(), q.times()) })
}

// verdict is an error for each pair of classes that can be told apart. The bound
// on the distance itself is for a full run: chance alone takes it from smaller
// samples.
func (t table) verdict(full bool) error {
	var errs []error
	for _, p := range t.pairs {
		name := fmt.Sprintf("%s and %s", t.classes[p.a].name, t.classes[p.b].name)
		if full && p.apart > mostApart {
			errs = append(errs, fmt.Errorf("%s are %.3f apart, more than %.2f", name, p.apart, mostApart))
		}
		if p.times() > mostTimes {
			errs = append(errs, fmt.Errorf("%s are %.3f apart, more than %d × %.3f, what two samples of one class of that rank are", name, p.apart, mostTimes, p.oneClass))
		}
	}
	return errors.Join(errs...)
}

// print writes the table as Markdown.
func (t table) print(w io.Writer) {
	fmt.Fprintln(w, "| | class | tries | put off | p10 ms | median | p90 | p99 | distance to "+header(len(t.classes))+" |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|"+string(bytes.Repeat([]byte("---|"), len(t.classes)-1)))
	apart := make(map[[2]int]float64)
	for _, p := range t.pairs {
		apart[[2]int{p.a, p.b}] = p.apart
	}
	for i, c := range t.classes {
		fmt.Fprintf(w, "| %d | %s | %d | %d | %.2f | %.2f | %.2f | %.2f |", i+1, c.name, len(t.times[i])+t.putOff[i], t.putOff[i],
			t.percentile(i, 10), t.percentile(i, 50), t.percentile(i, 90), t.percentile(i, 99))
		for j := range len(t.classes) - 1 {
			if j >= i {
				fmt.Fprint(w, " |")
				continue
			}
			fmt.Fprintf(w, " %.3f |", apart[[2]int{j, i}])
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\nThe largest of %d distances is %.3f, to be at most %.2f in a full run; of as many pairs of samples of one class it is %.3f. "+
		"Rank by rank, they are at most %.2f times as far apart as those, where %d times is allowed. "+
		"Were it drawn anew which try was of which class, the largest would be as large or larger in %.1f %% of the draws.\n",
		len(t.pairs), t.farthest().apart, mostApart, t.pairs[len(t.pairs)-1].oneClass, t.worst().times(), mostTimes, 100*t.luck)
}

// percentile of the times of a class, in milliseconds.
func (t table) percentile(class, p int) float64 {
	times := t.times[class]
	return float64(times[(len(times)-1)*p/100]) / float64(time.Millisecond)
}

// header names the columns of distances.
func header(classes int) (s string) {
	for i := range classes - 1 {
		if i > 0 {
			s += " | "
		}
		s += fmt.Sprint(i + 1)
	}
	return s
}
