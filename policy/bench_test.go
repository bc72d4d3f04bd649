package policy

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"postern/directory"
	"postern/secret"
)

// one is Records that hold one app password and cost nothing.
type one struct{ held Holding }

func (o *one) AppPassword(_ context.Context, digests []secret.Digest, _ directory.Name) (Holding, error) {
	if digests[0] != o.held.Digest {
		return Holding{}, directory.ErrNotFound
	}
	return o.held, nil
}

func (*one) HolderByName(context.Context, directory.Name) (Holder, error) {
	return Holder{}, directory.ErrNotFound
}

func (*one) HolderByID(context.Context, string) (Holder, error) {
	return Holder{}, directory.ErrNotFound
}

// quiet is a Recorder that keeps nothing.
type quiet struct{}

func (quiet) Record(directory.Event) {}
func (quiet) Used(Use)               {}

// hotPath returns an engine and the attempt it sees all day: an app password
// of an account, limited to a service and a network.
func hotPath(tb testing.TB) (*Engine, Attempt) {
	tb.Helper()
	keys, err := secret.NewKeys(make([]byte, 32))
	if err != nil {
		tb.Fatal(err)
	}
	app, err := secret.NewAppPassword(rand.Reader, secret.Standard)
	if err != nil {
		tb.Fatal(err)
	}
	held := Holding{
		Holder: Holder{Account: directory.Account{ID: "6c1f9a52-6d0e-4c5e-9f5e-6f8f5a2f1a11", Login: "ann"}},
		Credential: directory.AppPassword{
			ID: "0d6a3f38-3b26-4c5d-8a57-6b0f6d6f9c22", AccountID: "6c1f9a52-6d0e-4c5e-9f5e-6f8f5a2f1a11",
			Services: []string{"mail"}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, CreatedAt: time.Now(),
		},
		Digest: keys.Digest(app), Named: true,
	}
	held.RowMAC = CredentialMAC(keys, held)
	e := NewEngine(EngineConfig{
		Records: &one{held}, Keys: keys, Verifier: nil, Recorder: quiet{}, Log: slog.New(slog.DiscardHandler),
	})
	e.SetRules(&Rules{Services: []directory.Service{{Name: "mail", LDAPNetworks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}}})
	return e, Attempt{At: time.Now(), Login: "ann", Secret: app, Client: Client{Protocol: LDAP, Method: "simple"}, Remote: netip.MustParseAddrPort("192.0.2.7:40000")}
}

func TestAnAppPasswordCostsAtMostTenAllocations(t *testing.T) {
	most := 10.0
	if race {
		most = 20 // the race detector makes pools forget at random
	}
	e, a := hotPath(t)
	ctx := context.Background()
	if d := e.Authenticate(ctx, a); d.Outcome != Accept {
		t.Fatalf("%v %q", d.Outcome, d.Reason)
	}
	if n := testing.AllocsPerRun(200, func() { e.Authenticate(ctx, a) }); n > most {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAuthenticateAppPassword(b *testing.B) {
	e, a := hotPath(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if d := e.Authenticate(ctx, a); d.Outcome != Accept {
			b.Fatalf("%v %q", d.Outcome, d.Reason)
		}
	}
}

// BenchmarkEntitled is what it costs to ask whether a bound connection still is,
// with nothing committed meanwhile.
func BenchmarkEntitled(b *testing.B) {
	e, a := hotPath(b)
	e.marks = markFunc(func() Mark { return Mark{1} })
	ctx := context.Background()
	g := e.Authenticate(ctx, a).Grant
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := e.Entitled(ctx, g); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// BenchmarkRecord is what the record of a sign-in costs the one who signs in.
func BenchmarkRecord(b *testing.B) {
	j := NewJournal(newShelf(), slog.New(slog.DiscardHandler))
	defer j.Close(context.Background())
	ev := signIn("ann", ReasonAppPassword)
	ev.Credential = "0d6a3f38-3b26-4c5d-8a57-6b0f6d6f9c22"
	b.ReportAllocs()
	for b.Loop() {
		j.Record(ev)
	}
}
