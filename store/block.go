package store

import (
	"encoding/binary"
	"errors"
	"slices"
)

// A block holds which of 16384 numbers that follow each other are in a set.
// Stored, it is a list of the remainders, two bytes each, or where there are
// more than 1023 of them a bit for each remainder.
const (
	blockBits  = 14
	blockSize  = 1 << blockBits
	bitmapSize = blockSize / 8
)

// block is a set of remainders in rising order.
type block []uint16

var errBlock = errors.New("the database is damaged: a list of numbers is malformed")

// place is where a number stands: its block, and the remainder in it.
func place(number int64) (in int64, remainder uint16) {
	return number >> blockBits, uint16(number & (blockSize - 1))
}

// readBlock reads what bytes wrote.
func readBlock(stored []byte) (b block, err error) {
	if len(stored) == bitmapSize {
		for i, bits := range stored {
			for j := range 8 {
				if bits&(1<<j) != 0 {
					b = append(b, uint16(i*8+j))
				}
			}
		}
		return b, nil
	}
	if len(stored)%2 != 0 || len(stored) > bitmapSize {
		return nil, errBlock
	}
	b = make(block, len(stored)/2)
	for i := range b {
		b[i] = binary.BigEndian.Uint16(stored[2*i:])
		if b[i] >= blockSize || i > 0 && b[i] <= b[i-1] {
			return nil, errBlock
		}
	}
	return b, nil
}

// bytes is how b is stored.
func (b block) bytes() []byte {
	if 2*len(b) >= bitmapSize {
		bitmap := make([]byte, bitmapSize)
		for _, n := range b {
			bitmap[n/8] |= 1 << (n % 8)
		}
		return bitmap
	}
	list := make([]byte, 0, 2*len(b))
	for _, n := range b {
		list = binary.BigEndian.AppendUint16(list, n)
	}
	return list
}

// with is b and other together.
func (b block) with(other block) block {
	sum := append(slices.Clone(b), other...)
	slices.Sort(sum)
	return slices.Compact(sum)
}

// without is b less one remainder.
func (b block) without(n uint16) block {
	if i, found := slices.BinarySearch(b, n); found {
		return slices.Delete(slices.Clone(b), i, i+1)
	}
	return b
}

// both is what b and other share.
func (b block) both(other block) (shared block) {
	for i, j := 0, 0; i < len(b) && j < len(other); {
		switch {
		case b[i] < other[j]:
			i++
		case b[i] > other[j]:
			j++
		default:
			shared = append(shared, b[i])
			i, j = i+1, j+1
		}
	}
	return shared
}
