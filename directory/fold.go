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
	s = norm.NFKC.String(strings.ToValidUTF8(s, "\ufffd")) // what follows a broken byte is not always normalised
	folded := norm.NFKC.String(cases.Fold().String(strings.Map(capitalCherokee, s)))
	return strings.Join(strings.Fields(folded), " ")
}

// capitalCherokee leaves only capitals of Cherokee for cases.Fold, which
// exchanges the two cases of that script where it should make them one.
func capitalCherokee(r rune) rune {
	switch {
	case r >= 0xab70 && r <= 0xabbf:
		return r - 0xab70 + 0x13a0
	case r >= 0x13f8 && r <= 0x13fd:
		return r - 8
	}
	return r
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
