package ldapsrv

import (
	"context"
	"net"
	"testing"
	"time"

	"postern/ldapsrv/wire"
	"postern/policy"
)

const testBase = "dc=example,dc=org"

// authFunc is an Authenticator that is a function.
type authFunc func(context.Context, policy.Attempt) policy.Decision

func (f authFunc) Authenticate(ctx context.Context, a policy.Attempt) policy.Decision {
	return f(ctx, a)
}

// entitleFunc is an Entitler that is a function.
type entitleFunc func(context.Context, policy.Grant) (bool, error)

func (f entitleFunc) Entitled(ctx context.Context, g policy.Grant) (bool, error) { return f(ctx, g) }

// knowsAnn accepts ann with "right" and refuses everybody else at once.
func knowsAnn(_ context.Context, a policy.Attempt) policy.Decision {
	if a.Login == "ann" && a.Secret.Reveal() == "right" {
		return policy.Decision{Outcome: policy.Accept, Login: "ann"}
	}
	return policy.Decision{Outcome: policy.Reject}
}

func alwaysEntitled(context.Context, policy.Grant) (bool, error) { return true, nil }

func testConfig() Config {
	return Config{
		BaseDN:        testBase,
		Authenticator: authFunc(knowsAnn),
		Entitler:      entitleFunc(alwaysEntitled),
		Rules:         Rules{CleartextBind: CleartextLoopback},
	}
}

// start serves c on a free loopback port until the test ends.
func start(t testing.TB, c Config) (*Server, string) {
	t.Helper()
	return startWith(t, c, ListenerOptions{Name: "test"})
}

func startWith(t testing.TB, c Config, o ListenerOptions) (*Server, string) {
	t.Helper()
	srv, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, ln, o) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Serve returned %v", err)
			}
		case <-time.After(patience):
			t.Error("Serve did not return")
		}
	})
	return srv, ln.Addr().String()
}

func TestABindAndWhoAmIOverTCP(t *testing.T) {
	_, addr := start(t, testConfig())
	if err := bindOn("127.0.0.2", addr, 3); err != nil {
		t.Error(err)
	}
}

// TestABindAllocatesLittle counts from the frame to the answer, the attempt's
// own copies of name and password included.
func TestABindAllocatesLittle(t *testing.T) {
	const most = 3
	w := newWorld(t)
	decided := policy.Decision{Outcome: policy.Accept, Login: "ann"}
	w.session.service.auth = authFunc(func(context.Context, policy.Attempt) policy.Decision { return decided })
	compiled, err := compileRules(testBase, time.Time{}, w.rules)
	if err != nil {
		t.Fatal(err)
	}
	w.session.service.rules = func() *rules { return compiled }
	frame, out := bindMessage(1, annName, "right"), make([]byte, 0, 256)
	var room wire.Room
	allocs := testing.AllocsPerRun(100, func() {
		defer room.Clear()
		m, err := room.Decode(frame)
		if err != nil {
			t.Error(err)
		}
		if a := w.session.handle(context.Background(), request{Message: m}, nil, out); len(a.out) == 0 {
			t.Error("no answer")
		}
	})
	if allocs > most {
		t.Errorf("a bind allocates %v times, want %d at most", allocs, most)
	}
}
