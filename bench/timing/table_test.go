package main

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// drawn draws samples, the same in each run of a test.
func drawn(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 4)) //nolint:gosec // samples
}

// made are n tries of as many classes as there are shifts, spread over 2000
// steps; each class takes shift steps longer.
func made(random *rand.Rand, n int, shifts ...int) (tries []try) {
	for class, shift := range shifts {
		for range n {
			took := time.Duration(random.IntN(2000)+shift) * time.Microsecond
			tries = append(tries, try{class, took, []byte{0}})
		}
	}
	return tries
}

// drifting are n tries of ten classes in a random order, whose times are alike
// but move in the course of the run by three times their spread, up and down.
func drifting(random *rand.Rand, n int) (tries []try) {
	level := 0
	for i, of := range random.Perm(10 * n) {
		if i%(n/4) == 0 {
			level = random.IntN(6000)
		}
		tries = append(tries, try{of % 10, time.Duration(level+random.IntN(2000)) * time.Microsecond, []byte{0}})
	}
	return tries
}

// tabulated is the table of made tries.
func tabulated(t *testing.T, random *rand.Rand, tries []try, classes int) table {
	t.Helper()
	made, err := tabulate(make([]class, classes), tries, random)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestClassesThatAreAlikePass: in each of many runs of ten classes whose times
// are of one distribution, full of ties, whether they stay or drift. Held to one
// pair of halves, or to halves of every other try, some would fail.
func TestClassesThatAreAlikePass(t *testing.T) {
	random := drawn(1)
	for run := range 15 {
		for _, tries := range [][]try{made(random, 300, make([]int, 10)...), drifting(random, 300)} {
			if err := tabulated(t, random, tries, 10).verdict(false); err != nil {
				t.Errorf("run %d: %v", run, err)
			}
		}
	}
}

// TestATellingTimeIsFound: where one class of ten takes longer by a few per cent
// of the spread, and where as many do as need no hash, by less.
func TestATellingTimeIsFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		shifts []int
		full   bool
		found  bool
	}{
		{"alike", make([]int, 10), true, false},
		{"one by 9 %", []int{0, 0, 0, 0, 180, 0, 0, 0, 0, 0}, false, true},
		{"four by 7 %", []int{0, 0, 0, 0, 0, 0, 140, 140, 140, 140}, false, true},
		{"three classes, one by 15 %", []int{0, 0, 300}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			random := drawn(2)
			table := tabulated(t, random, made(random, 2000, c.shifts...), len(c.shifts))
			if err := table.verdict(c.full); (err != nil) != c.found {
				t.Errorf("the verdict is %v, at most %.2f times", err, table.worst().times())
			}
		})
	}
}

// TestTheBoundOfAFullRunIsOnTheDistanceItself: two samples as large as these are
// rarely as much as 0.10 apart, and a small one often is.
func TestTheBoundOfAFullRunIsOnTheDistanceItself(t *testing.T) {
	far := table{classes: []class{{name: "one"}, {name: "other"}}, pairs: []pair{{a: 0, b: 1, apart: 0.11, size: 5, oneClass: 0.1}}}
	if err := far.verdict(true); err == nil || !strings.Contains(err.Error(), "one and other are 0.110 apart, more than 0.10") {
		t.Errorf("in a full run the verdict is %v", err)
	}
	if err := far.verdict(false); err != nil {
		t.Errorf("of few tries the verdict is %v", err)
	}
}

// TestTheYardstickIsWhatTheorySays: of two samples of n, the mean distance is
// 0.8687 √(2/n) whatever the distribution, and the ranks ascend. Classes of
// different sizes give the same, once their size is taken out.
func TestTheYardstickIsWhatTheorySays(t *testing.T) {
	random := drawn(3)
	uniform, skew := make([]time.Duration, 1000), make([]time.Duration, 400)
	for i := range uniform {
		uniform[i] = time.Duration(i)
	}
	for i := range skew {
		skew[i] = time.Duration(i * i * i)
	}
	ranks := yardstick([][]time.Duration{uniform, skew}, 45, 50, random)
	mean := 0.0
	for i, d := range ranks {
		mean += d / float64(len(ranks))
		if i > 0 && d < ranks[i-1] {
			t.Errorf("rank %d is %.3f, the one before %.3f", i, d, ranks[i-1])
		}
	}
	if math.Abs(mean-0.8687) > 0.05 {
		t.Errorf("the mean is %.3f, want about 0.869", mean)
	}
	if last := ranks[len(ranks)-1]; last < 1.35 || last > 1.75 {
		t.Errorf("the largest of 45 is %.3f, want about 1.55", last)
	}
}

