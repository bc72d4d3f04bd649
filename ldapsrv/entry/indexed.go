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

// indexer narrows by an assertion on one attribute.
type indexer func(v *View, c filter.Choice, a *filter.Assertion) Candidates

var indexed = [Service + 1]map[*schema.Attribute]indexer{
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
	seen, err := normal(strings.Trim(value, " "))
	if err == nil && seen != "" {
		c.Terms = append(c.Terms, directory.Term{Attribute: column, Value: seen})
	}
	if folded := dn.Fold(value); folded != value {
		if key, err := normal(strings.Trim(folded, " ")); err == nil && key != seen {
			c.Terms = append(c.Terms, directory.Term{Attribute: column, Value: key})
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
	part, login := plain(a.Value), directory.Equals
	if c == filter.Substrings {
		part, login = longestPart(a), directory.Contains
	}
	if len(part) < 3 || c != filter.Equal && c != filter.Approx && c != filter.Substrings {
		return all
	}
	sum := extraCandidates("sn", c, a, Person)
	sum.Terms = append(sum.Terms, directory.Term{Attribute: "cn", Match: directory.Contains, Value: part},
		directory.Term{Attribute: "uid", Match: login, Value: part})
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
