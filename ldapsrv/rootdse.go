package ldapsrv

import (
	"slices"
	"strings"

	"postern/ldapsrv/entry"
	"postern/ldapsrv/filter"
	"postern/ldapsrv/schema"
	"postern/ldapsrv/wire"
)

// rootAttribute is an attribute of the root DSE or of the subschema. Those
// that are operational are shown only where they are asked for (RFC 4512
// §5.1).
type rootAttribute struct {
	wire.Attribute
	operational bool
}

// rootEntry is an entry that is all values.
type rootEntry []rootAttribute

func (e *rootEntry) user(name string, values ...string) {
	*e = append(*e, rootAttribute{wire.Attribute{Name: name, Values: values}, false})
}

func (e *rootEntry) operational(name string, values ...string) {
	*e = append(*e, rootAttribute{wire.Attribute{Name: name, Values: values}, true})
}

// searchRoot answers a search of the root DSE (RFC 4512 §5.1), which is an
// entry of its own and beneath no naming context.
func (s *session) searchRoot(r request, q *wire.SearchRequest, out []byte) answer {
	return s.answerWith(r, q, out, "", s.rootDSE())
}

// searchSubschema answers a search of the subschema subentry (RFC 4512 §4.2).
func (s *session) searchSubschema(r request, q *wire.SearchRequest, out []byte) answer {
	if q.Scope == wire.SingleLevel {
		return s.answerWith(r, q, out, entry.SubschemaDN, nil)
	}
	return s.answerWith(r, q, out, entry.SubschemaDN, subschema)
}

// answerWith sends the one entry there is, if it matches. An entry of nothing
// matches nothing.
func (s *session) answerWith(r request, q *wire.SearchRequest, out []byte, name string, e rootEntry) answer {
	if s.rules().HideRoot && !s.who.bound {
		return refuse(r, out, wire.Result{Code: wire.NoSuchObject, Text: "without a bind, nothing can be read"})
	}
	if len(e) > 0 && q.Filter.Eval(worth(e)) == filter.True {
		out = wire.AppendEntry(out, r.ID, name, pick(e, q))
	}
	return refuse(r, out, wire.Result{Code: wire.Success})
}

func (s *session) rootDSE() rootEntry {
	var e rootEntry
	e.user("objectClass", "top")
	e.operational("namingContexts", s.tree.base)
	if s.rules().ActiveDirectory {
		e.operational("defaultNamingContext", s.tree.base)
		e.operational("rootDomainNamingContext", s.tree.base)
		e.operational("supportedCapabilities", "1.2.840.113556.1.4.800")
	}
	e.operational("supportedLDAPVersion", "3")
	e.operational("supportedExtension", s.extensions()...)
	e.operational("supportedControl", s.controls()...)
	e.operational("supportedFeatures", s.features()...)
	if s.directory != nil {
		e.operational("subschemaSubentry", entry.SubschemaDN)
	}
	e.operational("vendorName", "Postern")
	if s.version != "" {
		e.operational("vendorVersion", s.version)
	}
	return e
}

// extensions are the extended operations that are answered.
func (s *session) extensions() []string {
	list := []string{wire.OIDWhoAmI}
	if s.passwords != nil {
		list = append(list, wire.OIDPasswordModify)
	}
	if s.directory != nil {
		list = append(list, wire.OIDCancel)
	}
	if s.canTLS {
		list = append(list, wire.OIDStartTLS)
	}
	return list
}

func (s *session) controls() []string {
	if s.directory == nil {
		return offered[:1]
	}
	return slices.DeleteFunc(slices.Clone(offered), func(name string) bool { return name == wire.OIDPaged && s.cookies == nil })
}

func (s *session) features() []string {
	if s.directory == nil {
		return []string{wire.OIDAllOperational, wire.OIDTrueFalseFilters}
	}
	return []string{wire.OIDAllOperational, wire.OIDObjectClassLists, wire.OIDTrueFalseFilters}
}

var subschema = subschemaEntry()

func subschemaEntry() (e rootEntry) {
	e.user("objectClass", "top", "subentry", "subschema")
	e.user("cn", "Subschema")
	e.operational("structuralObjectClass", "subentry")
	e.operational("entryDN", entry.SubschemaDN)
	e.operational("subschemaSubentry", entry.SubschemaDN)
	e.operational("hasSubordinates", "FALSE")
	e.operational("ldapSyntaxes", schema.LDAPSyntaxes...)
	e.operational("matchingRules", schema.MatchingRules...)
	e.operational("attributeTypes", schema.AttributeTypes...)
	e.operational("objectClasses", schema.ObjectClasses...)
	return e
}

// pick returns of entry what q asks for (RFC 4511 §4.5.1.8).
func pick(e rootEntry, q *wire.SearchRequest) []wire.Attribute {
	var picked []wire.Attribute
	for _, a := range e {
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
		case strings.EqualFold(oidOf(a.Name), name):
			return true
		}
	}
	return false
}

func oidOf(name string) string {
	if a := schema.Find(name); a != nil {
		return a.OID
	}
	return name
}

// worth returns a function that says what a leaf of a filter is worth for the
// entry. An attribute that the schema does not know is as good as unknown; so
// is one that the entry does not have, for nothing depends on the difference
// but a negation.
func worth(e rootEntry) func(filter.Choice, *filter.Assertion) filter.Truth {
	return func(c filter.Choice, a *filter.Assertion) filter.Truth {
		i := slices.IndexFunc(e, func(r rootAttribute) bool {
			return strings.EqualFold(r.Name, string(a.Attribute)) || oidOf(r.Name) == string(a.Attribute)
		})
		if i < 0 {
			return filter.Undefined
		}
		attr := schema.Find(e[i].Name)
		if attr == nil {
			return filter.Undefined
		}
		return schema.Match(attr, e[i].Values, c, a)
	}
}
