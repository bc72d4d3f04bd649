package policy

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// goldenLine is one line of testdata/decisions.txt: for each axis the values
// it stands for, and what Decide says there.
type goldenLine struct {
	number  int
	allowed [10]uint32 // one bit a value
	want    Decision
	points  int
}

func (l *goldenLine) covers(p point) bool {
	for i, v := range p {
		if l.allowed[i]&(1<<v) == 0 {
			return false
		}
	}
	return true
}

func TestGoldenTableCoversEveryPointOnceAndDecideAgrees(t *testing.T) {
	lines := readGolden(t, "testdata/decisions.txt")
	failures := 0
	for p := range everyPoint() {
		if err := checkPoint(p, lines); err != nil {
			t.Error(err)
			if failures++; failures == 10 {
				t.Fatal("and so on")
			}
		}
	}
	for _, l := range lines {
		if l.points == 0 {
			t.Errorf("line %d stands for no point", l.number)
		}
	}
}

func checkPoint(p point, lines []*goldenLine) error {
	var found *goldenLine
	for _, l := range lines {
		if !l.covers(p) {
			continue
		}
		if found != nil {
			return fmt.Errorf("lines %d and %d both stand for %s", found.number, l.number, p)
		}
		found = l
	}
	if found == nil {
		return fmt.Errorf("no line stands for %s", p)
	}
	found.points++
	if got := Decide(p.facts()); got != found.want {
		return fmt.Errorf("line %d says %v %q of %s; Decide says %v %q",
			found.number, found.want.Outcome, found.want.Reason, p, got.Outcome, got.Reason)
	}
	return nil
}

// String spells the point in the words of the table.
func (p point) String() string {
	words := make([]string, len(p))
	for i, v := range p {
		words[i] = axes[i].words[v]
	}
	return strings.Join(words, " ")
}

func readGolden(t *testing.T, file string) (lines []*goldenLine) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	for number := 1; scan.Scan(); number++ {
		text, _, _ := strings.Cut(scan.Text(), "#")
		if strings.TrimSpace(text) == "" {
			continue
		}
		l, err := parseGolden(strings.Fields(text))
		if err != nil {
			t.Fatalf("%s:%d: %v", file, number, err)
		}
		l.number = number
		lines = append(lines, l)
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// parseGolden reads one value, some values joined by "|", or "*" for each
// axis, then outcome and reason.
func parseGolden(fields []string) (*goldenLine, error) {
	l := &goldenLine{}
	if len(fields) != len(axes)+2 {
		return nil, fmt.Errorf("%d columns, not %d", len(fields), len(axes)+2)
	}
	for i, a := range axes {
		bits, err := a.bits(fields[i])
		if err != nil {
			return nil, err
		}
		l.allowed[i] = bits
	}
	outcome, err := outcomeNamed(fields[len(axes)])
	l.want = verdict(outcome, Reason(fields[len(axes)+1]))
	return l, err
}

func (a axis) bits(cell string) (bits uint32, err error) {
	if cell == "*" {
		return 1<<len(a.words) - 1, nil
	}
	for word := range strings.SplitSeq(cell, "|") {
		bit := uint32(0)
		for i, w := range a.words {
			if w == word {
				bit = 1 << i
			}
		}
		if bit == 0 {
			return 0, fmt.Errorf("%s has no value %q", a.name, word)
		}
		bits |= bit
	}
	return bits, nil
}

func outcomeNamed(name string) (Outcome, error) {
	for o, n := range outcomeNames {
		if n == name {
			return Outcome(o), nil
		}
	}
	return 0, fmt.Errorf("no outcome is called %q", name)
}
