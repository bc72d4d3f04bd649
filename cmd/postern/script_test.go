package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestMain lets scripts call this very program: the test binary is postern
// where it is called so.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"postern": main})
}

// TestScripts runs whole command lines, one file for each subject, against an
// installation of its own. It stands in $WORK/site and is made anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", promptly)
			e.Setenv("POSTERN_CONFIG", filepath.Join(e.WorkDir, "site", "config.toml"))
			return nil
		},
		Condition: func(name string) (bool, error) { return name == "root" && os.Geteuid() == 0, nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "keep": keep, "golden": golden, "differ": differ, "owner": owner, "seq": seq,
		},
	})
}

// exits runs a program that must end with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT...")
	}
	err := ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	code := 0
	if errors.As(err, &ended) {
		code = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("it exited %d, not %s", code, args[0])
	}
}

// keep puts the last standard output, without its newline, into a variable.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: keep VARIABLE [stderr]")
	}
	ts.Setenv(args[0], strings.TrimSuffix(ts.ReadFile(append(args[1:], "stdout")[0]), "\n"))
}

// What differs from run to run, and what golden puts in its place.
var varying = []struct {
	pattern *regexp.Regexp
	word    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z`), "RFC3339"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "YYYY-MM-DD HH:MM:SS"},
	{regexp.MustCompile(`cli:[^ ",]+`), "cli:USER"},
	{regexp.MustCompile(`\b[a-z]{25}\b`), "SECRET"},
	{regexp.MustCompile(`"[A-Za-z0-9]{20}"`), `"PASSWORD"`},
	{regexp.MustCompile(`\b([0-9a-z]{4}-){3}[0-9a-z]{4}\b`), "CODE"},
	{regexp.MustCompile(`\b[0-9a-f]{40}\b`), "DIGEST"},
}

// golden compares the last standard output with a file, where words stand for
// what differs from run to run.
func golden(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: golden FILE")
	}
	got := ts.ReadFile("stdout")
	for _, v := range varying {
		got = v.pattern.ReplaceAllString(got, v.word)
	}
	if os.Getenv("UPDATE_SCRIPTS") != "" {
		ts.Check(rewrite(filepath.Join("testdata", "script", ts.Name()+".txtar"), args[0], got))
		return
	}
	if want := ts.ReadFile(args[0]); got != want {
		ts.Fatalf("standard output is\n%s\nand %s says\n%s", got, args[0], want)
	}
}

// rewrite puts text into a file of a script, where somebody who has looked at
// the difference asks for it with UPDATE_SCRIPTS=1.
func rewrite(script, file, text string) error {
	archive, err := txtar.ParseFile(script)
	if err != nil {
		return err
	}
	for i := range archive.Files {
		if archive.Files[i].Name == file {
			archive.Files[i].Data = []byte(text)
		}
	}
	return os.WriteFile(script, txtar.Format(archive), 0o644)
}

// differ fails where two words are equal.
func differ(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: differ WORD WORD")
	}
	if args[0] == args[1] {
		ts.Fatalf("%q and %q are equal", args[0], args[1])
	}
}

// owner gives files, and what is in them, to a user and group by number.
func owner(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: owner NUMBER PATH...")
	}
	id, err := strconv.Atoi(args[0])
	ts.Check(err)
	for _, path := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(path), func(p string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(p, id, id)
		}))
	}
}

// seq writes COUNT lines of a CSV import into a file.
func seq(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: seq COUNT FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var b strings.Builder
	b.WriteString("login,name\n")
	for i := range n {
		b.WriteString("u" + strconv.Itoa(i) + ",User " + strconv.Itoa(i) + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o600))
}
