package dn

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AVA is one attribute type and value of an RDN.
type AVA struct {
	// Type is the short name in lower case for the types of RFC 4514 §3,
	// however they were written; else the descriptor in lower case, or the
	// dotted OID.
	Type string
	// Value is the value without its escapes, as it was spelled.
	Value string
	// Joined says that it belongs to the same RDN as the AVA before it.
	Joined bool
}

// DN is a distinguished name, the entry's own RDN first. It is flat: a
// multi-valued RDN is an AVA followed by joined ones. The empty DN is that of
// the root.
type DN []AVA

// Normal returns the form of d that Equal and Below compare quickly: values
// folded, the AVAs of each RDN in order.
func (d DN) Normal() DN {
	n := slices.Clone(d)
	for i := range n {
		n[i].Value = Fold(n[i].Value)
	}
	for i := 0; i < len(n); {
		end := n.next(i)
		sortRDN(n[i:end])
		i = end
	}
	return n
}

func sortRDN(rdn DN) {
	slices.SortFunc(rdn, func(a, b AVA) int {
		if c := strings.Compare(a.Type, b.Type); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	})
	for i := range rdn {
		rdn[i].Joined = i > 0
	}
}

// next returns where the RDN after the one at i begins.
func (d DN) next(i int) int {
	for i++; i < len(d) && d[i].Joined; i++ {
	}
	return i
}

// Multi reports whether any RDN of d has more than one AVA.
func (d DN) Multi() bool {
	return slices.ContainsFunc(d, func(a AVA) bool { return a.Joined })
}

// EqualNormal reports whether d names the same entry as normal, which is in
// its Normal form. Values compare as caseIgnoreMatch does (RFC 4517 §4.2.11).
func (d DN) EqualNormal(normal DN) bool {
	if len(d) != len(normal) {
		return false
	}
	if d.Multi() {
		d = d.Normal()
	}
	for i, a := range d {
		n := normal[i]
		if a.Type != n.Type || a.Joined != n.Joined || Fold(a.Value) != n.Value {
			return false
		}
	}
	return true
}

// Cut returns the part of d above which normal, in its Normal form, stands:
// all of d for the root, nothing where they are equal. It reports false where
// d is not at or below normal.
func (d DN) Cut(normal DN) (below DN, ok bool) {
	n := len(d) - len(normal)
	if n < 0 || n < len(d) && d[n].Joined {
		return nil, false
	}
	if !d[n:].EqualNormal(normal) {
		return nil, false
	}
	return d[:n:n], true
}

// String writes d as RFC 4514 wants it.
func (d DN) String() string {
	var b []byte
	for i, a := range d {
		switch {
		case a.Joined:
			b = append(b, '+')
		case i > 0:
			b = append(b, ',')
		}
		b = append(b, a.Type...)
		b = append(b, '=')
		b = AppendValue(b, a.Value)
	}
	return string(b)
}

// Fold returns the form in which values are compared without regard to case,
// width and insignificant spaces (RFC 4518): NFKC, lower case, no space at the
// ends, single ones within.
func Fold(value string) string {
	if folded(value) {
		return value
	}
	if !utf8.ValidString(value) {
		return value
	}
	value = norm.NFKC.String(strings.ToLower(norm.NFKC.String(value)))
	return strings.Join(strings.FieldsFunc(value, func(r rune) bool { return r == ' ' }), " ")
}

// folded reports whether value is ASCII that Fold would not change.
func folded(value string) bool {
	space := true // one before the beginning would be insignificant
	for i := range len(value) {
		switch c := value[i]; {
		case c >= utf8.RuneSelf, 'A' <= c && c <= 'Z':
			return false
		case c == ' ' && space:
			return false
		default:
			space = c == ' '
		}
	}
	return !space || value == ""
}
