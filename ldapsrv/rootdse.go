package ldapsrv

import (
	"slices"
	"strings"

	"postern/ldapsrv/dn"
	"postern/ldapsrv/filter"
	"postern/ldapsrv/wire"
)

// search answers a search of the root DSE (RFC 4512 §5.1), which is an entry
// of its own and beneath no naming context.
func (s *session) search(r request, q wire.SearchRequest, out []byte) answer {
	if len(q.Base) != 0 || q.Scope != wire.BaseObject {
		return refuse(r, out, wire.Result{Code: wire.UnwillingToPerform, Text: "the directory cannot be searched"})
	}
	entry := s.rootDSE()
	if q.Filter.Eval(worth(entry)) == filter.True {
		out = wire.AppendEntry(out, r.ID, "", pick(entry, q))
	}
	return refuse(r, out, wire.Result{Code: wire.Success})
}

// rootAttribute is an attribute of the root DSE. Those that are operational
// are shown only where they are asked for (RFC 4512 §5.1).
type rootAttribute struct {
	wire.Attribute
	operational bool
}

func (s *session) rootDSE() []rootAttribute {
	extensions := []string{wire.OIDWhoAmI}
	if s.canTLS {
		extensions = append(extensions, wire.OIDStartTLS)
	}
	entry := []rootAttribute{{Attribute: wire.Attribute{Name: "objectClass", Values: []string{"top"}}}}
	operational := func(name string, values ...string) {
		entry = append(entry, rootAttribute{wire.Attribute{Name: name, Values: values}, true})
	}
	operational("namingContexts", s.tree.base)
	operational("supportedLDAPVersion", "3")
	operational("supportedExtension", extensions...)
	operational("supportedControl", wire.OIDManageDsaIT)
	operational("supportedFeatures", wire.OIDAllOperational, wire.OIDTrueFalseFilters)
	operational("vendorName", "Postern")
	if s.version != "" {
		operational("vendorVersion", s.version)
	}
	return entry
}

// pick returns of entry what q asks for (RFC 4511 §4.5.1.8).
func pick(entry []rootAttribute, q wire.SearchRequest) []wire.Attribute {
	var picked []wire.Attribute
	for _, a := range entry {
		if !asked(a, q.Attributes) {
			continue
		}
		if q.TypesOnly {
			a.Values = nil
		}
		picked = append(picked, a.Attribute)
	}
	return picked
}

func asked(a rootAttribute, names [][]byte) bool {
	if len(names) == 0 {
		return !a.operational
	}
	for _, n := range names {
		switch name := string(n); {
		case name == "*" && !a.operational, name == "+" && a.operational:
			return true
		case strings.EqualFold(name, a.Name):
			return true
		}
	}
	return false
}

// worth returns a function that says what a leaf of a filter is worth for the
// entry. Its values compare as names, numbers and words do, without regard to
// case; none has a rule for substrings or order. A type that the entry does
// not have is as good as unknown.
func worth(entry []rootAttribute) func(filter.Choice, *filter.Assertion) filter.Truth {
	return func(c filter.Choice, a *filter.Assertion) filter.Truth {
		i := slices.IndexFunc(entry, func(r rootAttribute) bool {
			return strings.EqualFold(r.Name, string(a.Attribute))
		})
		switch {
		case i < 0:
			return filter.Undefined
		case c == filter.Present:
			return filter.True
		case c != filter.Equal && c != filter.Approx:
			return filter.Undefined
		}
		asserted := dn.Fold(string(a.Value))
		for _, v := range entry[i].Values {
			if dn.Fold(v) == asserted {
				return filter.True
			}
		}
		return filter.False
	}
}
