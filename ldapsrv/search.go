package ldapsrv

import (
	"context"
	"errors"
	"slices"
	"time"

	"postern/directory"
	"postern/ldapsrv/dn"
	"postern/ldapsrv/entry"
	"postern/ldapsrv/schema"
	"postern/ldapsrv/wire"
)

// batchSize is how many entries are read at once. Between two batches nothing
// is held open.
const batchSize = 512

// Causes for which a search ends before its time.
var (
	errTimeLimit = errors.New("the time limit is reached")
	errCanceled  = errors.New("the client has cancelled the operation")
	errAbandoned = errors.New("the client has abandoned the operation")
)

// search carries out RFC 4511 §4.5.
func (s *session) search(ctx context.Context, r request, q wire.SearchRequest, out []byte) answer {
	base, err := dn.Parse(string(q.Base))
	switch {
	case err != nil || hasEmptyValue(base):
		return refuse(r, out, wire.Result{Code: wire.InvalidDNSyntax, Text: "the search base is not a distinguished name"})
	case len(base) == 0 && q.Scope == wire.BaseObject:
		return s.searchRoot(r, q, out)
	case s.directory == nil:
		return refuse(r, out, wire.Result{Code: wire.UnwillingToPerform, Text: "the directory cannot be searched"})
	case base.EqualNormal(subschemaName):
		return s.searchSubschema(r, q, out)
	}
	run := &searchRun{session: s, request: r, query: q, out: out, conf: s.rules()}
	if len(base) == 0 {
		base = s.tree.normal // what clients mean that look for everything
	}
	return run.answer(ctx, base)
}

// hasEmptyValue reports whether an attribute in the name has no value. None of
// those that the schema knows can be without (RFC 4517 §3.3.6).
func hasEmptyValue(d dn.DN) bool {
	return slices.ContainsFunc(d, func(a dn.AVA) bool { return a.Value == "" && schema.Find(a.Type) != nil })
}

// searchRun is one search under way.
type searchRun struct {
	*session
	request request
	query   wire.SearchRequest
	out     []byte

	conf    *rules // as the search began
	access  access
	target  entry.Name
	view    *entry.View
	matcher *entry.Matcher
	asked   *entry.Selection
	outputs [entry.Service + 1]*entry.Output
	scratch []string

	page    *page // nil: not paged
	sorting *sorting
	limit   int // of entries; 0: none
	sent    int
	looked  int
}

// errEnough ends a search when no more entries are to be sent.
var errEnough = errors.New("enough entries were sent")

// answer carries the search out below base.
func (run *searchRun) answer(ctx context.Context, base dn.DN) answer {
	ctx, cancel := context.WithTimeoutCause(ctx, run.timeLimit(), errTimeLimit)
	defer cancel()
	result := run.carryOut(ctx, base)
	if errors.Is(context.Cause(ctx), errAbandoned) {
		return answer{out: run.out}
	}
	run.out = wire.AppendResultWith(run.out, run.request.ID, wire.OpSearchDone, result, run.responseControls(result))
	return answer{out: run.out}
}

// timeLimit is the client's or the server's, whichever ends first.
func (run *searchRun) timeLimit() time.Duration {
	limit := run.limits.Search
	if asked := time.Duration(run.query.TimeLimit) * time.Second; asked > 0 && asked < limit {
		return asked
	}
	return limit
}

func (run *searchRun) carryOut(ctx context.Context, base dn.DN) wire.Result {
	if result := run.readControls(); result.Code != wire.Success {
		return result
	}
	result, err := run.find(ctx, base)
	if err == nil && result.Code == wire.Success {
		err = run.entries(ctx)
	}
	if err != nil {
		return run.endedBy(ctx, err)
	}
	return result
}

// endedBy says what the search came to that err ended.
func (run *searchRun) endedBy(ctx context.Context, err error) wire.Result {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(err, errEnough):
		return wire.Result{Code: wire.Success}
	case errors.Is(err, errSizeLimit):
		return wire.Result{Code: wire.SizeLimitExceeded}
	case errors.Is(err, errLookThrough):
		return wire.Result{Code: wire.AdminLimitExceeded, Text: "too many entries would have to be looked through"}
	case errors.Is(err, errBadCookie):
		return wire.Result{Code: wire.UnwillingToPerform, Text: "the cookie is not of this search, or too old"}
	case errors.Is(err, errTooManyToSort):
		return wire.Result{Code: wire.AdminLimitExceeded, Text: "too many entries would have to be sorted"}
	case errors.Is(cause, errTimeLimit):
		return wire.Result{Code: wire.TimeLimitExceeded}
	case errors.Is(cause, errCanceled):
		return wire.Result{Code: wire.Canceled}
	}
	if ctx.Err() == nil {
		run.log.Error("a search cannot be answered", "error", err)
	}
	return wire.Result{Code: wire.Unavailable}
}

