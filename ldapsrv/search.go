package ldapsrv

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

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

	errSizeLimit   = errors.New("the size limit is reached")
	errLookThrough = errors.New("the look-through limit is reached")
)

// search carries out RFC 4511 §4.5.
func (s *session) search(ctx context.Context, r request, q *wire.SearchRequest, out []byte) answer {
	conf := s.rules()
	known := s.plans(conf)
	var key planKey
	key.set(q)
	if p := known.find(&key); p != nil {
		return s.run(ctx, r, q, conf, p, out)
	}
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
	case len(base) == 0: // what clients mean that look for everything
		return s.run(ctx, r, q, conf, conf.newPlan(s.tree.normal, q, known), out)
	}
	p := conf.newPlan(base, q, known)
	known.keep(&key, p)
	return s.run(ctx, r, q, conf, p, out)
}

// runs are those that are over, to be used again.
var runs = sync.Pool{New: func() any { return new(searchRun) }}

// run carries out a search that is planned.
func (s *session) run(ctx context.Context, r request, q *wire.SearchRequest, conf *rules, p *plan, out []byte) answer {
	run := runs.Get().(*searchRun)
	run.session, run.plan, run.request, run.query, run.out, run.conf = s, p, r, q, out, conf
	a := run.answer(ctx)
	*run = searchRun{} // it holds what the client has sent
	runs.Put(run)
	return a
}

// hasEmptyValue reports whether an attribute in the name has no value. None of
// those that the schema knows can be without (RFC 4517 §3.3.6).
func hasEmptyValue(d dn.DN) bool {
	return slices.ContainsFunc(d, func(a dn.AVA) bool { return a.Value == "" && schema.Find(a.Type) != nil })
}

// searchRun is one search under way.
type searchRun struct {
	*session
	*plan
	request request
	query   *wire.SearchRequest
	out     []byte

	conf    *rules // as the search began
	access  access
	matcher entry.Matcher
	entry   entry.Entry // that is being looked at
	values  [4]string   // room for its values
	scratch []string

	page    *page // nil: not paged
	sorting *sorting
	limit   int // of entries
	sent    int
	looked  int
}

// errEnough ends a search when no more entries are to be sent.
var errEnough = errors.New("enough entries were sent")

// answer carries the search out.
func (run *searchRun) answer(ctx context.Context) answer {
	limited := within(ctx, run.timeLimit(), errTimeLimit)
	defer limited.close()
	result := run.carryOut(limited)
	if limited.endedBy(errAbandoned) {
		return answer{out: run.out}
	}
	run.out = wire.AppendResultWith(run.out, run.request.ID, wire.OpSearchDone, result, run.responseControls(result))
	return answer{out: run.out}
}

// timeLimit is the client's or the server's, whichever ends first.
func (run *searchRun) timeLimit() time.Duration {
	limit := run.conf.Search.Time
	if asked := time.Duration(run.query.TimeLimit) * time.Second; asked > 0 && asked < limit {
		return asked
	}
	return limit
}

func (run *searchRun) carryOut(ctx context.Context) wire.Result {
	if result := run.readControls(); result.Code != wire.Success {
		return result
	}
	result, err := run.find(ctx)
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

// subschemaName is the name of the subschema subentry.
var subschemaName = mustParse(entry.SubschemaDN).Normal()

func mustParse(name string) dn.DN {
	d, err := dn.Parse(name)
	if err != nil {
		panic(err)
	}
	return d
}
