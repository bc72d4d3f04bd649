package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// sample is what a server gave in the rounds.
type sample []float64

func (s sample) sorted() sample { return slices.Sorted(slices.Values(s)) }

func (s sample) median() float64 {
	if len(s) == 0 {
		return 0
	}
	o := s.sorted()
	return (o[(len(o)-1)/2] + o[len(o)/2]) / 2
}

// over is the ratio of s to o, round by round.
func (s sample) over(o sample) (ratios sample) {
	for i := range min(len(s), len(o)) {
		ratios = append(ratios, s[i]/o[i])
	}
	return ratios
}

// spread is the median with the least and the most.
func (s sample) spread(format string) string {
	if len(s) == 0 {
		return "none"
	}
	o := s.sorted()
	return fmt.Sprintf(format+" ("+format+"–"+format+")", s.median(), o[0], o[len(o)-1])
}

// table is what is printed in the end.
type table struct {
	lines [][4]string
	notes []string
}

// figure adds a line: what, by whom, and the figure.
func (t *table) figure(work, who, figure string) {
	t.lines = append(t.lines, [4]string{work, who, figure, ""})
	fmt.Printf("%s | %s | %s\n", work, who, figure)
}

// verdict adds a line with a figure that is to be at least, or at most, reach;
// goal is what is better still.
func (t *table) verdict(work, who string, s sample, format string, atMost bool, reach, goal float64) {
	meets := func(bound float64) bool {
		if atMost {
			return s.median() <= bound
		}
		return s.median() >= bound
	}
	word := "≥"
	if atMost {
		word = "≤"
	}
	says := "NOT REACHED"
	switch {
	case meets(goal):
		says = "goal met"
	case meets(reach):
		says = "reached"
	}
	bounds := fmt.Sprintf("%s: reach %s "+format+", go for "+format, says, word, reach, goal)
	t.lines = append(t.lines, [4]string{work, who, s.spread(format), bounds})
	fmt.Printf("%s | %s | %s | %s\n", work, who, s.spread(format), bounds)
}

// ratio adds a line with a ratio that is to reach nothing: there is no bound.
func (t *table) ratio(work, who string, s sample) {
	t.lines = append(t.lines, [4]string{work, who, s.spread("%.2f"), "no bound"})
	fmt.Printf("%s | %s | %s | no bound\n", work, who, s.spread("%.2f"))
}

func (t *table) say(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
	fmt.Println(t.notes[len(t.notes)-1])
}

// print writes the table as Markdown.
func (t *table) print(w io.Writer) {
	fmt.Fprintln(w, "\n| work | who or what | median (least–most) | |\n|---|---|---|---|")
	for _, l := range t.lines {
		fmt.Fprintf(w, "| %s |\n", strings.Join(l[:], " | "))
	}
	for _, n := range t.notes {
		fmt.Fprintln(w, "\n"+n)
	}
}
