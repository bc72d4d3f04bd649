package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// TestEventsAreFollowed reads the stream while another command makes changes.
// It ends by the test's own deadline where an event does not come.
func TestEventsAreFollowed(t *testing.T) {
	config := t.TempDir() + "/config.toml"
	must := func(args ...string) {
		t.Helper()
		if code, _, stderr := cli(t, append(args, "--config", config)...); code != exitDone {
			t.Fatalf("%q exits %d: %s", args, code, stderr)
		}
	}
	must("init")
	must("user", "add", "ann")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	read, write := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, []string{"events", "--follow", "--json", "--config", config}, strings.NewReader(""), write, io.Discard)
		_ = write.Close()
		ended <- code
	}()

	lines := bufio.NewScanner(read)
	expect := func(kind, login string) {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the stream ended before %s of %s", kind, login)
		}
		var ev struct{ Kind, Login string }
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		if ev.Kind != kind || ev.Login != login {
			t.Fatalf("got %s of %s, want %s of %s", ev.Kind, ev.Login, kind, login)
		}
	}
	expect("account_added", "ann")
	must("user", "mfa", "ann", "on")
	expect("mfa_on", "ann")
	must("user", "add", "bob")
	must("user", "disable", "ann")
	expect("account_added", "bob")
	expect("account_disabled", "ann")

	stop()
	if code := <-ended; code != exitDone {
		t.Errorf("events --follow exits %d when it is stopped", code)
	}
}
