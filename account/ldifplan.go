package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"postern/account/ldif"
	"postern/directory"
	"postern/policy"
)

// LDIF says how to read a file that came from a directory.
type LDIF struct {
	// ReadDN returns the form in which distinguished names compare equal, and
	// what it names in this directory's own tree: "" and "" for neither.
	ReadDN func(dn string) (normal, login, group string, err error)
	// Shown returns what the entry of a person with that login and name shows
	// without having been told, by attribute in lower case. Saying so in a file
	// says nothing.
	Shown func(login, name string) map[string]string
	// WithoutPasswords leaves passwords out.
	WithoutPasswords bool
}

// PlanLDIF reads an LDIF file whole, checks every entry and says what importing
// it would do. It changes nothing. What is wrong with the entries is an
// *ImportError. Memberships are added and none is taken away.
func (s *Service) PlanLDIF(ctx context.Context, file io.Reader, how LDIF) (*ImportPlan, error) {
	l := &ldifPlanner{planner: newPlanner(s), how: how, named: map[string]target{}, people: map[string]*row{}}
	in := ldif.NewReader(file)
	for {
		rec, err := in.Next()
		if errors.Is(err, io.EOF) {
			return l.finishLDIF(ctx)
		}
		if err == nil {
			err = l.sort(rec)
		}
		if err != nil {
			return nil, alone(ldifError(err))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

func ldifError(err error) error {
	var syntax *ldif.SyntaxError
	if errors.As(err, &syntax) {
		return &LineError{Line: syntax.Line, Text: syntax.Text}
	}
	return err
}

// ldifPlanner reads entries in any order: who is in which group is known at the
// end of the file.
type ldifPlanner struct {
	*planner
	how    LDIF
	rows   []*row
	teams  []*team
	named  map[string]target // normal DN
	people map[string]*row   // normalised login
}

// target is what a DN of the file names: a person, or a group.
type target struct {
	person *row
	group  string
}

// team is a group of the file.
type team struct {
	line        int
	record      string
	name        string
	description string
	id          string
	gidNumber   int64
	members     []ldif.Attribute // DNs
	logins      []ldif.Attribute // memberUid
}

// Classes that say what an entry is, in lower case. Persons come first: where an
// entry is both, it has a login.
var (
	personClasses = []string{"inetorgperson", "person", "organizationalperson", "posixaccount", "account", "user", "mailaccount"}
	groupClasses  = []string{"groupofnames", "groupofuniquenames", "posixgroup", "group"}
	noPersons     = []string{"computer", "msds-groupmanagedserviceaccount"}
)

// sort puts an entry with the people, with the groups, or aside.
func (l *ldifPlanner) sort(rec *ldif.Record) error {
	normal, _, _, err := l.how.ReadDN(rec.DN)
	if err != nil {
		l.wrong.add(&LineError{rec.Line, "", fmt.Sprintf("%q is not a distinguished name", rec.DN)})
		return nil
	}
	if first, twice := l.lineOf(normal); twice {
		l.wrong.add(&LineError{rec.Line, rec.DN, fmt.Sprintf("this entry stands in line %d already", first)})
		return nil
	}
	classes := rec.Values("objectClass")
	for i := range classes {
		classes[i] = strings.ToLower(classes[i])
	}
	is := func(of []string) bool {
		return slices.ContainsFunc(classes, func(c string) bool { return slices.Contains(of, c) })
	}
	login := first(rec, "uid", "sAMAccountName")
	switch {
	case is(personClasses) && !is(noPersons) && login != "":
		l.addPerson(rec, normal, login)
	case is(groupClasses):
		l.addTeam(rec, normal)
	default:
		l.leave("entry", "it is no person with a uid and no group", rec.Line)
	}
	return nil
}

func (l *ldifPlanner) lineOf(normal string) (int, bool) {
	t, ok := l.named[normal]
	if !ok {
		return 0, false
	}
	if t.person != nil {
		return t.person.line, true
	}
	i := slices.IndexFunc(l.teams, func(g *team) bool { return g.name == t.group })
	return l.teams[max(0, i)].line, true
}

// first is the first value of the first of the names that has any.
func first(rec *ldif.Record, names ...string) string {
	for _, name := range names {
		for _, v := range rec.Values(name) {
			if v = strings.TrimSpace(v); v != "" {
				return v
			}
		}
	}
	return ""
}

func (l *ldifPlanner) addPerson(rec *ldif.Record, normal, login string) {
	r := l.person(rec, login)
	l.rows = append(l.rows, r)
	l.named[normal] = target{person: r}
	if key, err := directory.NormalizeLogin(login); err == nil && l.people[key] == nil {
		l.people[key] = r
	}
}

func (l *ldifPlanner) addTeam(rec *ldif.Record, normal string) {
	g := &team{
		line: rec.Line, record: rec.DN, name: first(rec, "cn", "sAMAccountName"), description: first(rec, "description"),
		id: uuid(first(rec, "entryUUID")),
	}
	for _, a := range rec.Attributes {
		switch strings.ToLower(a.Name) {
		case "member", "uniquemember":
			g.members = append(g.members, a)
		case "memberuid":
			g.logins = append(g.logins, a)
		}
	}
	if n, err := strconv.ParseInt(first(rec, "gidNumber"), 10, 64); err == nil && n > 0 {
		g.gidNumber = n
	}
	l.teams = append(l.teams, g)
	l.named[normal] = target{group: g.name}
}

// finishLDIF joins people and groups, now that all are known, and plans them.
func (l *ldifPlanner) finishLDIF(ctx context.Context) (*ImportPlan, error) {
	if err := l.planTeams(ctx); err != nil {
		return nil, err
	}
	for _, g := range l.teams {
		if err := l.join(ctx, g); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(l.rows, func(a, b *row) int { return cmp.Compare(a.line, b.line) })
	for _, r := range l.rows {
		if err := l.take(ctx, *r); err != nil {
			return nil, err
		}
	}
	return l.done()
}

// planTeams adds the groups that are not there yet. Two entries of one name are
// one group: it may have been kept in two forms.
func (l *ldifPlanner) planTeams(ctx context.Context) error {
	gids := map[int64]string{}
	err := l.eachGroup(ctx, func(g directory.Group) {
		gids[g.GIDNumber], l.groups[normal(g.Name)], l.ids[g.ID] = normal(g.Name), true, 0
	})
	if err != nil {
		return err
	}
	for _, g := range l.teams {
		key := normal(g.name)
		switch bad := checkGroupName(g.name); {
		case bad != nil:
			l.wrong.add(&LineError{g.line, g.record, bad.Text})
		case l.groups[key]:
		case g.gidNumber != 0 && gids[g.gidNumber] != "":
			l.wrong.add(&LineError{g.line, g.record, fmt.Sprintf("gidNumber %d is that of group %q", g.gidNumber, gids[g.gidNumber])})
		default:
			if err := l.addGroupOf(g); err != nil {
				return err
			}
			gids[g.gidNumber], l.groups[key] = key, true
		}
	}
	return nil
}

func (l *ldifPlanner) addGroupOf(t *team) error {
	if bad := checkText(BadName, "description", t.description, maxText); bad != nil {
		t.description = ""
		l.leave("description", bad.Text, t.line)
	}
	g, err := l.newGroup(t.name, t.description)
	if err != nil {
		return err
	}
	if _, taken := l.ids[t.id]; t.id != "" && !taken {
		g.ID, l.ids[t.id] = t.id, t.line
	}
	g.GIDNumber = t.gidNumber
	l.plan.Groups = append(l.plan.Groups, t.name)
	l.plan.work.Groups = append(l.plan.work.Groups, g)
	return nil
}

func (s *Service) eachGroup(ctx context.Context, yield func(directory.Group)) error {
	var q directory.Query
	for {
		batch, err := s.Records.Groups(ctx, q)
		if err != nil {
			return fmt.Errorf("reading the groups: %w", err)
		}
		for _, g := range batch {
			yield(g)
		}
		if len(batch) == 0 {
			return nil
		}
		q.After = batch[len(batch)-1].ID
	}
}

// join gives the members of a group their membership.
func (l *ldifPlanner) join(ctx context.Context, g *team) error {
	for _, a := range g.members {
		normalDN, login, group, err := l.how.ReadDN(a.Value)
		t, known := l.named[normalDN]
		switch {
		case err != nil:
			l.wrong.add(&LineError{a.Line, g.record, fmt.Sprintf("the value of %s is not a distinguished name", a.Name)})
			continue
		case known && t.person != nil:
			joinOne(t.person, g.name)
			continue
		case known:
			group = t.group
		}
		if err := l.joinOther(ctx, g, a.Line, login, group); err != nil {
			return err
		}
	}
	for _, a := range g.logins {
		if err := l.joinOther(ctx, g, a.Line, a.Value, ""); err != nil {
			return err
		}
	}
	return nil
}

func joinOne(r *row, group string) {
	if !slices.ContainsFunc(r.groups, func(g string) bool { return normal(g) == normal(group) }) {
		r.groups = append(r.groups, group)
	}
}

// joinOther gives a membership to somebody by login, or to a group by name.
func (l *ldifPlanner) joinOther(ctx context.Context, g *team, line int, login, group string) error {
	key, err := directory.NormalizeLogin(login)
	switch {
	case group != "" && l.groups[normal(group)]:
		return l.nest(ctx, g.name, group)
	case err != nil:
		l.leave("member", "it is neither in the file nor here", line)
		return nil
	case l.people[key] != nil:
		joinOne(l.people[key], g.name)
		return nil
	}
	h, err := l.Records.HolderByName(ctx, directory.ParseName(login, directory.LoginOnly, ""))
	switch {
	case errors.Is(err, directory.ErrNotFound):
		l.leave("member", "it is neither in the file nor here", line)
		return nil
	case err != nil:
		return fmt.Errorf("reading an account: %w", err)
	}
	r := &row{line: line, record: g.record, login: h.Account.Login, groups: []string{g.name}}
	l.rows, l.people[key] = append(l.rows, r), r
	return nil
}

// nest plans that member becomes a member of group, unless it is one.
func (l *ldifPlanner) nest(ctx context.Context, group, member string) error {
	g, err := l.FindGroup(ctx, group)
	var unknown *Refusal
	if err != nil && !errors.As(err, &unknown) {
		return err
	}
	if err == nil {
		members, err := l.Members(ctx, g)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(members, func(m directory.Member) bool { return m.Group && normal(m.Name) == normal(member) }) {
			return nil
		}
	}
	n := policy.ImportNesting{Group: group, Member: member}
	if !slices.Contains(l.plan.work.Nest, n) {
		l.plan.work.Nest = append(l.plan.work.Nest, n)
		l.plan.Nested++
	}
	return nil
}
