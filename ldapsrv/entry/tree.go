package entry

import (
	"strings"
	"time"

	"postern/directory"
	"postern/ldapsrv/dn"
)

// Kind says what an entry stands for. The zero value is no entry.
type Kind uint8

const (
	None        Kind = iota
	Base             // the naming context
	Application      // the base of an application
	People           // ou=people
	Groups           // ou=groups
	System           // ou=system
	Person
	Group
	Service
)

// container reports whether other entries stand below one of that kind.
func (k Kind) container() bool { return Base <= k && k <= System }

// units are the containers below the base, in the order they are listed.
var units = []struct {
	kind, holds Kind
	name        string
}{{People, Person, "people"}, {Groups, Group, "groups"}, {System, Service, "system"}}

// Holds is the kind of the entries directly below a unit; None for others.
func (k Kind) Holds() Kind {
	for _, u := range units {
		if u.kind == k {
			return u.holds
		}
	}
	return None
}

// Tree is the naming context. It is immutable.
type Tree struct {
	base   string
	normal dn.DN
	domain string
	apps   []app
	ad     bool
	nested bool
	made   time.Time
	view   *View // of the tree itself
}

type app struct {
	rdn    string
	normal dn.DN
	view   *View
}

// Options say how a tree looks.
type Options struct {
	// Applications are the application bases, as configured ("app=mail").
	Applications []string
	// ActiveDirectory adds what clients look for that know Active Directory
	// only.
	ActiveDirectory bool
	// NestedMemberOf makes memberOf list also the groups that hold the entry
	// by nesting.
	NestedMemberOf bool
	// Made is when the containers came to be, which never change. Zero: they do
	// not say.
	Made time.Time
}

// NewTree makes the tree of a base, which is not the empty name.
func NewTree(base string, o Options) (*Tree, error) {
	d, err := dn.Parse(base)
	if err != nil {
		return nil, err
	}
	t := &Tree{base: base, normal: d.Normal(), ad: o.ActiveDirectory, nested: o.NestedMemberOf, made: o.Made}
	var labels []string
	for _, a := range t.normal {
		if a.Type == "dc" {
			labels = append(labels, a.Value)
		}
	}
	t.domain = strings.Join(labels, ".")
	t.view = t.below(t.base)
	for _, rdn := range o.Applications {
		a, err := dn.Parse(rdn)
		if err != nil {
			return nil, err
		}
		t.apps = append(t.apps, app{rdn, a.Normal(), t.below(rdn + "," + base)})
	}
	return t, nil
}

// Base is the name of the naming context, as configured.
func (t *Tree) Base() string { return t.base }

// Name is a place in the tree.
type Name struct {
	Kind Kind
	// Key is the normalised login or group name of a Person, Group or Service.
	Key string
	// Application is the application base it stands below, as configured; ""
	// for none.
	Application string
}

// Find says what d names, by its shape alone; whether there is an account or
// group of that name plays no part. Where it can be nothing, the Kind is None
// and above names the deepest container above d; the Kind of above is None
// where d is not below the base.
func (t *Tree) Find(d dn.DN) (n, above Name) {
	below, ok := d.Cut(t.normal)
	if !ok {
		return Name{}, Name{}
	}
	rdns := split(below)
	above.Kind = Base
	if len(rdns) > 0 {
		if name := t.application(rdns[len(rdns)-1]); name != "" {
			above = Name{Kind: Application, Application: name}
			rdns = rdns[:len(rdns)-1]
		}
	}
	if len(rdns) == 0 {
		return above, above
	}
	unit := unitOf(rdns[len(rdns)-1])
	if unit == None {
		return Name{}, above
	}
	above.Kind = unit
	switch len(rdns) {
	case 1:
		return above, above
	case 2:
		return Name{Kind: unit.Holds(), Key: keyOf(rdns[0], unit), Application: above.Application}.orNone(), above
	}
	// Below an account or a group there is nothing. Which is the entry that
	// there is depends on whether it is there; the caller looks.
	leaf := Name{Kind: unit.Holds(), Key: keyOf(rdns[len(rdns)-2], unit), Application: above.Application}.orNone()
	if leaf.Kind == None {
		return Name{}, above
	}
	return Name{}, leaf
}

func (n Name) orNone() Name {
	if n.Key == "" {
		return Name{}
	}
	return n
}

// split takes a name apart into RDNs, its own first.
func split(d dn.DN) (rdns []dn.DN) {
	for i := 0; i < len(d); {
		end := i + 1
		for end < len(d) && d[end].Joined {
			end++
		}
		rdns = append(rdns, d[i:end])
		i = end
	}
	return rdns
}

func (t *Tree) application(rdn dn.DN) string {
	for _, a := range t.apps {
		if rdn.EqualNormal(a.normal) {
			return a.rdn
		}
	}
	return ""
}

func unitOf(rdn dn.DN) Kind {
	if len(rdn) == 1 && rdn[0].Type == "ou" {
		for _, u := range units {
			if dn.Fold(rdn[0].Value) == u.name {
				return u.kind
			}
		}
	}
	return None
}

// keyOf is the normalised name that an RDN below a unit gives; "" where it can
// be none.
func keyOf(rdn dn.DN, unit Kind) string {
	if len(rdn) != 1 || rdn[0].Type != rdnType(unit.Holds()) {
		return ""
	}
	key, err := directory.NormalizeLogin(strings.Trim(rdn[0].Value, " "))
	if err != nil {
		return ""
	}
	return key
}

func rdnType(k Kind) string {
	if k == Person {
		return "uid"
	}
	return "cn"
}

// View is the tree as it is seen from the base, or from that of an
// application: the same entries under names of their own.
type View struct {
	*Tree
	suffix              string // what all names end in
	people, groups, sys string // what names of accounts and groups end in
}

// View returns the view of an application base, as configured; "" for the tree
// itself.
func (t *Tree) View(application string) *View {
	for _, a := range t.apps {
		if a.rdn == application {
			return a.view
		}
	}
	return t.view
}

func (t *Tree) below(suffix string) *View {
	return &View{Tree: t, suffix: suffix, people: ",ou=people," + suffix, groups: ",ou=groups," + suffix, sys: ",ou=system," + suffix}
}

// DN writes the name of an entry; shown is the login or group name as shown.
func (v *View) DN(k Kind, shown string) string {
	switch k {
	case Person:
		return string(append(dn.AppendValue(append(make([]byte, 0, 64), "uid="...), shown), v.people...))
	case Group:
		return string(append(dn.AppendValue(append(make([]byte, 0, 64), "cn="...), shown), v.groups...))
	case Service:
		return string(append(dn.AppendValue(append(make([]byte, 0, 64), "cn="...), shown), v.sys...))
	}
	for _, u := range units {
		if u.kind == k {
			return "ou=" + u.name + "," + v.suffix
		}
	}
	return v.suffix
}

func (v *View) member(m directory.Member) string {
	switch {
	case m.Group:
		return v.DN(Group, m.Name)
	case m.Kind == directory.ServiceAccount:
		return v.DN(Service, m.Name)
	}
	return v.DN(Person, m.Name)
}
