package directory

import (
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// FoldText returns the form in which free text (names, descriptions, attribute
// values) is compared and sorted: without regard to case, in NFKC, with inner
// spaces as one and outer ones gone, as caseIgnoreMatch wants it (RFC 4518 §2).
func FoldText(s string) string {
	if lower, ok := foldASCII(s); ok {
		return lower
	}
	folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
	return strings.Join(strings.Fields(folded), " ")
}

// foldASCII folds the common case, printable ASCII, without the tables.
func foldASCII(s string) (string, bool) {
	spaced := false
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return "", false
		}
		spaced = spaced || s[i] == ' '
	}
	if spaced {
		s = strings.Join(strings.Fields(s), " ")
	}
	return strings.ToLower(s), true
}
