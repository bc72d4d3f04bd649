package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// What is asked of the distances.
const (
	mostApart = 0.10 // of two classes
	mostTimes = 2    // of two classes, as a multiple of two halves of one
)

// table is what the times of all classes come to.
type table struct {
	classes []class
	times   [][]time.Duration // of each class, sorted
	putOff  []int             // tries of each class that were not decided
	whole   [][]float64       // distance of each pair
	halves  [][]float64       // the same of half samples; of a class and itself, of its two halves
}

// tabulate compares the answers, which must all be the same, and then their
// times.
func tabulate(classes []class, tries []try) (t table, err error) {
	t.classes = classes
	t.times, t.putOff = make([][]time.Duration, len(classes)), make([]int, len(classes))
	var first *try
	for _, one := range tries {
		switch {
		case one.answer == nil:
			t.putOff[one.class]++
			continue
		case first == nil:
			first = &one
		case !bytes.Equal(one.answer, first.answer):
			return t, fmt.Errorf("%s answers %x, %s %x", classes[one.class].name, one.answer, classes[first.class].name, first.answer)
		}
		t.times[one.class] = append(t.times[one.class], one.took)
	}
	for i, times := range t.times {
		if len(times) < 4 {
			return t, fmt.Errorf("%d tries of %s are too few to say anything", len(times), classes[i].name)
		}
	}
	parts := make([][2][]time.Duration, len(classes))
	for i, times := range t.times {
		parts[i] = halve(times)
	}
	for i := range classes {
		t.whole = append(t.whole, make([]float64, len(classes)))
		t.halves = append(t.halves, make([]float64, len(classes)))
		for j := range i {
			t.whole[i][j] = distance(t.times[i], t.times[j])
			for _, a := range parts[i] {
				for _, b := range parts[j] {
					t.halves[i][j] += distance(a, b) / 4
				}
			}
		}
		t.halves[i][i] = distance(parts[i][0], parts[i][1])
	}
	return t, nil
}

// halve makes two samples of one: every other try, in the order they were made,
// so that neither has more of what the machine did at a time.
func halve(times []time.Duration) (parts [2][]time.Duration) {
	for i, d := range times {
		parts[i%2] = append(parts[i%2], d)
	}
	return parts
}

// within is the mean distance of the two halves of one class: what chance alone
// does to samples of this size in this run.
func (t table) within() (mean float64) {
	for i := range t.classes {
		mean += t.halves[i][i] / float64(len(t.classes))
	}
	return mean
}

// verdict is an error for each pair of classes that can be told apart. Distances
// of small samples are larger by chance, so what is held against two halves of
// one class are halves of two, all four pairs of them averaged.
func (t table) verdict() error {
	var errs []error
	for i := range t.classes {
		for j := range i {
			pair := fmt.Sprintf("%s and %s", t.classes[j].name, t.classes[i].name)
			if d := t.whole[i][j]; d > mostApart {
				errs = append(errs, fmt.Errorf("%s are %.3f apart, more than %.2f", pair, d, mostApart))
			}
			if d := t.halves[i][j]; d > mostTimes*t.within() {
				errs = append(errs, fmt.Errorf("halves of %s are %.3f apart, more than %d × %.3f, what two halves of one class are", pair, d, mostTimes, t.within()))
			}
		}
	}
	return errors.Join(errs...)
}

// print writes the tables as Markdown.
func (t table) print(w io.Writer) {
	fmt.Fprintln(w, "| | class | put off | p10 ms | median | p90 | p99 | distance to "+header(len(t.classes))+" |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|"+string(bytes.Repeat([]byte("---|"), len(t.classes)-1)))
	most, mostHalves := 0.0, 0.0
	for i, c := range t.classes {
		sorted := slices.Sorted(slices.Values(t.times[i]))
		at := func(p int) float64 { return float64(sorted[(len(sorted)-1)*p/100]) / float64(time.Millisecond) }
		fmt.Fprintf(w, "| %d | %s | %d | %.2f | %.2f | %.2f | %.2f |", i+1, c.name, t.putOff[i], at(10), at(50), at(90), at(99))
		for j := range len(t.classes) - 1 {
			if j >= i {
				fmt.Fprint(w, " |")
				continue
			}
			most, mostHalves = max(most, t.whole[i][j]), max(mostHalves, t.halves[i][j])
			fmt.Fprintf(w, " %.3f |", t.whole[i][j])
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\nThe largest distance is %.3f, to be at most %.2f. Of half samples the largest is %.3f; two halves of one class are %.3f apart, and %.2f times as much is allowed: it is %.2f times.\n",
		most, mostApart, mostHalves, t.within(), float64(mostTimes), mostHalves/t.within())
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
