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

// searchOfOne returns a session of a service account that may read all people,
// and a search by login.
func searchOfOne(t testing.TB) (*session, []byte) {
	t.Helper()
	w := newWorld(t)
	compiled, err := compileRules(testBase, time.Time{}, Rules{ServiceAccounts: []ServiceAccount{
		{Name: "reader", Read: []string{"ou=people", "ou=groups"}, Attributes: []string{"*"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := &w.session
	s.rules = func() *rules { return compiled }
	s.directory = oneAccount{[]directory.AccountEntry{{Account: directory.Account{
		ID: "6c4d0a4e-0a5c-4a53-8d3c-0a9f1f7c6b11", Login: "user000001", Name: "Person user000001", Mail: "user000001@example.org", CreatedAt: testTime, ModifiedAt: testTime,
	}}}}
	s.who = identity{bound: true, login: "reader", naming: directory.ServiceAccountOnly}
	return s, searchByLogin("user000001", "uid", "cn", "mail")
}

func searchByLogin(login string, attributes ...string) []byte {
	return message(1, wire.OpSearch, func(f []byte) []byte {
		f = ber.AppendString(f, ber.OctetString, testBase)
		f = ber.AppendInt(f, ber.Enumerated, int32(wire.WholeSubtree))
		f = ber.AppendInt(f, ber.Enumerated, 0)
		f = ber.AppendInt(f, ber.Integer, 0)
		f = ber.AppendInt(f, ber.Integer, 0)
		f = ber.AppendBool(f, ber.Boolean, false)
		f, equal := ber.Begin(f, ber.ContextConstructed(3))
		f = ber.AppendString(f, ber.OctetString, "uid")
		f = ber.End(ber.AppendString(f, ber.OctetString, login), equal)
		f, list := ber.Begin(f, ber.Sequence)
		for _, name := range attributes {
			f = ber.AppendString(f, ber.OctetString, name)
		}
		return ber.End(f, list)
	})
}

// carriesOut returns a function that takes the frame through the session.
func carriesOut(t testing.TB, s *session, frame []byte) func() {
	ctx, out := t.Context(), make([]byte, 0, 1024)
	var room wire.Room
	return func() {
		defer room.Clear()
		m, err := room.Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		var op operation
		op.init(ctx, time.Now())
		if a := s.handle(&op, request{Message: m, at: testTime}, nil, out); len(a.out) < 100 {
			t.Fatalf("the search is answered with %q", a.out)
		}
	}
}

// TestASearchByLoginAllocatesLittle counts from the frame to the answer, once
// the like was asked before.
func TestASearchByLoginAllocatesLittle(t *testing.T) {
	const most = 7
	s, frame := searchOfOne(t)
	if n := testing.AllocsPerRun(100, carriesOut(t, s, frame)); n > most {
		t.Errorf("%v allocations, more than %d", n, most)
	}
}

// BenchmarkSearchOfOne is what a search by login costs the session alone: the
// directory answers at once, and nothing is sent.
func BenchmarkSearchOfOne(b *testing.B) {
	s, frame := searchOfOne(b)
	search := carriesOut(b, s, frame)
	b.ReportAllocs()
	for b.Loop() {
		search()
	}
}
