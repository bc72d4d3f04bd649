package entry

import (
	"strings"

	"postern/directory"
	"postern/ldapsrv/filter"
	"postern/ldapsrv/schema"
)

// Candidates are indexed terms that every entry of a kind meets that a filter
// can match. The zero Candidates are none.
type Candidates struct {
	All   bool
	Terms []directory.Term // where All is false; none: nothing can match
}

var all = Candidates{All: true}

// Candidates narrows the entries of a kind down. It leaves none out that the
// filter matches.
func (m *Matcher) Candidates(k Kind) Candidates {
	return m.candidates(m.filter, k)
}

func (m *Matcher) candidates(f filter.Filter, k Kind) Candidates {
	switch f.Choice {
	case filter.And:
		best := all
		for _, p := range f.Parts {
			if c := m.candidates(p, k); c.better(best) {
				best = c
			}
		}
		return best
	case filter.Or:
		var sum Candidates
		for _, p := range f.Parts {
			c := m.candidates(p, k)
			if c.All {
				return all
			}
			sum.Terms = append(sum.Terms, c.Terms...)
		}
		return sum
	case filter.Not:
		return all
	}
	if f.Leaf == nil {
		return Candidates{}
	}
	return m.leafCandidates(f.Choice, f.Leaf, k)
}

// None reports whether no entry can match.
func (c Candidates) None() bool { return !c.All && len(c.Terms) == 0 }

// Few reports whether an index answers the terms with a few entries, in all
// likelihood.
func Few(terms []directory.Term) bool {
	return len(terms) > 0 && Candidates{Terms: terms}.cost() <= 16
}

// better reports whether c promises fewer entries than d.
func (c Candidates) better(d Candidates) bool {
	return !c.All && (d.All || c.cost() < d.cost())
}

// cost guesses how many entries the terms select.
func (c Candidates) cost() (sum int) {
	for _, t := range c.Terms {
		switch {
		case t.Match == directory.Equals && t.Attribute == "memberof":
			sum += 50
		case t.Match == directory.Equals && strings.HasPrefix(t.Attribute, directory.ExtraAttribute):
			sum += 20
		case t.Match == directory.Equals:
			sum++
		case t.Match == directory.Prefix:
			sum += 2000 >> min(len(t.Value), 8)
		case t.Match == directory.Contains:
			sum += 4000 >> min(len(t.Value), 8)
		case t.Match == directory.Present:
			sum += 100000
		default:
			sum += 10000
		}
	}
	return sum
}

// leafCandidates narrows by one assertion.
func (m *Matcher) leafCandidates(c filter.Choice, a *filter.Assertion, k Kind) Candidates {
	l := m.leaf(a)
	switch {
	case l == nil || l.nothing || l.absent:
		return Candidates{}
	case len(a.Attribute) == 0 || a.DNAttributes:
		return all
	case l.member != nil:
		return m.memberCandidates(l, k)
	case l.attr == nil:
		return extraCandidates(l.name, c, a, k)
	}
	if same, worth := m.sameForAll(l, c, k); same {
		return Candidates{All: worth == filter.True}
	}
	if k == Person && !m.view.shape(k).has(l.attr) {
		if schema.HasSubtypes(l.attr) {
			return all
		}
		return extraCandidates(l.attr.Name(), c, a, k)
	}
	index, ok := indexed[k][l.attr]
	if !ok {
		return all
	}
	return index(m.view, c, a)
}

func (s *shape) has(a *schema.Attribute) bool { return len(s.of(a)) > 0 }

// unvaried are attributes whose values are the same in all entries of a kind.
var unvaried = map[*schema.Attribute]bool{
	attribute("objectClass"): true, attribute("structuralObjectClass"): true, attribute("hasSubordinates"): true,
	attribute("numSubordinates"): true, attribute("subschemaSubentry"): true, objectCategoryAttr: true,
	attribute("primaryGroupID"): true, attribute("sAMAccountType"): true, attribute("groupType"): true,
}

// sameForAll answers an assertion that is worth the same for all entries of a
// kind.
func (m *Matcher) sameForAll(l *leaf, c filter.Choice, k Kind) (same bool, worth filter.Truth) {
	switch has := m.view.shape(k).has(l.attr); {
	case k.container() && has:
		return false, filter.Undefined
	case !has && k == Person && !l.attr.Operational():
		return false, filter.Undefined // it may be an extra attribute
	case !has:
		return true, l.without
	case !unvaried[l.attr]:
		return false, filter.Undefined
	}
	e := &Entry{Kind: k, View: m.view}
	m.entry, m.shape = e, m.view.shape(k)
	return true, m.worth(c, l.of)
}

// memberCandidates narrows by memberships.
func (m *Matcher) memberCandidates(l *leaf, k Kind) Candidates {
	if l.attr != memberOfAttr {
		if k != Group {
			return Candidates{}
		}
		return groupsNamed("cn", l.groups)
	}
	switch {
	case k.container() || l.member.Kind != Group:
		return Candidates{}
	case l.chain || m.view.nested:
		return groupsNamed("memberof", l.groups)
	}
	return Candidates{Terms: []directory.Term{{Attribute: "memberof", Value: l.member.Key}}}
}

func groupsNamed(attribute string, keys map[string]struct{}) Candidates {
	var c Candidates
	for key := range keys {
		c.Terms = append(c.Terms, directory.Term{Attribute: attribute, Value: key})
	}
	return c
}

// extraCandidates narrows by an extra attribute, which only people have.
func extraCandidates(name string, c filter.Choice, a *filter.Assertion, k Kind) Candidates {
	if k != Person {
		return Candidates{}
	}
	term := directory.Term{Attribute: directory.ExtraAttribute + strings.ToLower(name), Match: directory.Present}
	if attr := schema.Find(name); attr != nil && !textual(attr) {
		return Candidates{Terms: []directory.Term{term}}
	}
	switch c {
	case filter.Equal, filter.Approx:
		term.Match, term.Value = directory.Equals, directory.FoldText(string(a.Value))
	case filter.Substrings:
		if part := longestPart(a); part != "" {
			term.Match, term.Value = directory.Contains, part
		}
	}
	return Candidates{Terms: []directory.Term{term}}
}

// textual reports whether values that the attribute holds to be equal are
// equal when folded.
func textual(a *schema.Attribute) bool {
	return a.Equality != nil && (a.Syntax == schema.SyntaxDirectoryString || a.Syntax == schema.SyntaxIA5)
}

// Needs is what must be read of entries of a kind for the filter.
func (m *Matcher) Needs(k Kind) (d directory.Detail) {
	m.needs(m.filter, k, &d)
	if m.view.nested && d&directory.WithMemberOf != 0 {
		d |= directory.WithNested
	}
	return d
}

func (m *Matcher) needs(f filter.Filter, k Kind, d *directory.Detail) {
	for _, p := range f.Parts {
		m.needs(p, k, d)
	}
	l := m.leaf(f.Leaf)
	if f.Leaf == nil || l == nil || l.nothing || l.absent || l.member != nil && l.attr != memberOfAttr {
		return
	}
	s := m.view.shape(k)
	if len(f.Leaf.Attribute) == 0 {
		for _, f := range s.fields {
			*d |= f.needs
		}
	}
	for _, i := range s.of(l.attr) {
		*d |= s.fields[i].needs
	}
	if k == Person && (l.attr == nil || !l.attr.Operational()) && (!s.has(l.attr) || schema.HasSubtypes(l.attr)) {
		*d |= directory.WithAttributes
	}
}
