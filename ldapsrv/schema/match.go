package schema

import (
	"math/big"
	"strings"

	"postern/ldapsrv/filter"
)

// Match says what an assertion of choice c is worth for an attribute with
// values (RFC 4511 §4.5.1.7, X.511): Undefined where the attribute has no rule
// for it or the assertion is no value of its syntax, else True where at least
// one value matches. a is the attribute type, never nil; an attribute that the
// entry does not have has no values.
func Match(a *Attribute, values []string, c filter.Choice, leaf *filter.Assertion) filter.Truth {
	switch c {
	case filter.Present:
		return truth(len(values) > 0)
	case filter.Equal, filter.Approx:
		return compare(a.Equality, values, string(leaf.Value), func(v, asserted string) bool { return v == asserted })
	case filter.AtLeast:
		return compare(a.Ordering, values, string(leaf.Value), func(v, asserted string) bool { return v >= asserted })
	case filter.AtMost:
		return compare(a.Ordering, values, string(leaf.Value), func(v, asserted string) bool { return v <= asserted })
	case filter.Substrings:
		return matchSubstrings(a.Substr, values, leaf)
	case filter.Extensible:
		return matchExtensible(a, values, leaf)
	}
	return filter.Undefined
}

func truth(b bool) filter.Truth {
	if b {
		return filter.True
	}
	return filter.False
}

// compare normalises by rule and asks holds of each value.
func compare(rule *Rule, values []string, asserted string, holds func(v, asserted string) bool) filter.Truth {
	if rule == nil {
		return filter.Undefined
	}
	asserted, ok := rule.Normal(asserted)
	if !ok {
		return filter.Undefined
	}
	for _, v := range values {
		if v, ok := rule.Normal(v); ok && holds(v, asserted) {
			return filter.True
		}
	}
	return filter.False
}

func matchExtensible(a *Attribute, values []string, leaf *filter.Assertion) filter.Truth {
	rule := a.Equality
	if leaf.Rule != nil {
		if rule = FindRule(string(leaf.Rule)); rule == nil || rule.Syntax != a.Syntax && !compatible(rule, a) {
			return filter.Undefined
		}
	}
	switch rule {
	case nil:
		return filter.Undefined
	case bitAnd:
		return matchBits(values, leaf.Value, func(v, mask *big.Int) bool { return new(big.Int).And(v, mask).Cmp(mask) == 0 })
	case bitOr:
		return matchBits(values, leaf.Value, func(v, mask *big.Int) bool { return new(big.Int).And(v, mask).Sign() != 0 })
	}
	switch rule.kind {
	case ordering: // asserted as by the rule itself: less than (RFC 4517 §4.2)
		return compare(rule, values, string(leaf.Value), func(v, asserted string) bool { return v < asserted })
	case substrings:
		return filter.Undefined // its assertion is no plain value
	}
	return compare(rule, values, string(leaf.Value), func(v, asserted string) bool { return v == asserted })
}

// compatible reports whether a string rule can be applied to another kind of
// string.
func compatible(r *Rule, a *Attribute) bool {
	text := func(s Syntax) bool {
		return s == SyntaxDirectoryString || s == SyntaxIA5 || s == SyntaxTelephone || s == SyntaxPostalAddress
	}
	return text(r.Syntax) && text(a.Syntax)
}

func matchBits(values []string, asserted []byte, holds func(v, mask *big.Int) bool) filter.Truth {
	mask, ok := parseInteger(string(asserted))
	if !ok {
		return filter.Undefined
	}
	for _, v := range values {
		if n, ok := parseInteger(v); ok && holds(n, mask) {
			return filter.True
		}
	}
	return filter.False
}

// matchSubstrings finds the parts of the assertion one behind the other.
func matchSubstrings(rule *Rule, values []string, leaf *filter.Assertion) filter.Truth {
	if rule == nil {
		return filter.Undefined
	}
	parts, ok := newParts(rule, leaf)
	if !ok {
		return filter.Undefined
	}
	for _, v := range values {
		if v, ok := rule.Normal(v); ok && parts.within(v) {
			return filter.True
		}
	}
	return filter.False
}

// parts is a substring assertion, normalised.
type parts struct {
	initial, final string
	any            []string
}

// newParts reports false where a part is none of the rule's syntax.
func newParts(rule *Rule, leaf *filter.Assertion) (p parts, ok bool) {
	ok = true
	fold := func(b []byte, first, last bool) string {
		folded, valid := foldPart(rule, string(b), first, last)
		ok = ok && valid
		return folded
	}
	p.initial = fold(leaf.Initial, true, false)
	p.final = fold(leaf.Final, false, true)
	for _, a := range leaf.Any {
		p.any = append(p.any, fold(a, false, false))
	}
	return p, ok
}

// foldPart normalises a part, whose spaces at an inner end count: a value has
// single spaces within, and so has the part at that end (RFC 4518 §2.6.1).
func foldPart(rule *Rule, part string, first, last bool) (string, bool) {
	if part == "" {
		return "", true
	}
	folded, ok := rule.Normal(part)
	if !ok || rule == telephoneSubstrings {
		return folded, ok
	}
	if strings.HasPrefix(part, " ") && !first && folded != "" {
		folded = " " + folded
	}
	if strings.HasSuffix(part, " ") && !last {
		folded += " "
	}
	return folded, true
}

func (p parts) within(v string) bool {
	rest, ok := strings.CutPrefix(v, p.initial)
	if !ok {
		return false
	}
	if rest, ok = strings.CutSuffix(rest, p.final); !ok {
		return false
	}
	for _, a := range p.any {
		i := strings.Index(rest, a)
		if i < 0 {
			return false
		}
		rest = rest[i+len(a):]
	}
	return true
}

// For reports whether the rule can be applied to values of the attribute.
func (r *Rule) For(a *Attribute) bool { return r.Syntax == a.Syntax || compatible(r, a) }
