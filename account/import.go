package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"postern/directory"
	"postern/policy"
)

// LineError is what is wrong with one line of an import.
type LineError struct {
	Line   int    // the first is 1
	Record string // the entry that it belongs to, where entries have names
	Text   string
}

func (e *LineError) Error() string {
	if e.Record == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return fmt.Sprintf("line %d, %s: %s", e.Line, e.Record, e.Text)
}

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
	Nested               int      // groups that become members of groups
	Added, Changed, Same int
	// Passwords is how many have to be hashed, or compared by hashing them,
	// before the import is applied.
	Passwords int
	// Sealed is how many fast hashes are kept sealed under the key file at
	// first, because there are too many to wrap them before.
	Sealed int
	// Left is what stands in the file and is not taken over, by what it is.
	Left []LeftOut
	// Progress, if not nil, is told while the plan is applied of how many of
	// the accounts to be added everything is written. They are there when the
	// import is done.
	Progress func(done int)

	work policy.Import
	jobs []hashJob
}

// LeftOut is one kind of thing that an import does not take over.
type LeftOut struct {
	What  string // in plain words, such as "attribute jpegPhoto"
	Why   string
	Count int
	Line  int // of the first
}

// PlannedRow is what an import would do to one account.
type PlannedRow struct {
	Line  int
	Login string
	New   bool
	What  []string // the changes, in plain words

	account string // its id
	change  int    // index of its change, from 1; 0: none
}

// PlanCSV reads a CSV file whole, checks every line and says what importing it
// would do. It changes nothing. What is wrong with the lines is an
// *ImportError.
func (s *Service) PlanCSV(ctx context.Context, file io.Reader) (*ImportPlan, error) {
	rows, err := readCSV(file)
	if err != nil {
		return nil, alone(err)
	}
	p := newPlanner(s)
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

// Import applies a plan, whole or not at all. What Prepare has to do is done
// before, if it was not yet.
func (s *Service) Import(ctx context.Context, actor Actor, p *ImportPlan) error {
	if err := s.Prepare(ctx, p, 1, nil); err != nil {
		return err
	}
	if p.Added+p.Changed+len(p.Groups)+p.Nested == 0 {
		return nil
	}
	ev, err := s.event(actor, directory.EventAccountsImported, directory.Account{})
	if err != nil {
		return err
	}
	ev.Detail = fmt.Sprintf("%d accounts added, %d changed, %d groups added", p.Added, p.Changed, len(p.Groups))
	work := p.work
	work.Progress = p.Progress
	if work.Events, err = s.importEvents(actor, p.Rows); err != nil {
		return err
	}
	err = s.Records.ImportAccounts(ctx, work, ev)
	if errors.Is(err, directory.ErrLoop) {
		return refuse(GroupLoop, "a group would contain itself (%v); nothing was imported", err)
	}
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
