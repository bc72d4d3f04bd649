package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// committerDir asks this binary to be another process, which commits.
const committerDir = "POSTERN_TEST_COMMITS_IN"

func TestMain(m *testing.M) {
	dir := os.Getenv(committerDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := commitWhenAsked(context.Background(), dir, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// commitWhenAsked disables ann for each line d of in and enables her for any
// other, and repeats the line when it is committed.
func commitWhenAsked(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	s, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	lines := bufio.NewScanner(in)
	for n := 0; lines.Scan(); n++ {
		disabled := lines.Text() == "d"
		err := s.ChangeAccount(ctx, "ann", policy.AccountChange{Disabled: &disabled},
			directory.Event{ID: fmt.Sprintf("other-%d", n), Kind: directory.EventAccountDisabled, At: start})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, lines.Text()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// otherProcess starts a process that commits to dir when it is asked.
func otherProcess(t *testing.T, dir string) (commit func(line string)) {
	t.Helper()
	self, err := os.Executable()
	ok(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), committerDir+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	ok(t, err)
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // killed by now: the context of the test is over
	})
	answers := bufio.NewScanner(out)
	return func(line string) {
		t.Helper()
		_, err := fmt.Fprintln(in, line)
		ok(t, err)
		if !answers.Scan() || answers.Text() != line {
			t.Fatalf("the other process answers %q to %q: %v", answers.Text(), line, answers.Err())
		}
	}
}

// TestWhatAnotherProcessHasCommittedIsReadAtOnce, by the very next question on
// every connection, and the mark has moved by then.
func TestWhatAnotherProcessHasCommittedIsReadAtOnce(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 200
	}
	dir := t.TempDir()
	s := open(t, dir)
	h := addAnn(t, s)
	name := directory.ParseName("ann", directory.AnyName, "")
	commit := otherProcess(t, dir)
	mark := s.Mark()
	for n := range rounds {
		line := []string{"e", "d"}[n%2]
		commit(line)
		for range 2 { // the second finds nothing changed
			got, err := s.AppPassword(t.Context(), []secret.Digest{h.Digest}, name)
			ok(t, err)
			if got.Holder.Account.Disabled != (line == "d") {
				t.Fatalf("after commit %d (%s) the account is read as disabled: %v", n, line, got.Holder.Account.Disabled)
			}
			if e := entryOf(t, s, "ann"); e.Disabled != (line == "d") {
				t.Fatalf("after commit %d (%s) its entry is disabled: %v", n, line, e.Disabled)
			}
		}
		now := s.Mark()
		if now == mark || now == (policy.Mark{}) {
			t.Fatalf("after commit %d the mark is %v, was %v", n, now, mark)
		}
		mark = now
	}
}
