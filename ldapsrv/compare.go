package ldapsrv

import (
	"context"
	"errors"
	"strings"

	"postern/directory"
	"postern/ldapsrv/dn"
	"postern/ldapsrv/entry"
	"postern/ldapsrv/filter"
	"postern/ldapsrv/schema"
	"postern/ldapsrv/wire"
)

// compare carries out RFC 4511 §4.10. What a session may not read is not
// there for it; a password is in no entry, so that none can be tried this way.
func (s *session) compare(ctx context.Context, r request, q wire.CompareRequest, out []byte) answer {
	if s.directory == nil {
		return refuse(r, out, wire.Result{Code: wire.UnwillingToPerform, Text: "the operation is not offered"})
	}
	base, err := dn.Parse(string(q.Entry))
	if err != nil || hasEmptyValue(base) {
		return refuse(r, out, wire.Result{Code: wire.InvalidDNSyntax, Text: "the entry's name is not a distinguished name"})
	}
	attr := schema.Find(string(q.Attribute))
	if attr == nil && !isDescription(string(q.Attribute)) || !entry.KnownOptions(string(q.Attribute)) {
		return refuse(r, out, wire.Result{Code: wire.UndefinedAttributeType})
	}
	if result := assertable(attr, string(q.Value)); result.Code != wire.Success {
		return refuse(r, out, result)
	}
	c := &comparison{session: s, request: r, query: q, attr: attr}
	result, err := c.carryOut(ctx, base)
	if err != nil {
		s.log.Error("a comparison cannot be answered", "error", err)
		result = wire.Result{Code: wire.Unavailable}
	}
	return refuse(r, out, result)
}

// isDescription reports whether name could be an attribute's.
func isDescription(name string) bool {
	name, _, _ = strings.Cut(name, ";")
	return name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}

// assertable checks the value against the attribute's syntax.
func assertable(attr *schema.Attribute, value string) wire.Result {
	if attr == nil {
		return wire.Result{}
	}
	if attr.Equality == nil {
		return wire.Result{Code: wire.InappropriateMatching}
	}
	if _, ok := attr.Equality.Normal(value); !ok {
		return wire.Result{Code: wire.InvalidAttributeSyntax}
	}
	return wire.Result{}
}

// comparison is one Compare under way. It is a search of one entry, whose
// filter is the assertion.
type comparison struct {
	*session
	request request
	query   wire.CompareRequest
	attr    *schema.Attribute
}

func (c *comparison) carryOut(ctx context.Context, base dn.DN) (wire.Result, error) {
	leaf := &filter.Assertion{Attribute: c.query.Attribute, Value: c.query.Value}
	truth, there, result, err := c.ask(ctx, base, filter.Filter{Choice: filter.Equal, Leaf: leaf})
	if err != nil || !there {
		return result, err
	}
	switch {
	case truth:
		return wire.Result{Code: wire.CompareTrue}, nil
	case !c.present(ctx, base):
		return wire.Result{Code: wire.NoSuchAttribute}, nil
	}
	return wire.Result{Code: wire.CompareFalse}, nil
}

// present reports whether the entry has the attribute at all.
func (c *comparison) present(ctx context.Context, base dn.DN) bool {
	leaf := &filter.Assertion{Attribute: c.query.Attribute}
	has, _, _, err := c.ask(ctx, base, filter.Filter{Choice: filter.Present, Leaf: leaf})
	return has && err == nil
}

// ask says whether f is True for the entry at base. Where there is none, or
// none that may be seen, there is false and result the answer.
func (c *comparison) ask(ctx context.Context, base dn.DN, f filter.Filter) (truth, there bool, result wire.Result, err error) {
	conf := c.rules()
	run := &searchRun{session: c.session, request: c.request, conf: conf, query: &wire.SearchRequest{
		Scope: wire.BaseObject, Filter: f, Attributes: [][]byte{[]byte("1.1")},
	}}
	run.plan = conf.newPlan(base, run.query, c.plans(conf))
	result, err = run.find(ctx)
	if err != nil || result.Code != wire.Success {
		return false, false, result, err
	}
	err = run.stage(ctx, run.target.Kind, func(*entry.Entry, string) error { truth = true; return nil })
	if errors.Is(err, directory.ErrNotFound) {
		err = nil
	}
	return truth, true, wire.Result{}, err
}
