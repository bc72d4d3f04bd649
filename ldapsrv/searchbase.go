package ldapsrv

import (
	"context"

	"postern/directory"
	"postern/ldapsrv/entry"
	"postern/ldapsrv/wire"
)

// find looks for the base of the search and makes ready what is needed for it.
func (run *searchRun) find(ctx context.Context) (wire.Result, error) {
	var err error
	if run.access, err = run.session.access(ctx, run.conf); err != nil {
		return wire.Result{}, err
	}
	if !run.access.any() {
		return noSuchObject(run.session, ""), nil
	}
	if !run.access.sees(run.target) {
		matched, err := run.matched(ctx, run.conf, run.above)
		return noSuchObject(run.session, matched), err
	}
	err = run.matcher.Prepare(ctx, run.view, run.query.Filter, run.access.may, run.directory)
	if err != nil || run.target.Key == "" {
		return wire.Result{}, err
	}
	there, err := run.there(ctx, run.target)
	if err == nil && there == "" {
		return noSuchObject(run.session, run.view.DN(unitHolding(run.target.Kind), "")), nil
	}
	return wire.Result{}, err
}

// noSuchObject is the answer for a base that is not there, or not to be seen.
// Who has not bound is told so, whatever it asked for.
func noSuchObject(s *session, matched string) wire.Result {
	if !s.who.bound {
		return wire.Result{Code: wire.NoSuchObject, Text: "without a bind, only the root DSE and the schema can be read"}
	}
	return wire.Result{Code: wire.NoSuchObject, Matched: matched}
}

// matched is the matchedDN for a base that is not there: the deepest entry
// above it that is there and may be seen.
func (s *session) matched(ctx context.Context, r *rules, above entry.Name) (string, error) {
	view := r.entries.View(above.Application)
	switch {
	case above.Kind == entry.None:
		return "", nil
	case above.Key == "":
		return view.DN(above.Kind, ""), nil
	}
	a, err := s.access(ctx, r)
	if err != nil {
		return "", err
	}
	if a.sees(above) {
		shown, err := s.there(ctx, above)
		if err != nil || shown != "" {
			return view.DN(above.Kind, shown), err
		}
	}
	return view.DN(unitHolding(above.Kind), ""), nil
}

// there returns how an account or group is shown; "" where there is none.
func (s *session) there(ctx context.Context, n entry.Name) (shown string, err error) {
	q := directory.Query{Limit: 1, AnyOf: []directory.Term{{Attribute: "uid", Value: n.Key}}}
	if n.Kind == entry.Group {
		q.AnyOf[0].Attribute = "cn"
		list, err := s.directory.GroupEntries(ctx, q, 0)
		if err != nil || len(list) == 0 {
			return "", err
		}
		return list[0].Name, nil
	}
	if n.Kind == entry.Service {
		q.Kind = directory.ServiceAccount
	}
	list, err := s.directory.AccountEntries(ctx, q, 0)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0].Login, nil
}

func unitHolding(k entry.Kind) entry.Kind {
	switch k {
	case entry.Person:
		return entry.People
	case entry.Group:
		return entry.Groups
	}
	return entry.System
}
