package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait for another process. It ends as soon as what is
// waited for is there.
const patience = time.Minute

// promptly keeps a program with the race detector from sleeping a second
// before it ends.
const promptly = "atexit_sleep_ms=0"

// needs skips a test whose programs are not installed, and fails it in CI,
// where they have to be.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed: make deps installs it", p)
			}
			t.Skipf("%s is not installed: make deps installs it", p)
		}
	}
}

// TestServing runs the server and what is beside it as processes of their own.
func TestServing(t *testing.T) {
	needs(t, "ldapwhoami", "radtest")
	var scripts atomic.Int64
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "serve"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", promptly)
			// A loopback address of its own lets every script have the shipped ports.
			e.Setenv("LOOPBACK", fmt.Sprintf("127.%d.%d.%d", 64+os.Getpid()>>8&63, os.Getpid()&255, 1+scripts.Add(1)))
			return nil
		},
		Condition: func(name string) (bool, error) { return name == "root" && os.Geteuid() == 0, nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "keep": keep, "logged": logged, "move": move, "owner": owner, "pasted": pasted, "set": set,
		},
	})
}

// logged waits until a file holds a line that matches.
func logged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: logged FILE PATTERN")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	var text []byte
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if text, _ = os.ReadFile(path); pattern.Match(text) {
			return
		}
	}
	ts.Fatalf("%s does not hold %s within %s:\n%s", args[0], args[1], patience, text)
}

// move gives the listeners of a configuration the script's own address; their
// ports stay.
func move(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: move FILE")
	}
	edit(ts, args[0], func(text []byte) []byte {
		return bytes.ReplaceAll(text, []byte("127.0.0.1:"), []byte(ts.Getenv("LOOPBACK")+":"))
	})
}

// set replaces, in a file, a text that must be there.
func set(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: set FILE OLD NEW")
	}
	edit(ts, args[0], func(text []byte) []byte {
		if !bytes.Contains(text, []byte(args[1])) {
			ts.Fatalf("%s does not hold %s", args[0], args[1])
		}
		return bytes.Replace(text, []byte(args[1]), []byte(args[2]), 1)
	})
}

func edit(ts *testscript.TestScript, name string, change func([]byte) []byte) {
	path := ts.MkAbs(name)
	text, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, change(text), 0o600))
}

// commandsIn returns the lines that are indented by two and no comments.
func commandsIn(text string) (commands []string) {
	for line := range strings.Lines(text) {
		command, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "  ")
		if ok && !strings.HasPrefix(command, "#") && !strings.HasPrefix(command, " ") {
			commands = append(commands, command)
		}
	}
	return commands
}

// pasted runs the commands that the last standard output shows, indented by
// two, as a person would: those that match, as they stand, in a shell. It
// fails where there are fewer than COUNT or one of them fails.
func pasted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: pasted COUNT PATTERN")
	}
	least, err := strconv.Atoi(args[0])
	ts.Check(err)
	wanted, err := regexp.Compile(args[1])
	ts.Check(err)
	for _, command := range commandsIn(ts.ReadFile("stdout")) {
		if wanted.MatchString(command) {
			least--
			ts.Check(ts.Exec("sh", "-c", command))
		}
	}
	if least > 0 {
		ts.Fatalf("%d commands fewer than expected match %s", least, args[1])
	}
}
