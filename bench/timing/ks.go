package main

import (
	"math"
	"time"
)

// distance is the two-sample Kolmogorov-Smirnov distance of a and b, which are
// sorted: the largest difference between their cumulative distributions. With
// nothing on one side it is 1: nothing shows that they are alike.
func distance(a, b []time.Duration) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
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

// size is what a distance of samples of n and m is multiplied by to be held
// against one of samples of other sizes: by chance alone distances are as the
// square root of (n+m)/(nm).
func size(n, m int) float64 { return math.Sqrt(float64(n) * float64(m) / float64(n+m)) }
