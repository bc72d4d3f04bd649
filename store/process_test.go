package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// commitWhenAsked does to ann what each line of in says, and repeats the line
// when that is committed: d disables and e enables her, i issues an app password
// of the digest {the number of the line} and r revokes it.
func commitWhenAsked(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	s, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	lines := bufio.NewScanner(in)
	for n := 0; lines.Scan(); n++ {
		ev := directory.Event{ID: fmt.Sprintf("other-%d", n), Kind: directory.EventAccountDisabled, At: start}
		if err := commitLine(ctx, s, lines.Text(), ev); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, lines.Text()); err != nil {
			return err
		}
	}
	return lines.Err()
}

func commitLine(ctx context.Context, s *store.Store, line string, ev directory.Event) error {
	what, number, _ := strings.Cut(line, " ")
	n, _ := strconv.Atoi(number)
	id := "phone " + number
	switch what {
	case "i":
		h := policy.Holding{Digest: numberedDigest(n), Credential: directory.AppPassword{ID: id, AccountID: "ann"}}
		return s.IssueAppPassword(ctx, h, policy.Limit{}, ev)
	case "r":
		_, err := s.RevokeAppPasswords(ctx, "ann", id, ev)
		return err
	}
	disabled := what == "d"
	return s.ChangeAccount(ctx, "ann", policy.AccountChange{Disabled: &disabled}, ev)
}

func numberedDigest(n int) secret.Digest {
	return secret.Digest{2, byte(n), byte(n >> 8), byte(n >> 16)}
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

// TestWhatAnotherProcessHasRevokedIsRefusedAtOnce although it was remembered,
// while this process notes events and last uses, which keep what is remembered.
func TestWhatAnotherProcessHasRevokedIsRefusedAtOnce(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 200
	}
	dir := t.TempDir()
	s := open(t, dir)
	addAnn(t, s)
	name := directory.ParseName("ann", directory.AnyName, "")
	commit := otherProcess(t, dir)
	remembered := 0
	for n := range rounds {
		ask := func() directory.AppPassword {
			t.Helper()
			h, err := s.AppPassword(t.Context(), []secret.Digest{numberedDigest(n)}, name)
			ok(t, err)
			return h.Credential
		}
		commit(fmt.Sprint("i ", n))
		before := s.StatementsRead()
		for range 3 {
			if !ask().RevokedAt.IsZero() {
				t.Fatalf("app password %d is revoked before it was", n)
			}
			ok(t, s.TouchAppPasswords(t.Context(), []policy.Use{{Credential: fmt.Sprint("phone ", n), At: start}}))
		}
		remembered += 3 - (s.StatementsRead() - before)
		commit(fmt.Sprint("r ", n))
		if ask().RevokedAt.IsZero() {
			t.Fatalf("app password %d is not revoked when that was acknowledged", n)
		}
	}
	if remembered != 2*rounds {
		t.Errorf("%d answers were remembered, want %d", remembered, 2*rounds)
	}
}

// TestARevocationThatMeetsANoteIsSeen: this process notes and asks while another
// revokes.
func TestARevocationThatMeetsANoteIsSeen(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 50
	}
	dir := t.TempDir()
	s := open(t, dir)
	addAnn(t, s)
	name := directory.ParseName("ann", directory.AnyName, "")
	commit := otherProcess(t, dir)
	var acknowledged atomic.Int64
	var done atomic.Bool
	var asking sync.WaitGroup
	defer func() { done.Store(true); asking.Wait() }()
	for range 2 {
		asking.Go(func() {
			for !done.Load() {
				n := int(acknowledged.Load()) // 0: nothing yet
				h, err := s.AppPassword(context.Background(), []secret.Digest{numberedDigest(n)}, name)
				if n > 0 && (err != nil || h.Credential.RevokedAt.IsZero()) {
					t.Errorf("app password %d is not revoked when that was acknowledged: %+v, %v", n, h, err)
					return
				}
			}
		})
	}
	for n := 1; n <= rounds; n++ {
		commit(fmt.Sprint("i ", n))
		_, err := s.AppPassword(t.Context(), []secret.Digest{numberedDigest(n)}, name)
		ok(t, err)
		var notes sync.WaitGroup
		notes.Go(func() {
			for i := range 4 { // every second one writes what is there already, and commits nothing
				at := start.Add(time.Duration(2*n+i/2) * time.Second)
				if err := s.TouchAppPasswords(context.Background(), []policy.Use{{Credential: "phone", At: at}}); err != nil {
					t.Error(err)
				}
			}
		})
		commit(fmt.Sprint("r ", n))
		acknowledged.Store(int64(n))
		h, err := s.AppPassword(t.Context(), []secret.Digest{numberedDigest(n)}, name)
		if err != nil || h.Credential.RevokedAt.IsZero() {
			t.Fatalf("app password %d is not revoked when that was acknowledged: %+v, %v", n, h, err)
		}
		notes.Wait()
	}
}
