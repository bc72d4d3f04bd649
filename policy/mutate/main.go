// Command mutate asks whether the tests would notice if a rule went missing.
// It takes each case of the functions in policy/decide.go away in turn, and
// each half of each condition, runs the golden table and the invariants
// against what is left, and prints caught or missed. It exits 1 when one is
// missed and 2 when it could not tell. The files of the tree stay as they are.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// perRun bounds one run of the tests: a mutant may loop.
const perRun = 2 * time.Minute

func main() {
	missed, err := run()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	case missed > 0:
		os.Exit(1)
	}
}

func run() (missed int, err error) {
	root, err := moduleRoot()
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	l := lab{root: root, scratch: dir, target: filepath.Join(root, "policy", "decide.go")}
	src, err := os.ReadFile(l.target)
	if err != nil {
		return 0, err
	}
	return try(src, l.noticed, os.Stdout)
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module (run it inside the repository): %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// lab runs the tests against changed sources that it keeps in scratch.
type lab struct{ root, scratch, target string }

// try runs every mutant of src, prints what became of it and returns how many
// the tests did not notice.
func try(src []byte, noticed func([]byte) (bool, error), out io.Writer) (missed int, err error) {
	failing, err := noticed(src)
	if err != nil {
		return 0, err
	}
	if failing {
		return 0, errors.New("the tests fail without any change: make them pass first")
	}
	all, err := mutants(src)
	if err != nil {
		return 0, err
	}
	for _, m := range all {
		caught, err := noticed(m.source)
		if err != nil {
			return missed, fmt.Errorf("%s: %w", m.name, err)
		}
		word := "caught"
		if !caught {
			word = "MISSED"
			missed++
		}
		fmt.Fprintf(out, "%s  %s\n", word, m.name)
	}
	fmt.Fprintf(out, "%d of %d caught\n", len(all)-missed, len(all))
	return missed, nil
}

// noticed reports whether the tests fail with source in place of the target.
func (l lab) noticed(source []byte) (bool, error) {
	overlay, err := l.overlay(source)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), perRun)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-overlay", overlay, "-run", "Golden|Invariants", "./policy")
	cmd.Dir = l.root
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err == nil:
		return false, nil
	case !errors.As(err, &failed) || bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
		return false, fmt.Errorf("running the tests: %w\n%s", err, out)
	}
	return true, nil
}

// overlay writes source and the file that tells go test to take it.
func (l lab) overlay(source []byte) (string, error) {
	changed, overlay := filepath.Join(l.scratch, "decide.go"), filepath.Join(l.scratch, "overlay.json")
	if err := os.WriteFile(changed, source, 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {l.target: changed}})
	if err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, replace, 0o600)
}
