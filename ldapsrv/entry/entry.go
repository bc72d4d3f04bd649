package entry

import (
	"slices"
	"strings"

	"postern/directory"
	"postern/ldapsrv/schema"
)

// Entry is one entry. Of Account and Group the one is set that its Kind says;
// neither for a container. It is not changed and may be copied.
type Entry struct {
	Kind    Kind
	View    *View
	Account *directory.AccountEntry
	Group   *directory.GroupEntry
	// Below is how many entries stand directly below a container, where
	// directory.WithBelow is among the needs; negative: it is not to be shown.
	Below int
	// Only limits whom the lists of members show: nil for all, else the
	// reader, whose own membership is what it may read.
	Only *Reader
}

// Reader is who reads, where it reads its own entry and groups only.
type Reader struct {
	Account string              // id
	Key     string              // normalised login
	Groups  map[string]struct{} // normalised names of the groups it is in, by nesting too
}

// field is an attribute that all entries of a kind can have.
type field struct {
	attr  *schema.Attribute
	needs directory.Detail
	// values appends the values the entry has.
	values func(dst []string, e *Entry) []string
}

func attribute(name string) *schema.Attribute {
	a := schema.Find(name)
	if a == nil {
		panic("entry: the schema has no attribute " + name)
	}
	return a
}

// shape is what entries of a kind consist of.
type shape struct {
	fields []field
	by     [][]int // the fields of an attribute, subtypes included, by its number
}

func newShape(fields ...field) *shape {
	s := &shape{fields: fields, by: make([][]int, 1+schema.Attributes())}
	for i, f := range fields {
		for a := f.attr; a != nil; a = schema.Find(a.Sup) {
			s.by[a.Number()] = append(s.by[a.Number()], i)
		}
	}
	return s
}

// of are the fields of an attribute, subtypes included; none of nil.
func (s *shape) of(a *schema.Attribute) []int {
	if a == nil {
		return nil
	}
	return s.by[a.Number()]
}

// shape returns what the entry consists of.
func (v *View) shape(k Kind) *shape {
	if v.ad {
		return adShapes[k]
	}
	return rfcShapes[k]
}

// DN is the entry's name.
func (e *Entry) DN() string { return e.View.DN(e.Kind, e.shown()) }

// shown is the login or group name as shown.
func (e *Entry) shown() string {
	switch {
	case e.Account != nil:
		return e.Account.Login
	case e.Group != nil:
		return e.Group.Name
	}
	return ""
}

// Extra attributes that would say something else than the entry itself: they
// are not shown. Those of secrets are not even in the governed part of a
// schema: whatever stands there stays there.
var withheld = map[string]bool{
	"userpassword": true, "authpassword": true, "unicodepwd": true, "sambantpassword": true, "sambalmpassword": true,
	"krbprincipalkey": true, "objectclass": true, "dn": true,
}

// Withheld reports whether no entry shows an attribute of that name and no
// filter knows it, because other programs keep secrets in it.
func Withheld(a *schema.Attribute, name string) bool {
	if a != nil {
		name = a.Name()
	}
	return withheld[strings.ToLower(name)] && !strings.EqualFold(name, "objectClass")
}

// extras calls yield for the extra attributes of an account that have no place
// of their own, in the order of their names.
func (e *Entry) extras(yield func(name string, a *schema.Attribute, values []string)) {
	if e.Account == nil || len(e.Account.Attributes) == 0 {
		return
	}
	names := make([]string, 0, len(e.Account.Attributes))
	for name := range e.Account.Attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	s := e.View.shape(e.Kind)
	for _, name := range names {
		a := schema.Find(name)
		if withheld[strings.ToLower(name)] || a != nil && (a.Operational() || len(s.own(a)) > 0) {
			continue
		}
		if a != nil {
			name = a.Name()
		}
		yield(name, a, e.Account.Attributes[name])
	}
}

// own are the fields of exactly that attribute.
func (s *shape) own(a *schema.Attribute) []int {
	return slices.DeleteFunc(slices.Clone(s.of(a)), func(i int) bool { return s.fields[i].attr != a })
}

// extra appends the values of the extra attribute of that name, or otherwise
// those given.
func (e *Entry) extra(dst []string, name string, otherwise ...string) []string {
	for key, values := range e.Account.Attributes {
		if strings.EqualFold(key, name) {
			return append(dst, values...)
		}
	}
	return append(dst, otherwise...)
}

// Key is the normalised login or group name; "" for a container.
func (e *Entry) Key() string {
	if shown := e.shown(); shown != "" {
		return keyOfShown(shown)
	}
	return ""
}

// Values are those of an attribute, extra ones and subtypes left aside.
func (e *Entry) Values(a *schema.Attribute) (values []string) {
	s := e.View.shape(e.Kind)
	for _, i := range s.own(a) {
		values = s.fields[i].values(values, e)
	}
	return values
}

// NeedsOf is what must be read of entries of a kind for that attribute.
func (v *View) NeedsOf(k Kind, a *schema.Attribute) (d directory.Detail) {
	s := v.shape(k)
	for _, i := range s.own(a) {
		d |= s.fields[i].needs
	}
	return d
}
