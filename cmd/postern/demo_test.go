package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/policy"
)

func TestTheDemonstrationShowsWhatShouldBe(t *testing.T) {
	code, stdout, stderr := cli(t, "demo")
	if code != exitDone || stderr != "" {
		t.Fatalf("exit %d, stderr %s, stdout\n%s", code, stderr, stdout)
	}
	for _, line := range []string{
		"LDAP    bob, primary password               success(0)               as it should be",
		"LDAP    ann, primary password               invalidCredentials(49)   as it should be",
		"RADIUS  ann, primary password               Access-Reject (3)        as it should be",
		"LDAP    ann, app password                   success(0)               as it should be",
		"RADIUS  ann, app password                   Access-Accept (2)        as it should be",
		"LDAP    ann, app password for mail          success(0)               as it should be",
		"RADIUS  ann, app password for mail          Access-Reject (3)        as it should be",
		"LDAP    ann, revoked app password           invalidCredentials(49)   as it should be",
		"RADIUS  ann, revoked app password           Access-Reject (3)        as it should be",
		"All 17 answers are as they should be.",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("it does not show\n%s\nbut\n%s", line, stdout)
		}
	}
}

// TestTheDemonstrationFailsWhereAnAnswerIsWrong lets the server go by rules
// that accept what should be refused.
func TestTheDemonstrationFailsWhereAnAnswerIsWrong(t *testing.T) {
	var out, errs strings.Builder
	d, err := newEnv(nil, &out, &errs).newDemo(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d.server.engine.SetRules(&policy.Rules{
		ReportOnlyGroups: []string{"*"}, ReportOnlyUntil: time.Now().Add(time.Hour), Services: d.server.current.Load().rules.Services,
	})
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- d.server.serve(ctx) }()
	err = d.show(t.Context())
	end()
	if err == nil || !strings.Contains(err.Error(), "4 of 17 answers are not as they should be") || strings.Count(out.String(), "WRONG") != 4 {
		t.Errorf("error %v, output\n%s", err, out.String())
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// screen is a standard output that others read while it is written.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until text stands on the screen.
func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(s.String(), text) {
			return
		}
	}
	t.Fatalf("%q did not come within %s; there is\n%s", text, patience, s)
}

// TestEveryLineOfTheHeldDemonstrationRunsAsPrinted pastes each into a shell,
// in order, and compares the exit code with what stands above it.
func TestEveryLineOfTheHeldDemonstrationRunsAsPrinted(t *testing.T) {
	needs(t, "ldapwhoami", "radtest")
	postern := filepath.Join(t.TempDir(), "postern")
	if out, err := exec.Command("go", "build", "-o", postern, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	var out screen
	cmd := exec.Command(postern, "demo", "--hold")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.await(t, "Ctrl-C ends it")
	_, lines, _ := strings.Cut(out.String(), "Try it from another shell:")
	ran, refused := 0, false
	for line := range strings.Lines(lines) {
		line := strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "  #") {
			refused = strings.HasSuffix(line, ": refused")
		}
		for _, command := range commandsIn(line) {
			ran++
			runPrinted(t, command, refused)
		}
	}
	if ran != 8 {
		t.Errorf("%d commands were printed, want 8, in\n%s", ran, lines)
	}
	// The app password is revoked now: its lines are refused too.
	for _, line := range commandsIn(lines)[3:6] {
		runPrinted(t, line, true)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// runPrinted runs a line and checks that a client was refused, or that it was
// accepted.
func runPrinted(t *testing.T, line string, refused bool) {
	t.Helper()
	want := 0
	switch {
	case refused && strings.Contains(line, "radtest"):
		want = 1
	case refused:
		want = 49
	}
	cmd := exec.Command("sh", "-c", line)
	out, _ := cmd.CombinedOutput() // the exit code says it
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("%s\nexits %d, want %d:\n%s", line, got, want, out)
	}
	if want == 1 && !bytes.Contains(out, []byte("Access-Reject")) {
		t.Errorf("%s\nwas not refused but failed:\n%s", line, out)
	}
}
