package ldapsrv

import (
	"context"
	"testing"
	"time"

	"postern/directory"
	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// oneAccount is a directory in which every question about accounts finds the
// same one.
type oneAccount struct{ list []directory.AccountEntry }

func (o oneAccount) AccountEntries(context.Context, directory.Query, directory.Detail) ([]directory.AccountEntry, error) {
	return o.list, nil
}
func (oneAccount) GroupEntries(context.Context, directory.Query, directory.Detail) ([]directory.GroupEntry, error) {
	return nil, nil
}
func (oneAccount) DirectoryCounts(context.Context) (directory.Counts, error) {
	return directory.Counts{}, nil
}
func (oneAccount) GroupsAbove(context.Context, directory.Member) ([]string, error) { return nil, nil }
func (oneAccount) GroupsBelow(context.Context, string) ([]string, error)           { return nil, nil }

// BenchmarkSearchOfOne is what a search by login costs the session alone: the
// directory answers at once, and nothing is sent.
func BenchmarkSearchOfOne(b *testing.B) {
	w := newWorld(b)
	compiled, err := compileRules(testBase, time.Time{}, Rules{ServiceAccounts: []ServiceAccount{{Name: "reader", Read: []string{"ou=people", "ou=groups"}, Attributes: []string{"*"}}}})
	if err != nil {
		b.Fatal(err)
	}
	w.session.rules = func() *rules { return compiled }
	w.session.directory = oneAccount{[]directory.AccountEntry{{Account: directory.Account{
		ID: "6c4d0a4e-0a5c-4a53-8d3c-0a9f1f7c6b11", Login: "user000001", Name: "Person user000001", Mail: "user000001@example.org", CreatedAt: testTime, ModifiedAt: testTime,
	}}}}
	w.session.who = identity{bound: true, login: "reader", naming: directory.ServiceAccountOnly}
	frame := message(1, wire.OpSearch, func(f []byte) []byte {
		f = ber.AppendString(f, ber.OctetString, testBase)
		f = ber.AppendInt(f, ber.Enumerated, 2)
		f = ber.AppendInt(f, ber.Enumerated, 0)
		f = ber.AppendInt(f, ber.Integer, 0)
		f = ber.AppendInt(f, ber.Integer, 0)
		f = ber.AppendBool(f, ber.Boolean, false)
		f, equal := ber.Begin(f, ber.ContextConstructed(3))
		f = ber.AppendString(f, ber.OctetString, "uid")
		f = ber.End(ber.AppendString(f, ber.OctetString, "user000001"), equal)
		f, list := ber.Begin(f, ber.Sequence)
		for _, name := range []string{"uid", "cn", "mail"} {
			f = ber.AppendString(f, ber.OctetString, name)
		}
		return ber.End(f, list)
	})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		m, err := wire.Decode(frame)
		if err != nil {
			b.Fatal(err)
		}
		out = w.session.handle(ctx, request{Message: m, at: testTime}, nil, out[:0]).out
		if len(out) < 100 {
			b.Fatalf("%q", out)
		}
	}
}
