package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "postern"
	top    = "../.." // the module's root, seen from this package
)

// source is one Go file of this module.
type source struct {
	dir  string // slash-separated, "." for the root
	file *ast.File
	name string
	test bool
}

// sources parses every Go file of this module, whatever its build constraints,
// and not those of the modules nested in it.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(p, d)
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, filepath.Dir(p))
		all = append(all, source{filepath.ToSlash(rel), f, d.Name(), strings.HasSuffix(p, "_test.go")})
		return err
	})
	if err != nil {
		t.Fatal("read the module's sources:", err)
	}
	return all
}

// enter skips the folders that are none of this module's: hidden ones,
// testdata, and modules of their own.
func enter(p string, d fs.DirEntry) error {
	if p == top {
		return nil
	}
	if strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules" {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// graph maps each package to those it imports, tests left out.
type graph map[string][]string

// loadGraph reads what this module's packages import from their sources, so
// that no build constraint hides an import, and what lies behind that from go
// list.
func loadGraph(t *testing.T) graph {
	t.Helper()
	g := listed(t)
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		pkg := path.Join(module, s.dir)
		g[pkg] = slices.Clip(g[pkg])
		for _, imp := range s.file.Imports {
			to, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(g[pkg], to) {
				g[pkg] = append(g[pkg], to)
			}
		}
	}
	return g
}

// listed asks the go command for the graph of everything the module builds.
func listed(t *testing.T) graph {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Imports", "./...")
	cmd.Dir = top
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal("go list:", err)
	}
	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return g
		}
		if err != nil {
			t.Fatal("read go list:", err)
		}
		g[p.ImportPath] = p.Imports
	}
}

// own lists this module's packages.
func (g graph) own() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(g)), func(p string) bool { return !isOwn(p) })
}

// isOwn says whether a package is of this module.
func isOwn(pkg string) bool { return pkg == module || strings.HasPrefix(pkg, module+"/") }

// ways maps every package that from reaches to the shortest way there.
func (g graph) ways(from string) map[string][]string {
	ways := map[string][]string{from: {from}}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]] {
			if _, seen := ways[next]; !seen {
				ways[next] = append(slices.Clone(ways[queue[0]]), next)
				queue = append(queue, next)
			}
		}
	}
	return ways
}
