package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"postern/bench/history"
	"postern/bench/site"
	"postern/ldapsrv/wire"
)

// signingIn binds with c over and over on some connections until stop, which
// returns how many binds there were. Any answer but success fails the test.
func signingIn(t *testing.T, address string, c credential) (stop func() int64) {
	t.Helper()
	var n atomic.Int64
	var ended atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		l, err := site.DialLDAP(address)
		ok(t, err)
		all.Go(func() {
			defer l.Close()
			for !ended.Load() {
				code, _, err := l.Bind(c.login, c.secret)
				if err != nil || code != wire.Success {
					t.Errorf("a bind answers %d, %v", code, err)
					return
				}
				n.Add(1)
			}
		})
	}
	return func() int64 { ended.Store(true); all.Wait(); return n.Load() }
}

// steady is an installation with one person, who has an app password.
func steady(t *testing.T, config string) (*trial, credential) {
	t.Helper()
	binary, err := site.Build(t.Context(), "../..", t.TempDir())
	ok(t, err)
	s, err := site.New(t.Context(), binary, t.TempDir(), config)
	ok(t, err)
	h := &trial{t: t, site: s, log: history.New(), revoked: map[string]bool{}}
	ok(t, s.AddPerson(t.Context(), "ann", password))
	h.issue("ann", h.undisturbed)
	return h, h.given[0]
}

// TestReloadingUnderLoadFailsNobody replaces the configuration with good and
// bad ones while binds go on.
func TestReloadingUnderLoadFailsNobody(t *testing.T) {
	h, c := steady(t, site.Config)
	h.serve()
	defer h.running().Kill()
	path := filepath.Join(h.site.Dir, "config.toml")
	stop := signingIn(t, h.running().At("ldap.listen"), c)
	for i := range 30 {
		text := strings.Replace(site.Config, "max_per_account = 1000", fmt.Sprintf("max_per_account = %d", 500+i), 1)
		if i%2 == 1 {
			text = strings.Replace(text, "[ldap]", "[ldap", 1)
		}
		replace(t, path, text)
		ok(t, unix.Kill(h.running().PID(), unix.SIGHUP))
		h.logs(i+1, "in force")
	}
	t.Logf("30 reloads, half of them of a broken file, during %d binds: none failed", stop())
}

// replace writes a file as an editor does: beside it, then in its place.
func replace(t *testing.T, path, text string) {
	t.Helper()
	ok(t, os.WriteFile(path+".new", []byte(text), 0o600))
	ok(t, os.Rename(path+".new", path))
}

// logs waits until a word stands in n lines of the server's log.
func (h *trial) logs(n int, word string) {
	h.t.Helper()
	for until := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		lines := 0
		for line := range strings.Lines(h.running().Log()) {
			if strings.Contains(line, word) {
				lines++
			}
		}
		if lines >= n {
			return
		}
		if time.Now().After(until) {
			h.t.Fatalf("%q stands in %d lines of the log, not in %d:\n%s", word, lines, n, h.running().Log())
		}
	}
}

// TestAStoppedServerGoesOn stops the process, as a machine that is suspended
// does, and lets it go on.
func TestAStoppedServerGoesOn(t *testing.T) {
	h, c := steady(t, site.Config)
	h.serve()
	defer h.running().Kill()
	stop := signingIn(t, h.running().At("ldap.listen"), c)
	for range 3 {
		ok(t, unix.Kill(h.running().PID(), unix.SIGSTOP))
		timer := time.NewTimer(time.Second)
		<-timer.C
		ok(t, unix.Kill(h.running().PID(), unix.SIGCONT))
		_, err := h.site.Run(t.Context(), "", "user", "list")
		ok(t, err)
	}
	t.Logf("3 stops of a second during %d binds: none failed", stop())
}

// TestARevocationHoldsWhileTheServerIsStopped revokes while the process is
// stopped: its first answer afterwards is a refusal.
func TestARevocationHoldsWhileTheServerIsStopped(t *testing.T) {
	h, c := steady(t, site.Config)
	h.serve()
	defer h.running().Kill()
	if code := h.bind(c); code != wire.Success {
		t.Fatalf("a bind answers %d", code)
	}
	ok(t, unix.Kill(h.running().PID(), unix.SIGSTOP))
	_, err := h.site.Run(t.Context(), "", "app-password", "revoke", c.login, c.id)
	ok(t, err)
	ok(t, unix.Kill(h.running().PID(), unix.SIGCONT))
	if code := h.bind(c); code != wire.InvalidCredentials {
		t.Errorf("the first bind after it answers %d", code)
	}
}

// TestLittleMemorySlowsAndDoesNotEnd has the server keep to a small heap while
// wrong passwords are hashed and binds go on.
func TestLittleMemorySlowsAndDoesNotEnd(t *testing.T) {
	h, c := steady(t, site.Config)
	h.site.Wrap("env", "GOMEMLIMIT=64MiB")
	h.serve()
	defer h.running().Kill()
	stop := signingIn(t, h.running().At("ldap.listen"), c)
	var wrong sync.WaitGroup
	for i := range 8 {
		wrong.Go(func() {
			l, err := site.DialLDAP(h.running().At("ldap.listen"))
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			for j := range 5 {
				code, _, err := l.Bind("ann", fmt.Sprintf("wrong %d %d", i, j))
				if err != nil || code != wire.InvalidCredentials && code != wire.Busy {
					t.Errorf("a wrong password answers %d, %v", code, err)
				}
			}
		})
	}
	wrong.Wait()
	t.Logf("40 wrong passwords in a heap of 64 MiB during %d binds: none failed", stop())
}
