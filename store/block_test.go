package store

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// someOf is a block of n remainders drawn at random.
func someOf(random *rand.Rand, n int) (b block) {
	for _, r := range random.Perm(blockSize)[:n] {
		b = append(b, uint16(r))
	}
	slices.Sort(b)
	return b
}

func TestABlockIsReadAsItWasWritten(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 1000, 1022, 1023, 1024, 1025, 8000, blockSize - 1, blockSize} {
		b := someOf(random, n)
		stored := b.bytes()
		got, err := readBlock(stored)
		if err != nil || !slices.Equal(got, b) || len(stored) > bitmapSize {
			t.Errorf("%d remainders in %d bytes are read as %d (%v)", n, len(stored), len(got), err)
		}
	}
}

func TestBlocksAreSets(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		a, b := someOf(random, random.IntN(60)), someOf(random, random.IntN(60))
		if random.IntN(4) == 0 {
			b = append(b, a...)
			slices.Sort(b)
			b = slices.Compact(b)
		}
		in := func(set block) func(uint16) bool { return func(n uint16) bool { return slices.Contains(set, n) } }
		var shared block
		for _, n := range a {
			if in(b)(n) {
				shared = append(shared, n)
			}
		}
		if got := a.both(b); !slices.Equal(got, shared) {
			t.Fatalf("both of %v and %v is %v", a, b, got)
		}
		sum := a.with(b)
		if !slices.IsSorted(sum) || len(sum) != len(a)+len(b)-len(shared) || !slices.ContainsFunc(append(block{0}, a...), in(append(sum, 0))) {
			t.Fatalf("%v with %v is %v", a, b, sum)
		}
		for _, n := range a {
			if left := sum.without(n); in(left)(n) || len(left) != len(sum)-1 {
				t.Fatalf("%v without %d is %v", sum, n, left)
			}
		}
		if left := block.without(block{1, 3}, 2); len(left) != 2 {
			t.Fatalf("without what is not in it, it is %v", left)
		}
	}
}

func TestADamagedBlockIsNotRead(t *testing.T) {
	for name, stored := range map[string][]byte{
		"half a remainder": {0, 1, 0}, "no order": {0, 2, 0, 1}, "twice": {0, 2, 0, 2}, "beyond": {0xff, 0xff},
		"too long": bytes.Repeat([]byte{1}, bitmapSize+2),
	} {
		if b, err := readBlock(stored); err == nil {
			t.Errorf("%s is read as %v", name, b)
		}
	}
}
