package entry

import (
	"strconv"
	"strings"
	"time"

	"postern/directory"
	"postern/ldapsrv/dn"
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

func (s *shape) has(a *schema.Attribute) bool { return len(s.by[a]) > 0 }

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
	if c == filter.Equal || c == filter.Approx {
		if attr := schema.Find(name); attr == nil || textual(attr) {
			term.Match, term.Value = directory.Equals, directory.FoldText(string(a.Value))
		}
	}
	return Candidates{Terms: []directory.Term{term}}
}

// textual reports whether values that the attribute holds to be equal are
// equal when folded.
func textual(a *schema.Attribute) bool {
	return a.Equality != nil && (a.Syntax == schema.SyntaxDirectoryString || a.Syntax == schema.SyntaxIA5)
}

// indexer narrows by an assertion on one attribute.
type indexer func(v *View, c filter.Choice, a *filter.Assertion) Candidates

var indexed = map[Kind]map[*schema.Attribute]indexer{
	Person: {
		attribute("uid"):               keyed("uid", directory.NormalizeLogin),
		attribute("sAMAccountName"):    keyed("uid", directory.NormalizeLogin),
		attribute("userPrincipalName"): principal,
		attribute("cn"):                named,
		attribute("displayName"):       orExtra("displayname", named),
		attribute("sn"):                surnamed,
		attribute("mail"):              keyed("mail", directory.NormalizeLogin),
		attribute("uidNumber"):         numbered("uidnumber"),
		attribute("entryUUID"):         byUUID,
		attribute("objectGUID"):        byGUID,
		attribute("modifyTimestamp"):   byTime("modified"),
		attribute("whenChanged"):       byTime("modified"),
		attribute("entryDN"):           byName("uid"),
		attribute("distinguishedName"): byName("uid"),
	},
	Group: {
		attribute("cn"):                keyed("cn", directory.NormalizeLogin),
		attribute("sAMAccountName"):    keyed("cn", directory.NormalizeLogin),
		attribute("gidNumber"):         numbered("gidnumber"),
		attribute("entryUUID"):         byUUID,
		attribute("objectGUID"):        byGUID,
		attribute("modifyTimestamp"):   byTime("modified"),
		attribute("whenChanged"):       byTime("modified"),
		attribute("entryDN"):           byName("cn"),
		attribute("distinguishedName"): byName("cn"),
		attribute("memberUid"):         byMemberUID,
	},
	Service: {
		attribute("cn"):        keyed("uid", directory.NormalizeLogin),
		attribute("entryUUID"): byUUID,
		attribute("entryDN"):   byName("uid"),
	},
}

// keyed narrows by a column that holds what normal makes of the value. An
// assertion that compares equal to a value after folding is equal to it after
// normal, too; both its forms are asked for.
func keyed(column string, normal func(string) (string, error)) indexer {
	return func(_ *View, c filter.Choice, a *filter.Assertion) Candidates {
		term := func(m directory.TermMatch, value string) Candidates {
			return Candidates{Terms: []directory.Term{{Attribute: column, Match: m, Value: value}}}
		}
		switch c {
		case filter.Present:
			return all
		case filter.Equal, filter.Approx:
			return equals(column, string(a.Value), normal)
		case filter.Substrings:
			if part := prefixOf(a); part != "" {
				return term(directory.Prefix, part)
			}
			if part := longestPart(a); part != "" {
				return term(directory.Contains, part)
			}
		}
		return all
	}
}

func equals(column, value string, normal func(string) (string, error)) (c Candidates) {
	seen := ""
	for _, v := range []string{value, dn.Fold(value)} {
		if key, err := normal(strings.Trim(v, " ")); err == nil && key != seen {
			c.Terms = append(c.Terms, directory.Term{Attribute: column, Value: key})
			seen = key
		}
	}
	return c
}

// prefixOf is what values must begin with, folded; "" where that is not so
// plain that the index can be asked.
func prefixOf(a *filter.Assertion) string { return plain(a.Initial) }

// longestPart is the longest part that values must hold somewhere; "" where
// none is worth asking for.
func longestPart(a *filter.Assertion) (longest string) {
	for _, part := range append([][]byte{a.Initial, a.Final}, a.Any...) {
		if p := plain(part); len(p) > len(longest) {
			longest = p
		}
	}
	return longest
}

