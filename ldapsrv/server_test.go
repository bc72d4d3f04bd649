package ldapsrv

import (
	"context"
	"net"
	"testing"
	"time"

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
	go func() { done <- srv.Serve(ctx, ln, ListenerOptions{Name: "test"}) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Serve returned %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Serve did not return")
		}
	})
	return srv, ln.Addr().String()
}

func TestABindAndWhoAmIOverTCP(t *testing.T) {
	_, addr := start(t, testConfig())
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(bindMessage(1, "uid=ann,ou=people,"+testBase, "right")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 256)
	n, err := c.Read(got)
	if err != nil {
		t.Fatal(err)
	}
	want := "0\f\x02\x01\x01a\a\n\x01\x00\x04\x00\x04\x00"
	if string(got[:n]) != want {
		t.Errorf("the answer is %q, want %q", got[:n], want)
	}
}
