package main

import (
	"math"
	"slices"
	"time"
)

// distance is the two-sample Kolmogorov-Smirnov distance: the largest
// difference between the cumulative distributions of a and b. It sorts both.
// With nothing on one side it is 1: nothing shows that they are alike.
func distance(a, b []time.Duration) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	slices.Sort(a)
	slices.Sort(b)
	most, i, j := 0.0, 0, 0
	for i < len(a) && j < len(b) {
		// Values that are equal are stepped over together, on both sides.
		at := min(a[i], b[j])
		for i < len(a) && a[i] == at {
			i++
		}
		for j < len(b) && b[j] == at {
			j++
		}
		most = max(most, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return most
}