// plain folds a part of ASCII without spaces, for which all folds agree.
func plain(part []byte) string {
	for _, c := range part {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return strings.ToLower(string(part))
}

// named narrows by the full name, which is the login where there is none.
func named(v *View, c filter.Choice, a *filter.Assertion) Candidates {
	name := keyed("cn", func(s string) (string, error) { return directory.FoldText(s), nil })(v, c, a)
	login := keyed("uid", directory.NormalizeLogin)(v, c, a)
	if name.All || login.All {
		return all
	}
	return Candidates{Terms: append(name.Terms, login.Terms...)}
}

// orExtra narrows by an index, or by the extra attribute that overrules it.
func orExtra(name string, otherwise indexer) indexer {
	return func(v *View, c filter.Choice, a *filter.Assertion) Candidates {
		sum := otherwise(v, c, a)
		if sum.All {
			return all
		}
		return Candidates{Terms: append(sum.Terms, extraCandidates(name, c, a, Person).Terms...)}
	}
}

// surnamed narrows by the surname: an extra attribute, or the end of the name,
// or the login.
func surnamed(v *View, c filter.Choice, a *filter.Assertion) Candidates {
	if c != filter.Equal && c != filter.Approx {
		return all
	}
	part := plain(a.Value)
	if len(part) < 3 {
		return all
	}
	sum := extraCandidates("sn", c, a, Person)
	sum.Terms = append(sum.Terms, directory.Term{Attribute: "cn", Match: directory.Contains, Value: part},
		directory.Term{Attribute: "uid", Value: part})
	return sum
}

// principal narrows by login@domain.
func principal(v *View, c filter.Choice, a *filter.Assertion) Candidates {
	if c != filter.Equal && c != filter.Approx {
		return all
	}
	folded := dn.Fold(string(a.Value))
	local, ok := strings.CutSuffix(folded, "@"+v.domain)
	if !ok {
		return Candidates{}
	}
	return equals("uid", local, directory.NormalizeLogin)
}

func numbered(column string) indexer {
	return func(_ *View, c filter.Choice, a *filter.Assertion) Candidates {
		n, err := strconv.ParseInt(string(a.Value), 10, 64)
		m, ok := ordered[c]
		switch {
		case err != nil && m == directory.Equals && ok:
			return Candidates{} // no number, or none that is ever given out
		case err != nil || !ok:
			return all
		}
		return Candidates{Terms: []directory.Term{{Attribute: column, Match: m, Value: strconv.FormatInt(n, 10)}}}
	}
}

var ordered = map[filter.Choice]directory.TermMatch{
	filter.Equal: directory.Equals, filter.Approx: directory.Equals, filter.AtLeast: directory.AtLeast, filter.AtMost: directory.AtMost,
}

// byTime narrows by a time of which whole seconds are kept.
func byTime(column string) indexer {
	return func(_ *View, c filter.Choice, a *filter.Assertion) Candidates {
		t, ok := schema.ParseTime(string(a.Value))
		m, known := ordered[c]
		if !ok || !known {
			return all
		}
		if c == filter.AtLeast && t.Nanosecond() > 0 {
			t = t.Add(-time.Second) // a superset may hold one more
		}
		return Candidates{Terms: []directory.Term{{Attribute: column, Match: m, Value: strconv.FormatInt(t.Unix(), 10)}}}
	}
}

func byUUID(_ *View, c filter.Choice, a *filter.Assertion) Candidates {
	if c != filter.Equal {
		return all
	}
	return Candidates{Terms: []directory.Term{{Attribute: "id", Value: strings.ToLower(string(a.Value))}}}
}

func byGUID(_ *View, c filter.Choice, a *filter.Assertion) Candidates {
	if c != filter.Equal {
		return all
	}
	return Candidates{Terms: []directory.Term{{Attribute: "id", Value: uuidOf(string(a.Value))}}}
}

// byName narrows by the entry's name.
func byName(column string) indexer {
	return func(v *View, c filter.Choice, a *filter.Assertion) Candidates {
		if c != filter.Equal {
			return all
		}
		n := v.named(string(a.Value))
		if n == nil || n.Key == "" {
			return Candidates{}
		}
		return Candidates{Terms: []directory.Term{{Attribute: column, Value: n.Key}}}
	}
}

// byMemberUID narrows by the login of somebody in the group.
func byMemberUID(_ *View, c filter.Choice, a *filter.Assertion) Candidates {
	if c != filter.Equal && c != filter.Approx {
		return all
	}
	return equals("account", string(a.Value), directory.NormalizeLogin)
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
	for _, i := range s.by[l.attr] {
		*d |= s.fields[i].needs
	}
	if k == Person && (l.attr == nil || !l.attr.Operational()) && (!s.has(l.attr) || schema.HasSubtypes(l.attr)) {
		*d |= directory.WithAttributes
	}
}
