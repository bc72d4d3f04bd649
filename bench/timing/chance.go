package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// What chance alone does to the distances of a run is found from the run itself,
// in two ways. Both rest on the order of the tries: which of them is of which
// class was drawn before the run began (plan.collect), whatever the server and
// the machine did in its course.
//
// The yardstick is the distance of two samples of one class. A class is split in
// two at random, which makes of its tries what asking for it under two names
// would have made, without asking twice as often. It must be at random: every
// other try, in the order they were made, shares whatever drifts in the course of
// a run, and such halves are more alike than any two samples drawn from it. And
// one pair is not enough, because it may come out at half of what is usual or at
// twice that. So every class is split many times over. The halves are smaller
// samples than the classes; size makes up for it.
//
// Forty-five pairs are not held against one: the largest of so many is nearly
// twice what one is on average, by chance. They are held against as many pairs
// of halves, rank by rank: the largest against the largest, the median against
// the median. So a single pair must be far out to be found, as it must be where
// there are so many; where a class differs from all others, or four from six, a
// smaller difference shows, because many pairs have it.
//
// Splitting has one property to know of: however much the times scatter or drift,
// it comes to the same, what the theory of Kolmogorov and Smirnov says of two
// samples of one distribution. A restless machine does not widen the bound.

// splits is how many rounds of pairs of halves the yardstick is the mean of.
const splits = 200

// yardstick returns the distances, ascending and each multiplied by its size,
// that pairs of samples of one class come to: the mean of each rank over all
// rounds. The classes take turns. times are sorted.
func yardstick(times [][]time.Duration, pairs, rounds int, random *rand.Rand) []float64 {
	mean := make([]float64, pairs)
	round := make([]float64, pairs)
	var a, b []time.Duration
	for n := range rounds {
		for i := range round {
			a, b = halve(times[(n*pairs+i)%len(times)], a[:0], b[:0], random)
			round[i] = distance(a, b) * size(len(a), len(b))
		}
		slices.Sort(round)
		for i, d := range round {
			mean[i] += d / float64(rounds)
		}
	}
	return mean
}

// halve appends one half of all to a and the other to b, at random and in the
// order they had.
func halve(all, a, b []time.Duration, random *rand.Rand) (one, other []time.Duration) {
	need := len(all) / 2
	for i, d := range all {
		if random.IntN(len(all)-i) < need {
			a = append(a, d)
			need--
		} else {
			b = append(b, d)
		}
	}
	return a, b
}

// relabelled is how often the tries are given to the classes anew.
const relabelled = 1000

// byChance is in how many of all ways to say which try was of which class the
// largest distance of two classes would be at least most: some 0.5 where classes
// do not matter, and near 0 where they do, be it ever so little. It is the mean of
// so many rounds and the one that was. times are sorted.
func byChance(times [][]time.Duration, most float64, rounds int, random *rand.Rand) float64 {
	all, labels := pool(times)
	drawn := make([][]time.Duration, len(times))
	reached := 1
	for range rounds {
		random.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
		for i := range drawn {
			drawn[i] = drawn[i][:0]
		}
		for i, class := range labels {
			drawn[class] = append(drawn[class], all[i])
		}
		if reaches(drawn, most) {
			reached++
		}
	}
	return float64(reached) / float64(rounds+1)
}

// pool returns all times, sorted, and as many labels of each class as it has
// times.
func pool(times [][]time.Duration) (all []time.Duration, labels []int) {
	for class, of := range times {
		all = append(all, of...)
		for range of {
			labels = append(labels, class)
		}
	}
	slices.Sort(all)
	return all, labels
}

// reaches says whether two classes are at least most apart.
func reaches(times [][]time.Duration, most float64) bool {
	for i := range times {
		for j := range i {
			if distance(times[i], times[j]) >= most {
				return true
			}
		}
	}
	return false
}
