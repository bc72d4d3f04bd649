package account

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// planner turns rows into a plan.
type planner struct {
	*Service
	plan   *ImportPlan
	wrong  ImportError
	lines  map[string]int  // normalised login: its line
	groups map[string]bool // normalised group: known to exist, or to be added
	ids    map[string]int  // id of a group, or that the file gives somebody: its line, or 0
	uids   map[int64]owner // who has which uidNumber, where the file gives any
}

// owner is who has a number: a login that has it already, or a line of the file.
type owner struct {
	login string
	line  int
}

func newPlanner(s *Service) *planner {
	return &planner{Service: s, plan: &ImportPlan{}, lines: map[string]int{}, groups: map[string]bool{}, ids: map[string]int{}}
}

func (p *planner) done() (*ImportPlan, error) {
	if len(p.wrong.Problems) > 0 {
		return nil, &p.wrong
	}
	p.plan.sealMany()
	return p.plan, nil
}

// take plans one row. What is wrong with it is kept for the report; an error
// means that the database could not be read.
func (p *planner) take(ctx context.Context, r row) error {
	err := p.check(r)
	if err == nil {
		err = p.planRow(ctx, r)
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		p.wrong.add(&LineError{r.line, r.record, refusal.Text})
		return nil
	}
	return err
}

func (p *planner) check(r row) error {
	if err := checkPerson(Person{Login: r.login, Name: r.name, Mail: r.mail}); err != nil {
		return err
	}
	login, err := directory.NormalizeLogin(r.login)
	if err != nil {
		return refuse(BadLogin, "%q cannot be a login", r.login)
	}
	if first, twice := p.lines[login]; twice {
		return refuse(LoginTaken, "login %q stands in line %d already", r.login, first)
	}
	p.lines[login] = r.line
	for _, g := range r.groups {
		if bad := checkGroupName(g); bad != nil {
			return bad
		}
	}
	if !slices.Contains([]string{"", "on", "off"}, r.mfa) {
		return refuse(BadAttribute, `mfa must be "on", "off" or empty, not %q`, r.mfa)
	}
	if r.problem != nil {
		return r.problem
	}
	return checkForeign(r)
}

// checkForeign refuses a password in clear that could not have been set here
// either. Its length is left to its owner.
func checkForeign(r row) error {
	clear, ok := r.password.Clear()
	if !ok {
		return nil
	}
	refusal := checkPassword(r.login, clear)
	if refusal == nil || refusal.Code == PasswordTooShort {
		return nil
	}
	return refusal
}

func (p *planner) planRow(ctx context.Context, r row) error {
	h, err := p.Records.HolderByName(ctx, directory.ParseName(r.login, directory.LoginOnly, ""))
	found := !errors.Is(err, directory.ErrNotFound)
	if err != nil && found {
		return fmt.Errorf("reading the account: %w", err)
	}
	if err := p.checkMFA(h, r); err != nil {
		return err
	}
	if err := p.planGroups(ctx, r); err != nil {
		return err
	}
	if found {
		return p.planChange(ctx, h, r)
	}
	return p.planAdd(ctx, r)
}

// checkMFA holds an import to what the command for one account says.
func (p *planner) checkMFA(h policy.Holder, r row) error {
	rules := &p.Settings().Rules
	exempt := rules.Exempts(directory.Account{Login: r.login})
	switch {
	case r.mfa == "on" && exempt:
		return refuse(MFAExempt, "%q is never asked for MFA: it stands in policy.exempt", r.login)
	case r.mfa != "off" || exempt:
		return nil
	}
	h.Groups = slices.Clone(h.Groups)
	for _, g := range r.groups {
		h.Groups = append(h.Groups, normal(g))
	}
	if _, group := rules.MFA(h); group != "" {
		return refuseOff(r.login, group)
	}
	return nil
}

// normal is for names that were checked already.
func normal(name string) string {
	n, err := directory.NormalizeLogin(name)
	if err != nil {
		return name
	}
	return n
}

