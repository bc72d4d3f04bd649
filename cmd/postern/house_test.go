package main

import (
	"slices"
	"strings"
	"testing"
)

// TestHouseHasNoLumberRoom: a folder is named for the one idea in it. These
// names say nothing, so everything would end up in them; and internal would hide
// from bench and from readers what a test of the arrows guards better.
func TestHouseHasNoLumberRoom(t *testing.T) {
	for _, s := range sources(t) {
		for _, folder := range strings.Split(s.dir, "/") {
			if contains("internal pkg util utils common models helpers misc", folder) {
				t.Errorf("%s/%s: no folder here is called %s", s.dir, s.name, folder)
			}
		}
	}
}

// TestHouseKeepsItsRootFree: the root is for people; its one Go file is there
// because go:embed cannot look upwards.
func TestHouseKeepsItsRootFree(t *testing.T) {
	for _, s := range sources(t) {
		if s.dir == "." && s.name != "embed.go" {
			t.Errorf("%s stands in the root, where embed.go alone may", s.name)
		}
	}
}

// TestHouseDescribesEveryPackage: somebody who opens a folder is told what it
// is for, once.
func TestHouseDescribesEveryPackage(t *testing.T) {
	docs := map[string][]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if docs[s.dir] == nil {
			docs[s.dir] = []string{}
		}
		if s.file.Doc != nil {
			docs[s.dir] = append(docs[s.dir], s.name)
		}
	}
	for dir, files := range docs {
		if len(files) != 1 {
			t.Errorf("%s has its package comment in %d files %v, want one", dir, len(files), slices.Sorted(slices.Values(files)))
		}
	}
}

// TestHouseTestsEveryPackage: the exceptions hold nothing of their own that
// could be wrong.
func TestHouseTestsEveryPackage(t *testing.T) {
	tested := map[string]bool{
		".":               true, // the shipped configuration, which config's tests load
		"store/storetest": true, // a suite of tests; store runs it
	}
	for _, s := range sources(t) {
		tested[s.dir] = tested[s.dir] || s.test
	}
	for dir, ok := range tested {
		if !ok {
			t.Errorf("%s has no test file", dir)
		}
	}
}
