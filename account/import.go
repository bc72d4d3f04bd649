package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// LineError is what is wrong with one line of an import.
type LineError struct {
	Line int // the first is 1
	Text string
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// ImportError is all that is wrong with an import, in the order of the lines.
// At most maxProblems are kept; More counts the others.
type ImportError struct {
	Problems []*LineError
	More     int
}

const maxProblems = 20

func (e *ImportError) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.Error())
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\nand %d more", e.More)
	}
	return b.String()
}

func (e *ImportError) add(p *LineError) {
	if len(e.Problems) < maxProblems {
		e.Problems = append(e.Problems, p)
		return
	}
	e.More++
}

// ImportPlan is what an import would do.
type ImportPlan struct {
	Rows                 []PlannedRow
	Groups               []string // to be added
	Added, Changed, Same int

	work policy.Import
}

// PlannedRow is what an import would do to one account.
type PlannedRow struct {
	Line  int
	Login string
	New   bool
	What  []string // the changes, in plain words

	account string // its id
}

// PlanCSV reads a CSV file whole, checks every line and says what importing it
// would do. It changes nothing. What is wrong with the lines is an
// *ImportError.
func (s *Service) PlanCSV(ctx context.Context, file io.Reader) (*ImportPlan, error) {
	rows, err := readCSV(file)
	if err != nil {
		return nil, alone(err)
	}
	p := &planner{Service: s, plan: &ImportPlan{}, lines: map[string]int{}, groups: map[string]bool{}}
	for {
		r, err := rows.next()
		if errors.Is(err, io.EOF) {
			return p.done()
		}
		if err != nil {
			return nil, alone(err)
		}
		if err := p.take(ctx, r); err != nil {
			return nil, err
		}
	}
}

// alone makes a LineError the only one: behind it, lines mean nothing.
func alone(err error) error {
	var line *LineError
	if errors.As(err, &line) {
		return &ImportError{Problems: []*LineError{line}}
	}
	return err
}

// Import applies a plan in one transaction.
func (s *Service) Import(ctx context.Context, actor Actor, p *ImportPlan) error {
	if p.Added+p.Changed == 0 {
		return nil
	}
	ev, err := s.event(actor, directory.EventAccountsImported, directory.Account{})
	if err != nil {
		return err
	}
	ev.Detail = fmt.Sprintf("%d accounts added, %d changed, %d groups added", p.Added, p.Changed, len(p.Groups))
	work := p.work
	if work.Events, err = s.importEvents(actor, p.Rows); err != nil {
		return err
	}
	err = s.Records.ImportAccounts(ctx, work, ev)
	if errors.Is(err, directory.ErrConflict) || errors.Is(err, directory.ErrNotFound) {
		return refuse(ChangedMeanwhile, "accounts or groups were changed while the file was read; nothing was imported, try again")
	}
	return wrap("importing", err)
}

// importEvents makes the event of every account that is added or changed.
func (s *Service) importEvents(actor Actor, rows []PlannedRow) ([]directory.Event, error) {
	var events []directory.Event
	for _, r := range rows {
		kind := directory.EventAccountChanged
		switch {
		case r.New:
			kind = directory.EventAccountAdded
		case len(r.What) == 0:
			continue
		}
		ev, err := s.event(actor, kind, directory.Account{ID: r.account, Login: r.Login})
		if err != nil {
			return nil, err
		}
		ev.Detail = strings.Join(append([]string{"imported"}, r.What...), ", ")
		events = append(events, ev)
	}
	return events, nil
}

// planner turns rows into a plan.
type planner struct {
	*Service
	plan   *ImportPlan
	wrong  ImportError
	lines  map[string]int  // normalised login: its line
	groups map[string]bool // normalised group: known to exist, or to be added
}

func (p *planner) done() (*ImportPlan, error) {
	if len(p.wrong.Problems) > 0 {
		return nil, &p.wrong
	}
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
		p.wrong.add(&LineError{r.line, refusal.Text})
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
	return checkHash(r.hash)
}

// checkHash accepts what is stored as it is.
func checkHash(hash secret.Text) error {
	if hash.Empty() {
		return nil
	}
	if err := secret.CheckHash(hash); err != nil {
		return refuse(BadHash, "password_hash must be an Argon2id PHC string ($argon2id$v=19$m=…,t=…,p=…$salt$hash): %v", err)
	}
	return nil
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
		p.planChange(h, r)
		return nil
	}
	return p.planAdd(r)
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

func (p *planner) planAdd(r row) error {
	id, err := directory.NewID(p.Random)
	if err != nil {
		return err
	}
	now := p.now()
	h := policy.Holder{
		Account: directory.Account{
			ID: id, Login: r.login, Name: r.name, Mail: r.mail, CreatedAt: now, ModifiedAt: now,
		},
		PasswordHash: r.hash, MFADemanded: r.mfa == "on", Groups: r.groups,
	}
	var what []string
	if !r.hash.Empty() {
		h.Account.PasswordChangedAt = now
		what = append(what, "with a password")
	}
	if h.MFADemanded {
		what = append(what, "MFA on")
	}
	for _, g := range r.groups {
		what = append(what, "joins "+g)
	}
	p.plan.work.Add = append(p.plan.work.Add, h)
	p.plan.Rows = append(p.plan.Rows, PlannedRow{Line: r.line, Login: r.login, New: true, What: what, account: id})
	p.plan.Added++
	return nil
}

// planChange compares what the row says with what the account has. Fields that
// are empty, or not in the file, say nothing.
func (p *planner) planChange(h policy.Holder, r row) {
	c, what := policy.AccountChange{}, []string(nil)
	if r.name != "" && r.name != h.Account.Name {
		c.Name, what = &r.name, append(what, "name")
	}
	if r.mail != "" && r.mail != h.Account.Mail {
		c.Mail, what = &r.mail, append(what, "mail")
	}
	if on := r.mfa == "on"; r.mfa != "" && on != h.MFADemanded {
		c.MFADemanded, what = &on, append(what, "MFA "+r.mfa)
	}
	if !r.hash.Empty() && !r.hash.Equal(h.PasswordHash) {
		c.PasswordHash, what = &r.hash, append(what, "password")
		c.EndSessions, c.RevokeAppPasswords = true, p.Settings().RevokeOnPasswordChange
	}
	var join []string
	for _, g := range r.groups {
		if !slices.Contains(h.Groups, normal(g)) {
			join, what = append(join, g), append(what, "joins "+g)
		}
	}
	p.plan.Rows = append(p.plan.Rows, PlannedRow{Line: r.line, Login: h.Account.Login, What: what, account: h.Account.ID})
	if len(what) == 0 {
		p.plan.Same++
		return
	}
	p.plan.Changed++
	p.plan.work.Changes = append(p.plan.work.Changes, policy.ImportChange{AccountID: h.Account.ID, Change: c, Join: join})
}