// leave notes that something in the file is not taken over.
func (p *planner) leave(what, why string, line int) {
	i := slices.IndexFunc(p.plan.Left, func(l LeftOut) bool { return l.What == what && l.Why == why })
	if i < 0 {
		p.plan.Left = append(p.plan.Left, LeftOut{What: what, Why: why, Line: line})
		i = len(p.plan.Left) - 1
	}
	p.plan.Left[i].Count++
}

// planGroups adds the groups that are not there yet, once each.
func (p *planner) planGroups(ctx context.Context, r row) error {
	for _, name := range r.groups {
		if p.groups[normal(name)] {
			continue
		}
		_, err := p.FindGroup(ctx, name)
		var unknown *Refusal
		switch {
		case errors.As(err, &unknown):
			if err := p.addGroup(name); err != nil {
				return err
			}
		case err != nil:
			return err
		}
		p.groups[normal(name)] = true
	}
	return nil
}

func (p *planner) addGroup(name string) error {
	g, err := p.newGroup(name, "")
	if err != nil {
		return err
	}
	p.plan.Groups = append(p.plan.Groups, name)
	p.plan.work.Groups = append(p.plan.work.Groups, g)
	return nil
}

func (p *planner) planAdd(ctx context.Context, r row) error {
	id, err := p.newID(ctx, r)
	if err != nil {
		return err
	}
	if err := p.takeNumber(ctx, r); err != nil {
		return err
	}
	now := p.now()
	h := policy.Holder{
		Account: directory.Account{
			ID: id, Login: r.login, Name: r.name, Mail: r.mail, CreatedAt: now, ModifiedAt: now,
			UIDNumber: r.uidNumber, Attributes: r.attributes, Disabled: r.disabled, ExpiresAt: r.expires,
		},
		MFADemanded: r.mfa == "on", Groups: r.groups,
	}
	if r.hasPassword {
		h.Account.PasswordChangedAt = now
	}
	p.plan.work.Add = append(p.plan.work.Add, h)
	p.plan.Rows = append(p.plan.Rows, PlannedRow{Line: r.line, Login: r.login, New: true, What: newWith(r), account: id})
	p.plan.Added++
	return p.hashForNew(ctx, r, len(p.plan.work.Add)-1)
}

// newWith says in plain words what a new account begins with.
func newWith(r row) (what []string) {
	for _, said := range []struct {
		so   bool
		word string
	}{{r.hasPassword, "with a password"}, {r.mfa == "on", "MFA on"}, {r.disabled, "disabled"}, {!r.expires.IsZero(), "expires"}} {
		if said.so {
			what = append(what, said.word)
		}
	}
	for _, g := range r.groups {
		what = append(what, "joins "+g)
	}
	return what
}

// newID is the id that the file gives the account, or a new one. Applications
// know people by it, so that keeping it keeps what they hold for them.
func (p *planner) newID(ctx context.Context, r row) (string, error) {
	if r.id == "" {
		return directory.NewID(p.Random)
	}
	if first, twice := p.ids[r.id]; twice {
		return "", refuse(BadAttribute, "entryUUID %s stands in line %d already", r.id, first)
	}
	p.ids[r.id] = r.line
	other, err := p.Records.HolderByID(ctx, r.id)
	switch {
	case errors.Is(err, directory.ErrNotFound):
		return r.id, nil
	case err != nil:
		return "", fmt.Errorf("reading an account: %w", err)
	}
	return "", refuse(BadAttribute, "entryUUID %s is that of %q", r.id, other.Account.Login)
}

// takeNumber refuses a uidNumber that somebody has.
func (p *planner) takeNumber(ctx context.Context, r row) error {
	if r.uidNumber == 0 {
		return nil
	}
	if err := p.readNumbers(ctx); err != nil {
		return err
	}
	switch o, taken := p.uids[r.uidNumber]; {
	case taken && o.login != "":
		return refuse(BadAttribute, "uidNumber %d is that of %q", r.uidNumber, o.login)
	case taken:
		return refuse(BadAttribute, "uidNumber %d stands in line %d already", r.uidNumber, o.line)
	}
	p.uids[r.uidNumber] = owner{line: r.line}
	return nil
}