// find looks for the base of the search and makes ready what is needed for it.
func (run *searchRun) find(ctx context.Context, base dn.DN) (wire.Result, error) {
	var err error
	if run.access, err = run.session.access(ctx); err != nil {
		return wire.Result{}, err
	}
	if !run.access.any() {
		return noSuchObject(run.session, ""), nil
	}
	target, above := run.conf.entries.Find(base)
	run.view = run.conf.entries.View(above.Application)
	run.target = target
	if !run.access.sees(target) {
		matched, err := run.matched(ctx, above)
		return noSuchObject(run.session, matched), err
	}
	run.asked = entry.Select(run.query.Attributes)
	run.matcher, err = run.view.NewMatcher(ctx, run.query.Filter, run.access.may, run.directory)
	if err != nil || target.Key == "" {
		return wire.Result{}, err
	}
	there, err := run.there(ctx, target)
	if err == nil && there == "" {
		return noSuchObject(run.session, run.view.DN(unitHolding(target.Kind), "")), nil
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
func (s *session) matched(ctx context.Context, above entry.Name) (string, error) {
	view := s.rules().entries.View(above.Application)
	switch {
	case above.Kind == entry.None:
		return "", nil
	case above.Key == "":
		return view.DN(above.Kind, ""), nil
	}
	a, err := s.access(ctx)
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
	for _, k := range stages {
		if !run.inScope(k) || run.page.beyond(k) {
			continue
		}
		if err := run.stage(ctx, k, run.emit); err != nil {
			return err
		}
	}
	return nil
}

// visit is called for every entry that matches.
type visit func(e *entry.Entry, id string) error

// stage goes through the entries of one kind.
func (run *searchRun) stage(ctx context.Context, k entry.Kind, visit visit) error {
	if k < entry.Person {
		return run.container(ctx, k, visit)
	}
	c := run.matcher.Candidates(k)
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
	if err := run.reading.begin(ctx); err != nil {
		return "", 0, err
	}
	if k == entry.Group {
		list, err := run.directory.GroupEntries(ctx, q, needs)
		run.reading.end()
		for i := 0; err == nil && i < len(list); i++ {
			last = list[i].ID
			err = run.consider(&entry.Entry{Kind: k, View: run.view, Group: &list[i], Only: run.access.only}, last, visit)
		}
		return last, len(list), orEnded(ctx, err)
	}
	if k == entry.Service {
		q.Kind = directory.ServiceAccount
	}
	list, err := run.directory.AccountEntries(ctx, q, needs)
	run.reading.end()
	e := entry.Entry{Kind: k, View: run.view, Only: run.access.only}
	for i := 0; err == nil && i < len(list); i++ {
		e.Account, last = &list[i], list[i].ID
		err = run.consider(&e, last, visit)
	}
	return last, len(list), orEnded(ctx, err)
}

// orEnded is err, or else that ctx has ended.
func orEnded(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return ctx.Err()
}

// drain sends what has been gathered, where there is somebody to send it to.
func (run *searchRun) drain() (err error) {
	if run.request.stream != nil {
		run.out, err = run.request.stream(run.out)
	}
	return err
}

var (
	errSizeLimit   = errors.New("the size limit is reached")
	errLookThrough = errors.New("the look-through limit is reached")
)

// consider visits an entry if the session may see it and it matches.
func (run *searchRun) consider(e *entry.Entry, id string, visit visit) error {
	if run.looked++; run.looked > run.limits.LookThrough {
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
	e := &entry.Entry{Kind: k, View: run.view}
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

// output works out what is sent of entries of a kind, once.
func (run *searchRun) output(k entry.Kind) *entry.Output {
	if run.outputs[k] == nil {
		o := run.view.Output(k, run.asked, run.access.may)
		run.outputs[k] = &o
	}
	return run.outputs[k]
}

// emit sends an entry, unless there are enough already.
func (run *searchRun) emit(e *entry.Entry, id string) error {
	if run.page.full() {
		run.page.more = true
		return errEnough
	}
	if run.limit > 0 && run.page.before()+run.sent >= run.limit {
		return errSizeLimit
	}
	run.sent++
	run.page.note(e.Kind, id)
	run.append(e)
	if len(run.out) >= outboxSize {
		return run.drain()
	}
	return nil
}

func (run *searchRun) append(e *entry.Entry) {
	b, marks := wire.BeginEntry(run.out, run.request.ID, e.DN())
	run.scratch = run.output(e.Kind).Each(e, run.scratch, func(name string, values []string) {
		if run.query.TypesOnly {
			values = nil
		}
		b = wire.AppendAttribute(b, name, values)
	})
	run.out = wire.EndEntry(b, marks)
}

// subschemaName is the name of the subschema subentry.
var subschemaName = mustParse(entry.SubschemaDN).Normal()

func mustParse(name string) dn.DN {
	d, err := dn.Parse(name)
	if err != nil {
		panic(err)
	}
	return d
}
