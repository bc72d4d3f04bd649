package entry

import (
	"context"
	"strings"

	"postern/directory"
	"postern/ldapsrv/dn"
	"postern/ldapsrv/filter"
	"postern/ldapsrv/schema"
)

// Follower follows groups through the directory. It may be used concurrently.
type Follower interface {
	// GroupsAbove returns the normalised names of the groups that hold m,
	// however deep. Of m its kind and its normalised name count.
	GroupsAbove(ctx context.Context, m directory.Member) ([]string, error)
	// GroupsBelow returns the normalised names of a group and of the groups in
	// it, however deep; none where there is no such group.
	GroupsBelow(ctx context.Context, name string) ([]string, error)
	// GroupEntries returns one batch of the groups that q selects.
	GroupEntries(ctx context.Context, q directory.Query, d directory.Detail) ([]directory.GroupEntry, error)
}

// Matcher is a filter made ready for the entries of one view and one reader,
// by Prepare. It may not be copied from then on, nor used concurrently.
type Matcher struct {
	view   *View
	filter filter.Filter
	may    *Selection
	leaves []leaf // by their places in the filter
	single [1]leaf

	judge func(filter.Choice, *filter.Assertion) filter.Truth // worth
	entry *Entry                                              // that is being judged
	shape *shape
	room  [4]string // for its values
}

// leaf is what was found out about an assertion beforehand.
type leaf struct {
	of      *filter.Assertion
	asks    *filter.Assertion // the same in full, where of abbreviates
	attr    *schema.Attribute // nil: not in the schema
	name    string            // in lower case, where attr is nil
	nothing bool              // Undefined for all entries
	absent  bool              // no entry has it: the description has an option
	chain   bool
	without filter.Truth // for entries that do not have attr
	// member, for assertions on members and memberOf by DN: what the DN names.
	member *Name
	// groups, beside member: of entries that are groups those that hold it; of
	// memberOf, under the in-chain rule or where it lists groups by nesting,
	// those whose members are in it.
	groups map[string]struct{}
}

// Prepare makes f ready for entries of v, whatever m was ready for before.
// follow is asked where f follows memberships.
func (m *Matcher) Prepare(ctx context.Context, v *View, f filter.Filter, may *Selection, follow Follower) error {
	*m = Matcher{view: v, filter: f, may: may}
	m.leaves = m.single[:0]
	return m.prepare(ctx, f, follow)
}

func (m *Matcher) prepare(ctx context.Context, f filter.Filter, follow Follower) error {
	for _, p := range f.Parts {
		if err := m.prepare(ctx, p, follow); err != nil {
			return err
		}
	}
	if f.Leaf == nil {
		return nil
	}
	m.leaves = append(m.leaves, m.read(f))
	l := &m.leaves[len(m.leaves)-1]
	if l.member == nil || l.nothing || l.absent {
		return nil
	}
	return l.follow(ctx, follow, m.view.nested)
}

// leaf returns what was found out about a, nil where a is not of the filter.
func (m *Matcher) leaf(a *filter.Assertion) *leaf {
	if a == nil {
		return nil
	}
	if a.Place < len(m.leaves) && m.leaves[a.Place].of == a {
		return &m.leaves[a.Place]
	}
	for i := range m.leaves { // of a filter that was not decoded
		if m.leaves[i].of == a {
			return &m.leaves[i]
		}
	}
	return nil
}

// read takes an assertion apart.
func (m *Matcher) read(f filter.Filter) leaf {
	l := leaf{of: f.Leaf, asks: f.Leaf}
	name, options, hasOptions := strings.Cut(string(f.Leaf.Attribute), ";")
	if l.attr = schema.Find(name); l.attr == nil {
		l.name = strings.ToLower(name)
	}
	if hasOptions {
		l.nothing, l.absent = !knownOptions(options), true
		return l
	}
	if name != "" && (Withheld(l.attr, name) || !m.may.Readable(l.attr, name)) {
		l.nothing = true
		return l
	}
	if l.attr == objectCategoryAttr && m.view.ad && f.Choice == filter.Equal {
		l.asks = &filter.Assertion{Value: []byte(m.view.categoryOf(string(f.Leaf.Value)))}
	}
	if l.attr != nil {
		l.without = schema.Match(l.attr, nil, f.Choice, l.asks)
	}
	l.chain = f.Choice == filter.Extensible && string(f.Leaf.Rule) == schema.OIDInChain
	if l.chain && !m.view.ad || f.Leaf.DNAttributes {
		l.chain = false
	}
	if l.attr == nil || f.Leaf.DNAttributes || !l.chain && !equalityOf(f) {
		return l
	}
	switch l.attr {
	case memberAttr, uniqueMemberAttr, memberOfAttr:
		l.member = m.view.named(string(f.Leaf.Value))
		l.nothing = l.member == nil
	}
	return l
}

