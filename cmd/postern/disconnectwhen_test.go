package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2866"

	"postern/directory"
)

// ended awaits the request that ends a session, fails unless it is that one,
// and has the device agree.
func (g *gate) ended(t *testing.T, session string) {
	t.Helper()
	raw, from := g.request(t, patience)
	if raw == nil {
		t.Fatal("no request came")
	}
	p, err := radius.Parse(raw, []byte(g.shared))
	if err != nil || p.Code != radius.CodeDisconnectRequest || rfc2866.AcctSessionID_GetString(p) != session {
		t.Errorf("%v is about session %q, want %q", err, rfc2866.AcctSessionID_GetString(p), session)
	}
	g.answer(t, raw, from, 0)
	g.awaitOutcome(t, "acknowledged")
}

// TestASessionEndsWhenItWouldNotBeGrantedAnew: whatever makes the engine refuse
// what the session began with ends it, and nothing else.
func TestASessionEndsWhenItWouldNotBeGrantedAnew(t *testing.T) {
	g := newGateAt(t, "[log]", `[policy]
app_password_groups = ["strict"]
mfa_groups = ["careful"]

[log]`)
	g.command(t, "group", "add", "strict")
	g.command(t, "group", "add", "careful")
	for session, end := range map[string]func(login string){
		"mfa-on":          func(login string) { g.command(t, "user", "mfa", login, "on") },
		"mfa-group":       func(login string) { g.command(t, "group", "add-member", "careful", login) },
		"app-group":       func(login string) { g.command(t, "group", "add-member", "strict", login) },
		"password":        func(login string) { g.command(t, "user", "password", login, "--generate-password") },
		"account-expires": func(login string) { g.command(t, "user", "set", login, "--expires", "2020-01-01") },
		"deleted":         func(login string) { g.command(t, "user", "delete", login, "--yes") },
	} {
		_, password := g.addPerson(t, session)
		g.signInWith(t, session, password.Reveal(), session)
		for set := time.Now().Unix(); time.Now().Unix() == set; time.Sleep(time.Millisecond) {
			continue // when a password was set is kept in seconds
		}
		end(session)
		g.ended(t, session)
	}
	g.addPerson(t, "ann")
	g.signIn(t, "of-vpn", "--service", "vpn")
	g.signIn(t, "of-any")
	g.command(t, "user", "mfa", "ann", "on")
	g.command(t, "group", "add-member", "strict", "ann")
	g.change(t, `name = "vpn"
radius_clients = ["vpn"]`, `name = "another"`)
	g.reload()
	g.ended(t, "of-vpn")
	if other, _ := g.request(t, 300*time.Millisecond); other != nil {
		t.Error("the session of an app password for any service was to end")
	}
}

// TestASessionEndsWithAnAppPasswordThatIsNotUsed, which nobody does: it is
// noticed by looking, also by a server that was started since.
func TestASessionEndsWithAnAppPasswordThatIsNotUsed(t *testing.T) {
	g := newGateAt(t, "[log]", "[app_passwords]\nunused_days = 30\n\n[log]")
	g.addPerson(t, "ann")
	g.signIn(t, "1")
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]bool{29: false, 31: true} {
		g.running = openAt(t, g.dir, func() time.Time { return time.Now().AddDate(0, 0, days) })
		due, err := g.disconnects.due(t.Context())
		if err != nil || (len(due) == 1) != want {
			t.Errorf("after %d days without use %d sessions are to end, %v", days, len(due), err)
		}
		if err := g.close(); err != nil {
			t.Fatal(err)
		}
	}
	g.running = openAt(t, g.dir, func() time.Time { return time.Now().AddDate(0, 0, 31) })
	g.run(t)
	g.ended(t, "1")
}

// silent is a device that takes requests and says nothing.
type silent struct{ asked atomic.Int64 }

func (s *silent) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	s.asked.Add(1)
	go func() {
		for buf := make([]byte, 4096); ; {
			if _, err := far.Read(buf); err != nil {
				return
			}
		}
	}()
	return near, nil
}

// TestADeviceThatIsSilentIsAskedInRoundsThatOutliveARestartAndThenGivenUp: six
// rounds with pauses of 1, 2, 4, 8 and 16 minutes, three of them by a server
// that was started in between.
func TestADeviceThatIsSilentIsAskedInRoundsThatOutliveARestartAndThenGivenUp(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		device := &silent{}
		first := open(t, dir)
		id, _ := first.addPerson(t, "ann")
		key := directory.NetworkSessionKey{Client: "vpn", NAS: "gate", Session: "1", UserName: "ann"}
		if err := errors.Join(
			first.site.store.KeepAccounting(t.Context(), directory.AccountingRecord{Key: key, Kind: directory.AccountingStart, At: time.Now(), AccountID: id}),
			first.people().Disable(t.Context(), "cli:test", id), first.close(),
		); err != nil {
			t.Fatal(err)
		}
		first.change(t, `secret_file = "vpn.secret"`, "secret_file = \"vpn.secret\"\ndae = { address = \"192.0.2.1:3799\" }")
		began := time.Now()
		for part, span := range []time.Duration{5 * time.Minute, time.Hour} {
			r := open(t, dir)
			r.disconnects.dial = device.dial
			ctx, stop := context.WithTimeout(t.Context(), span)
			if err := r.disconnects.run(ctx); err != nil {
				t.Error(err)
			}
			stop()
			list, err := r.site.store.NetworkSessions(t.Context(), directory.NetworkSessionFilter{})
			if err != nil || len(list) != 1 {
				t.Fatalf("%d sessions, %v", len(list), err)
			}
			want := []struct {
				rounds  int64
				outcome string
			}{{3, ""}, {6, "given up: the device does not answer"}}[part]
			if n := device.asked.Load(); n != want.rounds || list[0].Tries != want.rounds || list[0].Outcome != want.outcome {
				t.Errorf("after %v: asked in %d rounds, of which %d are kept, with %q", time.Since(began), n, list[0].Tries, list[0].Outcome)
			}
			got := (&gate{running: r}).outcomes(t)
			if len(got) != int(want.rounds) || part == 1 && !strings.Contains(got[5], "ann: given up: the device does not answer") {
				t.Errorf("events: %q", got)
			}
			for n, said := range got[:min(len(got), 5)] {
				if !strings.Contains(said, fmt.Sprintf("try %d", n+1)) {
					t.Errorf("event %d is %q", n, said)
				}
			}
			if err := r.close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