// readNumbers reads who has which uidNumber, once.
func (p *planner) readNumbers(ctx context.Context) error {
	if p.uids != nil {
		return nil
	}
	p.uids = map[int64]owner{}
	for _, kind := range []directory.Kind{directory.Person, directory.ServiceAccount} {
		err := p.each(ctx, kind, func(h policy.Holder) { p.uids[h.Account.UIDNumber] = owner{login: h.Account.Login} })
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls yield for every account of a kind, in id order.
func (s *Service) each(ctx context.Context, kind directory.Kind, yield func(policy.Holder)) error {
	q := directory.Query{Kind: kind}
	for {
		batch, err := s.Records.Holders(ctx, q)
		if err != nil {
			return fmt.Errorf("reading the accounts: %w", err)
		}
		for _, h := range batch {
			yield(h)
		}
		if len(batch) == 0 {
			return nil
		}
		q.After = batch[len(batch)-1].Account.ID
	}
}

// planChange compares what the row says with what the account has. Fields that
// are empty, or not in the file, say nothing.
func (p *planner) planChange(ctx context.Context, h policy.Holder, r row) error {
	c, what := changeOf(h, r)
	if err := p.changeAttributes(ctx, h, r, &c, &what); err != nil {
		return err
	}
	like, job, err := p.compare(ctx, h, r)
	if err != nil {
		return err
	}
	if like == secret.Unlike {
		what = append(what, "password")
		c.EndSessions, c.RevokeAppPasswords = true, p.Settings().RevokeOnPasswordChange
	}
	var join []string
	for _, g := range r.groups {
		if !slices.Contains(h.Groups, normal(g)) {
			join, what = append(join, g), append(what, "joins "+g)
		}
	}
	planned := PlannedRow{Line: r.line, Login: h.Account.Login, What: what, account: h.Account.ID}
	if len(what) == 0 {
		p.plan.Rows = append(p.plan.Rows, planned)
		p.plan.Same++
		return nil
	}
	p.plan.Changed++
	p.plan.work.Changes = append(p.plan.work.Changes, policy.ImportChange{AccountID: h.Account.ID, Change: c, Join: join})
	planned.change = len(p.plan.work.Changes)
	p.plan.Rows = append(p.plan.Rows, planned)
	if like != secret.Unlike {
		return nil
	}
	job.change, job.row = planned.change-1, len(p.plan.Rows)-1
	return p.hash(ctx, job)
}

// changeOf is what the row says otherwise, but for attributes and password.
func changeOf(h policy.Holder, r row) (c policy.AccountChange, what []string) {
	if r.name != "" && r.name != h.Account.Name {
		c.Name, what = &r.name, append(what, "name")
	}
	if r.mail != "" && r.mail != h.Account.Mail {
		c.Mail, what = &r.mail, append(what, "mail")
	}
	if on := r.mfa == "on"; r.mfa != "" && on != h.MFADemanded {
		c.MFADemanded, what = &on, append(what, "MFA "+r.mfa)
	}
	if r.disabled && !h.Account.Disabled {
		c.Disabled, what = &r.disabled, append(what, "disabled")
	}
	if !r.expires.IsZero() && !r.expires.Equal(h.Account.ExpiresAt) {
		c.ExpiresAt, what = &r.expires, append(what, "expires")
	}
	return c, what
}

// changeAttributes adds the extra attributes of which the row has other values.
func (p *planner) changeAttributes(ctx context.Context, h policy.Holder, r row, c *policy.AccountChange, what *[]string) error {
	if len(r.attributes) == 0 {
		return nil
	}
	a, err := p.Records.Account(ctx, h.Account.ID)
	if err != nil {
		return fmt.Errorf("reading an account: %w", err)
	}
	has := map[string][]string{}
	for name, values := range a.Attributes {
		has[strings.ToLower(name)] = values
	}
	for _, name := range slices.Sorted(maps.Keys(r.attributes)) {
		if slices.Equal(r.attributes[name], has[strings.ToLower(name)]) {
			continue
		}
		if c.Attributes == nil {
			c.Attributes = map[string][]string{}
		}
		c.Attributes[name], *what = r.attributes[name], append(*what, name)
	}
	return nil
}