// equalityOf reports whether f asks for a value that is equal by the
// attribute's own rule.
func equalityOf(f filter.Filter) bool {
	switch f.Choice {
	case filter.Equal, filter.Approx:
		return true
	case filter.Extensible:
		return f.Leaf.Rule == nil || strings.EqualFold(string(f.Leaf.Rule), "distinguishedNameMatch") || string(f.Leaf.Rule) == "2.5.13.1"
	}
	return false
}

// KnownOptions reports whether the options of an attribute description, if it
// has any, are such that attributes could have them.
func KnownOptions(description string) bool {
	_, options, has := strings.Cut(description, ";")
	return !has || knownOptions(options)
}

// knownOptions reports whether every option is one that attributes could have.
func knownOptions(options string) bool {
	for o := range strings.SplitSeq(options, ";") {
		if len(o) < 5 || !strings.EqualFold(o[:5], "lang-") {
			return false
		}
	}
	return true
}

var (
	memberAttr       = attribute("member")
	uniqueMemberAttr = attribute("uniqueMember")
	memberOfAttr     = attribute("memberOf")
)

// named returns what a DN names in this view or in the tree itself; nil where
// it is no DN.
func (v *View) named(value string) *Name {
	d, err := dn.Parse(value)
	if err != nil {
		return nil
	}
	n, _ := v.Find(d)
	return &n
}

// follow finds the groups that an assertion on memberships is about. nested
// says that memberOf lists groups by nesting, too.
func (l *leaf) follow(ctx context.Context, follow Follower, nested bool) (err error) {
	var keys []string
	switch {
	case l.attr == memberOfAttr && l.member.Kind == Group && (l.chain || nested):
		keys, err = follow.GroupsBelow(ctx, l.member.Key)
	case l.attr == memberOfAttr:
		return nil
	case l.chain && l.member.Kind >= Person:
		keys, err = follow.GroupsAbove(ctx, l.member.asMember())
	case l.member.Kind >= Person:
		keys, err = holding(ctx, follow, l.member)
	}
	l.groups = make(map[string]struct{}, len(keys))
	for _, k := range keys {
		l.groups[k] = struct{}{}
	}
	return err
}

func (n *Name) asMember() directory.Member {
	m := directory.Member{Group: n.Kind == Group, Name: n.Key}
	if n.Kind == Service {
		m.Kind = directory.ServiceAccount
	}
	return m
}

// holding lists the groups that hold n directly.
func holding(ctx context.Context, follow Follower, n *Name) (keys []string, err error) {
	q := directory.Query{AnyOf: []directory.Term{{Attribute: heldAs[n.Kind], Value: n.Key}}, Limit: 512}
	for {
		list, err := follow.GroupEntries(ctx, q, 0)
		for _, g := range list {
			keys = append(keys, keyOfShown(g.Name))
			q.After = g.ID
		}
		if err != nil || len(list) < q.Limit {
			return keys, err
		}
	}
}

var heldAs = map[Kind]string{Person: "account", Service: "service", Group: "group"}

// keyOfShown normalises a name that is stored, and so can be normalised.
func keyOfShown(name string) string {
	key, err := directory.NormalizeLogin(name)
	if err != nil {
		return name
	}
	return key
}

// Matches reports whether the filter is True for the entry.
func (m *Matcher) Matches(e *Entry) bool {
	m.entry, m.shape = e, e.View.shape(e.Kind)
	return m.truth(&m.filter) == filter.True
}

// truth is what f is worth for the entry (see filter.Filter.Eval, which asks a
// function for each leaf).
func (m *Matcher) truth(f *filter.Filter) filter.Truth {
	if len(f.Parts) == 0 && f.Leaf != nil {
		return m.worth(f.Choice, f.Leaf)
	}
	if m.judge == nil {
		m.judge = m.worth
	}
	return f.Eval(m.judge)
}

// worth says what an assertion is worth for the entry.
func (m *Matcher) worth(c filter.Choice, a *filter.Assertion) filter.Truth {
	e, s, l := m.entry, m.shape, m.leaf(a)
	switch {
	case l == nil || l.nothing:
		return filter.Undefined
	case l.absent && l.attr == nil:
		return filter.Undefined
	case l.absent:
		return schema.Match(l.attr, nil, c, a)
	case a.DNAttributes:
		return m.anywhere(e, s, l, a)
	case len(a.Attribute) == 0:
		return m.byRule(e, s, a)
	case l.attr == nil:
		return e.matchExtra(l.name, c, a)
	case l.member != nil:
		return e.isMember(l)
	}
	return e.match(s, l, c, l.asks, m.room[:0])
}

