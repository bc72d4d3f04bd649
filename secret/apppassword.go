package secret

import "io"

// Format is the shape of an app password.
type Format uint8

const (
	// Standard is 24 random letters and a check letter: 112.8 bits, above the
	// 112 at which NIST SP 800-63B lets a secret be stored as a plain keyed
	// hash.
	Standard Format = iota
	// Compact is 15 random letters and a check letter: 70.5 bits, for devices
	// with short password boxes.
	Compact
)

const (
	letters     = "abcdefghijklmnopqrstuvwxyz"
	standardLen = 25
	compactLen  = 16
)

// String is the format's name in the configuration.
func (f Format) String() string {
	if f == Compact {
		return "compact"
	}
	return "standard"
}

// length counts the letters, the check letter included.
func (f Format) length() int {
	if f == Compact {
		return compactLen
	}
	return standardLen
}

// NewAppPassword returns a new app password in its canonical form: lower-case
// letters without separators, the last of them the check letter. It reads
// random, which should be crypto/rand.Reader, until it has enough of it.
func NewAppPassword(random io.Reader, f Format) (Text, error) {
	drawn, err := pick(random, f.length()-1, letters)
	if err != nil {
		return Text{}, err
	}
	return NewText(string(append(drawn, checkLetter(drawn)))), nil
}

// weights are the units modulo 26. A wrong letter changes the weighted sum by
// a unit times something that is not 0, which is never 0: every single wrong
// letter shows. Neighbours differ by 2 or 4, so that 24 of 25 swaps of two
// different neighbours show too.
var weights = [...]int{1, 3, 5, 7, 9, 11, 15, 17, 19, 21, 23, 25}

// weightedSum is 0 for the letters of an app password with its check letter.
func weightedSum[T string | []byte](s T) int {
	sum := 0
	for i := range len(s) {
		sum += weights[i%len(weights)] * int(s[i]-'a')
	}
	return sum % 26
}

// checkLetter is the one letter that brings the weighted sum to 0.
func checkLetter(drawn []byte) byte {
	sum, weight := weightedSum(drawn), weights[len(drawn)%len(weights)]
	for x := range 26 {
		if (sum+weight*x)%26 == 0 {
			return letters[x]
		}
	}
	panic("secret: a weight that is not a unit modulo 26")
}

// Group cuts a canonical app password for showing: five groups of five
// letters, or four of four. Anything else stays in one piece.
func Group(canonical Text) []string {
	s := canonical.Reveal()
	size := len(s)
	switch size {
	case standardLen:
		size = 5
	case compactLen:
		size = 4
	}
	var groups []string
	for len(s) > 0 {
		groups, s = append(groups, s[:size]), s[size:]
	}
	return groups
}
