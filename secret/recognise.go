package secret

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxTyped is the longest input that is looked at, in bytes: 25 letters of
// four bytes with a separator of four bytes after each, and some to spare.
const maxTyped = 256

// Recognise reads typed as an app password. People type them with capitals,
// in groups, with a 0 for an o; phones and mail add dashes and invisible
// characters. Where the letters that remain have one of the two shapes and
// the right check letter, ok is true and canonical is what NewAppPassword
// returned. It says nothing about whether such an app password was issued.
func Recognise(typed Text) (canonical Text, f Format, ok bool) {
	s := typed.Reveal()
	if isCanonical(s) {
		return typed, formatOf(s), true
	}
	if len(s) > maxTyped {
		return Text{}, 0, false
	}
	var buf [standardLen]byte
	n, ok := normalise(&buf, s)
	if !ok || !isCanonical(buf[:n]) {
		return Text{}, 0, false
	}
	return NewText(string(buf[:n])), formatOf(buf[:n]), true
}

// HasAppPasswordShape reports whether typed could be an app password: nobody
// may choose such a primary password.
func HasAppPasswordShape(typed Text) bool {
	_, _, ok := Recognise(typed)
	return ok
}

// isCanonical reports whether s has a shape, nothing but lower-case letters
// and the right check letter.
func isCanonical[T string | []byte](s T) bool {
	if len(s) != standardLen && len(s) != compactLen {
		return false
	}
	for i := range len(s) {
		if s[i]-'a' > 'z'-'a' {
			return false
		}
	}
	return weightedSum(s) == 0
}

// formatOf tells the format of what isCanonical accepted.
func formatOf[T string | []byte](s T) Format {
	if len(s) == compactLen {
		return Compact
	}
	return Standard
}

// normalise writes the letters of s into buf and returns their number. ok is
// false where there are too many of them or something that is neither a
// letter nor a separator.
func normalise(buf *[standardLen]byte, s string) (n int, ok bool) {
	if !isASCII(s) {
		s = norm.NFKC.String(s)
	}
	for _, r := range s {
		if isSeparator(r) {
			continue
		}
		b := letterOf(r)
		if b == 0 || n == len(buf) {
			return 0, false
		}
		buf[n] = b
		n++
	}
	return n, true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// letterOf returns the letter that r stands for, 0 for none. App passwords
// have no digits, so a 0 is an o and a 1 an l.
func letterOf(r rune) byte {
	switch r = unicode.ToLower(r); {
	case r >= 'a' && r <= 'z':
		return byte(r)
	case r == '0':
		return 'o'
	case r == '1':
		return 'l'
	}
	return 0
}

// isSeparator reports whether r is what people and programs put between
// letters: white space, dashes, dots, underscores, and characters without
// width (category Cf: zero-width spaces and joiners, byte order and direction
// marks, soft hyphens).
func isSeparator(r rune) bool {
	switch r {
	case ' ', '-', '.', '_', '\t', '\r', '\n', '·', '•', '−', '⁃', '˗':
		return true
	}
	return r >= 0x80 && (unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf))
}
