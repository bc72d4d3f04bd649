package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	docLink = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	docPath = regexp.MustCompile("`((?:" + strings.Join(docFolders, "|") + ")(?:/[A-Za-z0-9_.*-]+)*/?)`")

	// docFolders are the beginnings of paths of this tree, as pages write them.
	docFolders = []string{"account", "bench", `\.ci`, "cmd", "config", "directory", "docs", "ldapsrv", "lint", "policy", "portal", "radiussrv", "secret", "store"}
	// docLater are rooms that pages may speak of before they are built.
	docLater = []string{"portal"}
)

// TestDocsPointAtWhatExists: a page that names a file or links to a page is
// wrong as soon as that is moved, and nobody notices but its readers.
func TestDocsPointAtWhatExists(t *testing.T) {
	for page, text := range pages(t) {
		for _, m := range docLink.FindAllStringSubmatch(text, -1) {
			if missing(filepath.Join(filepath.Dir(page), m[1])) {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
		for _, m := range docPath.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(docLater, m[1]) && missing(filepath.Join(top, m[1])) {
				t.Errorf("%s speaks of %s, which is not there", page, m[1])
			}
		}
	}
}

// TestDocsListEveryDecision: a page that nothing points at is not found by those
// who ask.
func TestDocsListEveryDecision(t *testing.T) {
	all := pages(t)
	list := all[filepath.Join(top, "docs/decisions/README.md")]
	for page := range all {
		name := filepath.Base(page)
		if filepath.Base(filepath.Dir(page)) == "decisions" && name != "README.md" && !strings.Contains(list, "]("+name+")") {
			t.Errorf("docs/decisions/README.md does not list %s", name)
		}
	}
}

// pages reads every Markdown file of the tree.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if err != nil || filepath.Ext(p) != ".md" {
			return err
		}
		b, err := os.ReadFile(p)
		found[p] = string(b)
		return err
	})
	if err != nil {
		t.Fatal("read the pages:", err)
	}
	if len(found) < 3 {
		t.Fatalf("found only %d pages, so this is not looking where they are", len(found))
	}
	return found
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return err != nil
}
