package ldapsrv

import (
	"context"
	"errors"

	"postern/directory"
	"postern/ldapsrv/entry"
	"postern/ldapsrv/wire"
)

// stages are the kinds of entries that a search lists, one after the other.
var stages = []entry.Kind{
	entry.Base, entry.Application, entry.People, entry.Groups, entry.System, entry.Person, entry.Group, entry.Service,
}

// inScope reports whether entries of that kind are in the scope of the search,
// where they are below its base.
func (run *searchRun) inScope(k entry.Kind) bool {
	t := run.target.Kind
	root := t == entry.Base || t == entry.Application
	switch run.query.Scope {
	case wire.BaseObject:
		return k == t
	case wire.SingleLevel:
		return root && k.Holds() != entry.None || t.Holds() != entry.None && t.Holds() == k
	}
	return k == t || root && k > entry.Application || t.Holds() != entry.None && t.Holds() == k
}

// entries sends every entry that matches, from where the page begins.
func (run *searchRun) entries(ctx context.Context) error {
	if err := run.openPage(); err != nil {
		return err
	}
	if run.sorting != nil && len(run.sorting.keys) > 0 {
		err := run.sorted(ctx)
		if !errors.Is(err, errTooManyToSort) || run.sorting.critical {
			return err
		}
		run.sorting.code, run.sorting.keys, run.looked = wire.AdminLimitExceeded, nil, 0
	}
	return run.unsorted(ctx)
}

func (run *searchRun) unsorted(ctx context.Context) error {
	emit := run.emit
	for _, k := range stages {
		if !run.inScope(k) || run.page.beyond(k) {
			continue
		}
		if err := run.stage(ctx, k, emit); err != nil {
			return err
		}
	}
	return nil
}

// visit is called for every entry that matches, which is good until it returns.
type visit func(e *entry.Entry, id string) error

// stage goes through the entries of one kind.
func (run *searchRun) stage(ctx context.Context, k entry.Kind, visit visit) error {
	c := run.matcher.Candidates(k)
	if c.None() {
		return nil
	}
	if k < entry.Person {
		return run.container(ctx, k, visit)
	}
	if run.target.Kind == k {
		c = entry.Candidates{Terms: ownTerm(run.target)}
	}
	terms, ok := run.access.within(k, c)
	if !ok {
		return nil
	}
	q := directory.Query{AnyOf: terms, After: run.page.after(k), Limit: batchSize}
	for {
		last, n, err := run.batch(ctx, k, q, visit)
		if err != nil || n < q.Limit {
			return err
		}
		if err := run.drain(); err != nil {
			return err
		}
		q.After = last
	}
}

func ownTerm(n entry.Name) []directory.Term {
	if n.Kind == entry.Group {
		return []directory.Term{{Attribute: "cn", Value: n.Key}}
	}
	return []directory.Term{{Attribute: "uid", Value: n.Key}}
}

// batch reads one batch and visits what matches of it. It returns the last id
// and how many there were.
func (run *searchRun) batch(ctx context.Context, k entry.Kind, q directory.Query, visit visit) (last string, n int, err error) {
	needs := run.matcher.Needs(k) | run.output(k).Needs | run.sorting.needs(run.view, k)
	e := &run.entry
	*e = entry.Entry{Kind: k, View: run.view, Only: run.access.only}
	if k == entry.Group {
		list, err := run.readGroups(ctx, q, needs)
		for i := 0; err == nil && i < len(list); i++ {
			e.Group, last = &list[i], list[i].ID
			err = run.consider(e, last, visit)
		}
		return last, len(list), orEnded(ctx, err)
	}
	if k == entry.Service {
		q.Kind = directory.ServiceAccount
	}
	list, err := run.readAccounts(ctx, q, needs)
	for i := 0; err == nil && i < len(list); i++ {
		e.Account, last = &list[i], list[i].ID
		err = run.consider(e, last, visit)
	}
	return last, len(list), orEnded(ctx, err)
}

func (run *searchRun) readGroups(ctx context.Context, q directory.Query, d directory.Detail) ([]directory.GroupEntry, error) {
	if err := run.reading.begin(ctx, q); err != nil {
		return nil, err
	}
	defer run.reading.end(q)
	return run.directory.GroupEntries(ctx, q, d)
}

func (run *searchRun) readAccounts(ctx context.Context, q directory.Query, d directory.Detail) ([]directory.AccountEntry, error) {
	if err := run.reading.begin(ctx, q); err != nil {
		return nil, err
	}
	defer run.reading.end(q)
	return run.directory.AccountEntries(ctx, q, d)
}

// orEnded is err, or else that ctx has ended.
func orEnded(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return ctx.Err()
}

// consider visits an entry if the session may see it and it matches.
func (run *searchRun) consider(e *entry.Entry, id string, visit visit) error {
	if run.looked++; run.looked > run.conf.Search.LookThrough {
		return errLookThrough
	}
	if !run.access.whole[e.Kind] && !run.access.sees(entry.Name{Kind: e.Kind, Key: e.Key()}) {
		return nil
	}
	if run.target.Kind == e.Kind && run.target.Key != "" && e.Key() != run.target.Key || !run.matcher.Matches(e) {
		return nil
	}
	return visit(e, id)
}

// container considers one of the containers.
func (run *searchRun) container(ctx context.Context, k entry.Kind, visit visit) error {
	if !run.access.sees(entry.Name{Kind: k}) || run.page.after(k) != "" {
		return nil
	}
	e := &run.entry
	*e = entry.Entry{Kind: k, View: run.view}
	if (run.matcher.Needs(k)|run.output(k).Needs)&directory.WithBelow != 0 {
		below, err := run.below(ctx, k)
		if err != nil {
			return err
		}
		e.Below = below
	}
	if !run.matcher.Matches(e) {
		return nil
	}
	return visit(e, containerID)
}

// containerID stands for the id of a container in cookies.
const containerID = "-"

// below counts what stands below a container. Where the session may not see
// all of it, the number is not known to it either.
func (run *searchRun) below(ctx context.Context, k entry.Kind) (int, error) {
	if k == entry.Base || k == entry.Application {
		n := 0
		for _, unit := range []entry.Kind{entry.People, entry.Groups, entry.System} {
			if run.access.sees(entry.Name{Kind: unit}) {
				n++
			}
		}
		return n, nil
	}
	if !run.access.whole[k.Holds()] {
		return -1, nil
	}
	c, err := run.directory.DirectoryCounts(ctx)
	switch k {
	case entry.People:
		return c.People, err
	case entry.Groups:
		return c.Groups, err
	}
	return c.ServiceAccounts, err
}