var objectCategoryAttr = attribute("objectCategory")

// match asks all fields of the attribute and of its subtypes.
func (e *Entry) match(s *shape, l *leaf, c filter.Choice, a *filter.Assertion, room []string) filter.Truth {
	attr, worth := l.attr, l.without
	for i, f := range s.of(attr) {
		t := schema.Match(s.fields[f].attr, s.fields[f].values(room, e), c, a)
		if i == 0 || t > worth {
			worth = t
		}
	}
	if worth == filter.True || e.Account == nil || len(e.Account.Attributes) == 0 {
		return worth
	}
	e.extras(func(_ string, x *schema.Attribute, values []string) {
		if x != nil && x.IsOrUnder(attr) {
			worth = max(worth, schema.Match(x, values, c, a))
		}
	})
	return worth
}

// matchExtra compares an attribute that the schema does not know, as text
// without regard to case. For entries that do not have it, it is as good as
// unknown.
func (e *Entry) matchExtra(name string, c filter.Choice, a *filter.Assertion) filter.Truth {
	worth := filter.Undefined
	e.extras(func(n string, x *schema.Attribute, values []string) {
		if x == nil && strings.EqualFold(n, name) {
			worth = schema.Match(textAttr, values, c, a)
		}
	})
	return worth
}

var textAttr = attribute("description")

// isMember answers an assertion on a membership.
func (e *Entry) isMember(l *leaf) filter.Truth {
	if l.attr == memberOfAttr {
		return e.isMemberOf(l)
	}
	if e.Kind != Group {
		return filter.False
	}
	if e.Only != nil && !e.Only.sees(e.Only.itself(l.member)) {
		return filter.False
	}
	_, holds := l.groups[keyOfShown(e.Group.Name)]
	return truth(holds)
}

// itself makes of a name the member that sees judges. A person is seen only
// where it is the reader, whom leaves name by its id.
func (r *Reader) itself(n *Name) directory.Member {
	m := n.asMember()
	if n.Kind == Person && n.Key == r.Key {
		m.ID = r.Account
	}
	return m
}

func (e *Entry) isMemberOf(l *leaf) filter.Truth {
	if e.Account == nil && e.Group == nil {
		return filter.False
	}
	for _, name := range e.memberOf() {
		key := keyOfShown(name)
		if _, counts := l.groups[key]; l.chain && counts || !l.chain && l.member.Kind == Group && key == l.member.Key {
			return filter.True
		}
	}
	return filter.False
}

func truth(b bool) filter.Truth {
	if b {
		return filter.True
	}
	return filter.False
}

// byRule answers an extensible assertion that names a rule and no attribute:
// all attributes of a syntax that the rule is for are asked.
func (m *Matcher) byRule(e *Entry, s *shape, a *filter.Assertion) filter.Truth {
	rule := schema.FindRule(string(a.Rule))
	if rule == nil {
		return filter.Undefined
	}
	worth := filter.Undefined
	for i := range s.fields {
		f := &s.fields[i]
		if !rule.For(f.attr) || !m.may.Readable(f.attr, "") {
			continue
		}
		worth = max(worth, schema.Match(f.attr, f.values(nil, e), filter.Extensible, a))
	}
	e.extras(func(name string, x *schema.Attribute, values []string) {
		if x != nil && rule.For(x) && m.may.Readable(x, name) && !Withheld(x, name) {
			worth = max(worth, schema.Match(x, values, filter.Extensible, a))
		}
	})
	return worth
}

// anywhere answers an extensible assertion with dnAttributes: the values in
// the entry's name count as well (RFC 4511 §4.5.1.7.7).
func (m *Matcher) anywhere(e *Entry, s *shape, l *leaf, a *filter.Assertion) filter.Truth {
	var worth filter.Truth
	if len(a.Attribute) == 0 {
		worth = m.byRule(e, s, a)
	} else if l.attr == nil {
		return e.matchExtra(l.name, filter.Extensible, a)
	} else {
		worth = e.match(s, l, filter.Extensible, a, nil)
	}
	name, err := dn.Parse(e.DN())
	if err != nil {
		return worth
	}
	for _, ava := range name {
		x := schema.Find(ava.Type)
		if x == nil || l.attr != nil && !x.IsOrUnder(l.attr) {
			continue
		}
		worth = max(worth, schema.Match(x, []string{ava.Value}, filter.Extensible, a))
	}
	return worth
}