func TestHalvesAreTheWholeAndInOrder(t *testing.T) {
	for _, all := range [][]time.Duration{{1, 2, 2, 3, 5, 8, 9}, {1, 1, 1, 1}} {
		a, b := halve(all, nil, nil, drawn(5))
		if len(a) != len(all)/2 || len(a)+len(b) != len(all) {
			t.Errorf("%v became %v and %v", all, a, b)
		}
		sum := func(of []time.Duration) (total time.Duration) {
			for i, d := range of {
				if total += d; i > 0 && d < of[i-1] {
					t.Errorf("%v is out of order", of)
				}
			}
			return total
		}
		if sum(a)+sum(b) != sum(all) {
			t.Errorf("%v became %v and %v", all, a, b)
		}
	}
}

// TestChanceIsLikelyWhereClassesAreAlikeAndNotWhereTheyDiffer, also where one
// has fewer tries than others.
func TestChanceIsLikelyWhereClassesAreAlikeAndNotWhereTheyDiffer(t *testing.T) {
	for _, c := range []struct {
		name        string
		shift       int
		least, most float64
	}{{"alike", 0, 0.02, 1}, {"apart by a tenth of the spread", 200, 0, 0.02}} {
		t.Run(c.name, func(t *testing.T) {
			random := drawn(6)
			tries := made(random, 1000, 0, 0, c.shift)[300:]
			table := tabulated(t, random, tries, 3)
			if got := byChance(table.times, table.farthest().apart, 100, random); got < c.least || got > c.most {
				t.Errorf("%.3f, want between %.2f and %.2f", got, c.least, c.most)
			}
		})
	}
}

func TestWhatIsNotDecidedHasNoTimeAndOtherBytesAreFound(t *testing.T) {
	random := drawn(7)
	tries := made(random, 10, 0, 0, 0)
	tries[0].answer = nil
	if table := tabulated(t, random, tries, 3); table.putOff[0] != 1 || len(table.times[0]) != 9 {
		t.Errorf("one try put off: %+v", table)
	}
	tries[7].answer = []byte{1}
	if _, err := tabulate(make([]class, 3), tries, random); err == nil {
		t.Error("an answer of other bytes is not found")
	}
}

// TestOnlyAllPartsToTheirEndAreAFullRun, whatever they came to.
func TestOnlyAllPartsToTheirEndAreAFullRun(t *testing.T) {
	full := plan{tries: fullTries, askers: 1}
	parts, err := full.parts()
	if err != nil || len(parts) != 4 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	for i := range parts {
		parts[i].whole = true
	}
	if said := full.fullness(parts); !strings.HasPrefix(said, "A full run") {
		t.Error(said)
	}
	if said := (plan{tries: 200}).fullness(parts); !strings.HasPrefix(said, "NOT A FULL RUN: 200 tries") {
		t.Error(said)
	}
	if said := full.fullness(parts[:1]); !strings.HasPrefix(said, "NOT A FULL RUN: 1 of 4") {
		t.Error(said)
	}
	parts[2].whole, parts[2].verdict = false, errCutOff
	if said := full.fullness(parts); said != "NOT A FULL RUN: LDAP, brakes off was not asked to the end." {
		t.Error(said)
	}
	if said := parts[2].outcome(); said != "cut off" {
		t.Errorf("what was cut off %s", said)
	}
	parts[1].verdict = errors.New("apart")
	if said := parts[1].outcome(); said != "fails" {
		t.Errorf("what can be told apart %s", said)
	}
}

func TestAPartIsAskedForByItsProtocolAndItsBrakes(t *testing.T) {
	for _, c := range []struct{ protocol, brakes, want string }{
		{"radius", "off", "RADIUS, brakes off"},
		{"LDAP", "shipped", "LDAP, brakes as shipped"},
	} {
		parts, err := plan{tries: 4, askers: 1, protocol: c.protocol, brakes: c.brakes}.parts()
		if err != nil || len(parts) != 1 || parts[0].name() != c.want {
			t.Errorf("%q, %q: %v, %v", c.protocol, c.brakes, parts, err)
		}
	}
	for _, p := range []plan{{tries: 4, askers: 1, protocol: "DNS"}, {tries: 4, askers: 1, brakes: "f"}, {tries: 3, askers: 1}, {tries: 4, askers: 65}} {
		if _, err := p.parts(); err == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}
