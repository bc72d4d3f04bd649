package ldapsrv

import (
	"context"
	"fmt"
	"slices"

	"postern/directory"
	"postern/ldapsrv/dn"
	"postern/ldapsrv/entry"
)

// access is what a session may read below the base. What it may not read looks
// as if it did not exist. The zero access is none.
type access struct {
	// may are the attributes.
	may *entry.Selection
	// whole are the kinds of which every entry may be read.
	whole [entry.Service + 1]bool
	// some are the normalised names of those that may be read otherwise.
	some map[entry.Kind][]string
	// plans are those of searches by who may read these attributes.
	plans *plans
	// only limits whom the lists of members show; nil: nobody is left out.
	only *entry.Reader
}

// any reports whether anything may be read.
func (a *access) any() bool { return a.may != nil }

// sees reports whether the entry of that kind and normalised name may be read,
// if there is one. A container may be read where anything below it may.
func (a *access) sees(n entry.Name) bool {
	switch {
	case !a.any() || n.Kind == entry.None:
		return false
	case n.Kind == entry.Base || n.Kind == entry.Application:
		return true
	case n.Kind.Holds() != entry.None:
		return a.reaches(n.Kind.Holds())
	}
	return a.whole[n.Kind] || slices.Contains(a.some[n.Kind], n.Key)
}

// reaches reports whether any entry of the kind may be read.
func (a *access) reaches(k entry.Kind) bool { return a.whole[k] || len(a.some[k]) > 0 }

// within narrows a query down to what may be read; false: that is nothing.
func (a *access) within(k entry.Kind, c entry.Candidates) (terms []directory.Term, ok bool) {
	switch {
	case !c.All && len(c.Terms) == 0 || !a.reaches(k):
		return nil, false
	case a.whole[k]:
		return c.Terms, true
	}
	column := "uid"
	if k == entry.Group {
		column = "cn"
	}
	for _, key := range a.some[k] {
		terms = append(terms, directory.Term{Attribute: column, Value: key})
	}
	return terms, true
}

// plans are those that can be the session's, before it is asked what it may
// read: nil for who has not bound.
func (s *session) plans(r *rules) *plans {
	switch {
	case !s.who.bound:
		return nil
	case s.who.naming == directory.ServiceAccountOnly:
		return r.grantOf(s.who.login).plans
	}
	return r.plans
}

// everything is the access of whom nothing is kept from.
func everything() access {
	a := access{may: entry.Everything}
	for k := range a.whole {
		a.whole[k] = true
	}
	return a
}

// access works out what the session may read now, under r.
func (s *session) access(ctx context.Context, r *rules) (access, error) {
	switch {
	case !s.who.bound:
		return access{}, nil
	case s.who.naming == directory.ServiceAccountOnly:
		return r.grantOf(s.who.login), nil
	}
	return s.personal(ctx, r)
}

// personal is the access of a person: its own entry and its own groups, or
// everything for a member of a group that is granted it.
func (s *session) personal(ctx context.Context, r *rules) (access, error) {
	key, err := directory.NormalizeLogin(s.who.login)
	if err != nil {
		return access{}, nil // nobody has such a login
	}
	groups, err := s.directory.GroupsAbove(ctx, directory.Member{Name: key})
	if err != nil {
		return access{}, err
	}
	for _, g := range groups {
		if slices.Contains(r.Readers, g) {
			return everything(), nil
		}
	}
	a := access{may: entry.Everything, some: map[entry.Kind][]string{entry.Person: {key}, entry.Group: groups}}
	a.only = &entry.Reader{Account: s.who.account, Key: key, Groups: make(map[string]struct{}, len(groups))}
	for _, g := range groups {
		a.only.Groups[g] = struct{}{}
	}
	return a, nil
}

// grantOf is the access of a service account. One that is not configured has
// none.
func (r *rules) grantOf(login string) access {
	key, err := directory.NormalizeLogin(login)
	if err != nil {
		return access{}
	}
	return r.grants[key]
}

// grant works out what the configuration grants a service account.
func grant(t *entry.Tree, a ServiceAccount) (access, error) {
	g := access{may: entry.Select(a.Attributes), some: map[entry.Kind][]string{}}
	if slices.Contains(a.Attributes, "*") {
		g.may = entry.Everything
	}
	g.plans = &plans{may: g.may}
	for _, name := range a.Read {
		if name != "" {
			name += ","
		}
		d, err := dn.Parse(name + t.Base())
		if err != nil {
			return access{}, fmt.Errorf("%q: %w", name, err)
		}
		n, _ := t.Find(d)
		g.add(n)
	}
	return g, nil
}

func (a *access) add(n entry.Name) {
	switch {
	case n.Kind == entry.Base:
		a.whole = everything().whole
	case n.Kind.Holds() != entry.None:
		a.whole[n.Kind.Holds()] = true
	case n.Kind != entry.None:
		a.some[n.Kind] = append(a.some[n.Kind], n.Key)
	}
}
