package entry

import (
	"slices"
	"strings"

	"postern/directory"
	"postern/ldapsrv/schema"
)

// Selection is which attributes a search returns (RFC 4511 §4.5.1.8), or a
// reader may see. It is immutable.
type Selection struct {
	user, operational bool
	types             []*schema.Attribute // with their subtypes
	extras            []string            // names that the schema does not know, in lower case
}

// Everything selects all there is.
var Everything = &Selection{user: true, operational: true}

// Select reads an attribute list: names and OIDs, "*", "+" (RFC 3673), "1.1"
// and "@class" (RFC 4529). An empty list is "*". Names that nothing has select
// nothing.
func Select[S ~string | ~[]byte](list []S) *Selection {
	s := &Selection{user: len(list) == 0}
	for _, item := range list {
		s.add(string(item))
	}
	return s
}

func (s *Selection) add(item string) {
	switch {
	case item == "*":
		s.user = true
	case item == "+":
		s.operational = true
	case item == "1.1":
	case strings.HasPrefix(item, "@"):
		for c := schema.FindClass(item[1:]); c != nil; c = schema.FindClass(c.Sup) {
			for _, name := range strings.Fields(c.Must + " " + c.May) {
				s.types = append(s.types, schema.Find(name))
			}
		}
	default:
		s.addType(item)
	}
}

// addType takes an attribute description. No attribute here has options, so
// that one with an option selects nothing.
func (s *Selection) addType(item string) {
	if strings.Contains(item, ";") {
		return
	}
	if a := schema.Find(item); a != nil {
		s.types = append(s.types, a)
		return
	}
	s.extras = append(s.extras, strings.ToLower(item))
}

// Has reports whether an attribute is selected. a is nil for one that the
// schema does not know, which goes by its name.
func (s *Selection) Has(a *schema.Attribute, name string) bool {
	if a == nil {
		return s.user || slices.Contains(s.extras, strings.ToLower(name))
	}
	if a.Operational() && s.operational || !a.Operational() && s.user {
		return true
	}
	return slices.ContainsFunc(s.types, a.IsOrUnder)
}

// Output is what a search returns of the entries of a kind.
type Output struct {
	fields []int
	extras bool
	// Needs is what must be read for it.
	Needs directory.Detail
	asked *Selection
	may   *Selection
}

// Output works out what of entries of that kind is both asked for and allowed.
func (v *View) Output(k Kind, asked, may *Selection) Output {
	o := Output{asked: asked, may: may}
	for i, f := range v.shape(k).fields {
		if asked.Has(f.attr, "") && may.Readable(f.attr, "") {
			o.fields = append(o.fields, i)
			o.Needs |= f.needs
		}
	}
	if k == Person && (asked.user || len(asked.extras) > 0 || asked.beyond(v.shape(k))) {
		o.extras = true
		o.Needs |= directory.WithAttributes
	}
	if v.nested && o.Needs&directory.WithMemberOf != 0 {
		o.Needs |= directory.WithNested
	}
	return o
}

// beyond reports whether a type is selected that the shape has no field of, so
// that an extra attribute may be meant.
func (s *Selection) beyond(shape *shape) bool {
	return slices.ContainsFunc(s.types, func(a *schema.Attribute) bool {
		return !a.Operational() && (len(shape.of(a)) == 0 || schema.HasSubtypes(a))
	})
}

// always are readable wherever the entry is: they say no more than its name.
var always = []*schema.Attribute{
	attribute("objectClass"), attribute("structuralObjectClass"), attribute("entryDN"), attribute("distinguishedName"),
	attribute("subschemaSubentry"), attribute("hasSubordinates"),
}

// Readable reports whether a reader who may see s may see the attribute.
func (s *Selection) Readable(a *schema.Attribute, name string) bool {
	return s.Has(a, name) || slices.Contains(always, a) && a != nil
}

// Each calls yield for every attribute of the entry that is to be sent, with
// its values. The values are good until the next call; scratch is room for
// them and is returned, perhaps grown.
func (o *Output) Each(e *Entry, scratch []string, yield func(name string, values []string)) []string {
	s := e.View.shape(e.Kind)
	for _, i := range o.fields {
		scratch = s.fields[i].values(scratch[:0], e)
		if len(scratch) > 0 {
			yield(s.fields[i].attr.Name(), scratch)
		}
	}
	if o.extras {
		e.extras(func(name string, a *schema.Attribute, values []string) {
			if o.asked.Has(a, name) && o.may.Readable(a, name) {
				yield(name, values)
			}
		})
	}
	return scratch
}
