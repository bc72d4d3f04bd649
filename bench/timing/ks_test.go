package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b []time.Duration
		want float64
	}{
		{"the same", []time.Duration{3, 1, 2}, []time.Duration{1, 2, 3}, 0},
		{"apart", []time.Duration{1, 2}, []time.Duration{3, 4, 5}, 1},
		{"one value each, equal", []time.Duration{7}, []time.Duration{7}, 0},
		{"ties on both sides", []time.Duration{1, 1, 1, 2}, []time.Duration{1, 2, 2, 2}, 0.5},
		{"one inside the other", []time.Duration{1, 2, 3, 4}, []time.Duration{2, 3}, 0.25},
		{"of different sizes", []time.Duration{1, 2, 3, 4, 5}, []time.Duration{3, 4, 5, 6, 7, 8, 9, 10}, 0.625},
		{"nothing", nil, []time.Duration{1}, 1},
	} {
		slices.Sort(c.a)
		if got := distance(c.a, c.b); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got := distance(c.b, c.a); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s, the other way round: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestDistanceOfAShiftIsTheShift: of a uniform distribution and the same moved
// by a tenth of its width, the true distance is 0.1.
func TestDistanceOfAShiftIsTheShift(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // samples
	const n = 20_000
	draw := func(shift time.Duration) (all []time.Duration) {
		for range n {
			all = append(all, shift+time.Duration(random.Int64N(int64(time.Second))))
		}
		slices.Sort(all)
		return all
	}
	if d := distance(draw(0), draw(100*time.Millisecond)); math.Abs(d-0.1) > 0.02 {
		t.Errorf("%v, want about 0.1", d)
	}
	if d := distance(draw(0), draw(0)); d > 0.02 {
		t.Errorf("%v of two samples of the same, want about 0", d)
	}
}
