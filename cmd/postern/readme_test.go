package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestReadmeIsTrue runs the five minutes of README.md as they stand there, in
// an empty folder and with the real clients, and then what the page says about
// the main password and about revoking. Only ports are other ones.
func TestReadmeIsTrue(t *testing.T) {
	needs(t, "ldapwhoami", "radtest")
	r := &reader{t: t, dir: t.TempDir(), ports: map[string]string{}, words: map[string]string{}}
	r.build()
	var asked []string // the lines that ask the server
	var mainPassword string
	for _, line := range readmeLines(t, fiveMinutes) {
		switch word := strings.Fields(line)[0]; {
		case line == "go build ./cmd/postern":
		case line == "./postern serve":
			r.serve()
		case strings.Contains(line, " init "):
			r.run(line, true)
			r.movePorts()
		case strings.Contains(line, " issue "):
			r.words["APP_PASSWORD"], r.words[" ID"] = r.secret(line)
		case strings.Contains(line, " user add "):
			mainPassword, _ = r.secret(line)
		case word == "ldapwhoami" || word == "radtest":
			asked = append(asked, line)
			r.expect(line, true)
		case strings.Contains(line, " revoke "):
			for _, ask := range asked {
				r.expect(strings.ReplaceAll(ask, "APP_PASSWORD", mainPassword), false)
			}
			r.run(line, true)
		default:
			r.run(line, true)
		}
	}
	if len(asked) != 2 {
		t.Fatalf("README.md asks the server in %d lines, want one for LDAP and one for RADIUS", len(asked))
	}
	for _, ask := range asked {
		r.expect(ask, false)
	}
	for _, command := range readmeCommands(t, fiveMinutes) {
		r.run("./"+command, true)
	}
}

// fiveMinutes is the heading of what is followed.
const fiveMinutes = "## A real set-up in five minutes"

// reader does what somebody does who follows the page.
type reader struct {
	t     *testing.T
	dir   string
	ports map[string]string // as on the page, as here
	words map[string]string // what the page leaves to be filled in
}

func (r *reader) build() {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "go", "build", "-o", r.dir, "./cmd/postern")
	cmd.Dir = top
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("go build: %v\n%s", err, out)
	}
}

// shell runs a line of the page, filled in.
func (r *reader) shell(line string) (stdout, stderr string, err error) {
	line = filledIn(line, r.words, r.ports)
	var out, bad bytes.Buffer
	cmd := exec.CommandContext(r.t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.dir, &out, &bad
	err = cmd.Run()
	return out.String(), bad.String(), err
}

// filledIn replaces each word once: what is filled in may look like another
// word, as 127.0.0.1:33890 begins like 127.0.0.1:3389.
func filledIn(line string, words ...map[string]string) string {
	var pairs []string
	for _, list := range words {
		for _, from := range slices.Sorted(maps.Keys(list)) {
			pairs = append(pairs, from, list[from])
		}
	}
	return strings.NewReplacer(pairs...).Replace(line)
}

// run wants the line to succeed, or not to, and returns what it printed.
func (r *reader) run(line string, succeed bool) string {
	r.t.Helper()
	stdout, stderr, err := r.shell(line)
	if (err == nil) != succeed {
		r.t.Fatalf("%s: %v\n%s%s", line, err, stdout, stderr)
	}
	return stdout + stderr
}

// secret runs a line that prints a secret, alone, and returns it with what
// stands on standard error.
func (r *reader) secret(line string) (printed, id string) {
	r.t.Helper()
	stdout, stderr, err := r.shell(line)
	if err != nil || strings.Count(stdout, "\n") != 1 {
		r.t.Fatalf("%s: %v, printed %d lines\n%s", line, err, strings.Count(stdout, "\n"), stderr)
	}
	return strings.TrimSpace(stdout), " " + strings.TrimSpace(stderr)
}

// expect asks the server and wants its yes or its no, as each protocol says
// it.
func (r *reader) expect(line string, yes bool) {
	r.t.Helper()
	want := map[string]string{
		"ldapwhoami true": "dn:uid=ann,", "ldapwhoami false": "Invalid credentials (49)",
		"radtest true": "Received Access-Accept", "radtest false": "Received Access-Reject",
	}[fmt.Sprint(strings.Fields(line)[0], " ", yes)]
	if said := r.run(line, yes); !strings.Contains(said, want) {
		r.t.Errorf("%s: want %q, got\n%s", line, want, said)
	}
}

// movePorts gives the server of this test ports of its own, in the
// configuration that init wrote and in the lines still to come.
func (r *reader) movePorts() {
	r.t.Helper()
	file := filepath.Join(r.dir, "config.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	moved := regexp.MustCompile(`"127\.0\.0\.1:\d+"`).ReplaceAllStringFunc(string(text), func(old string) string {
		address := freeAddress(r.t)
		r.ports[strings.Trim(old, `"`)] = address
		return `"` + address + `"`
	})
	if err := os.WriteFile(file, []byte(moved), 0o600); err != nil {
		r.t.Fatal(err)
	}
	// radtest is told no port where it is RADIUS's own.
	r.ports[" 127.0.0.1 0 "] = " " + r.ports["127.0.0.1:1812"] + " 0 "
}

// freeAddress returns a loopback address that nobody listens on, by either
// transport. It is one of this process's own: between the look and its use, no
// port of it is given to the tests beside this one.
func freeAddress(t *testing.T) string {
	t.Helper()
	pid := os.Getpid()
	own := fmt.Sprintf("127.%d.%d.%d:0", 128+pid>>16&63, pid>>8&255, pid&255)
	for range 20 {
		l, err := net.Listen("tcp", own)
		if err != nil {
			t.Fatal(err)
		}
		p, err := net.ListenPacket("udp", l.Addr().String())
		l.Close()
		if err == nil {
			p.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free for both TCP and UDP")
	return ""
}

// serve starts the server and returns when it listens; the test's end stops
// it.
func (r *reader) serve() {
	r.t.Helper()
	log := filepath.Join(r.dir, "log")
	out, err := os.Create(log)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(r.dir, "postern"), "serve")
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.dir, out, out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed
		out.Close()
	})
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", r.ports["127.0.0.1:3389"]); err == nil {
			c.Close()
			return
		}
	}
	said, _ := os.ReadFile(log)
	r.t.Fatalf("the server does not listen:\n%s", said)
}

// readmeLines returns the indented lines below a heading of README.md.
func readmeLines(t *testing.T, heading string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(readmeSection(t, heading)) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, strings.TrimSpace(command))
		}
	}
	return lines
}

// readmeCommands returns the commands of postern that the sentences below a
// heading name.
func readmeCommands(t *testing.T, heading string) []string {
	t.Helper()
	var commands []string
	for _, m := range regexp.MustCompile("`(postern [^`]+)`").FindAllStringSubmatch(readmeSection(t, heading), -1) {
		commands = append(commands, strings.ReplaceAll(m[1], "\n", " "))
	}
	if len(commands) == 0 {
		t.Fatalf("README.md names no command below %q", heading)
	}
	return commands
}

func readmeSection(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, below, ok := strings.Cut(string(text), heading+"\n")
	if !ok {
		t.Fatalf("README.md has no %q", heading)
	}
	section, _, _ := strings.Cut(below, "\n## ")
	return section
}
