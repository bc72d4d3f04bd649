package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
)

// mutant is a source that lacks one thing.
type mutant struct {
	name   string // what it lacks, and where
	source []byte
}

// mutants returns src without each of its cases and ifs in turn, and without
// each side of each "&&" and "||".
func mutants(src []byte) (all []mutant, err error) {
	for n := 0; ; n++ {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, "decide.go", src, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		changes := changesIn(set, file)
		if n == len(changes) {
			return all, nil
		}
		changes[n].make()
		var out bytes.Buffer
		if err := format.Node(&out, set, file); err != nil {
			return nil, fmt.Errorf("printing the source without %s: %w", changes[n].name, err)
		}
		all = append(all, mutant{changes[n].name, out.Bytes()})
	}
}

// change is one thing that can be taken away from a parsed file.
type change struct {
	name string
	make func()
}

func changesIn(set *token.FileSet, file *ast.File) (all []change) {
	for _, decl := range file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
			c := collector{set: set, fn: fn.Name.Name}
			ast.Inspect(fn.Body, c.visit)
			all = append(all, c.found...)
		}
	}
	return all
}

// collector gathers the changes of one function.
type collector struct {
	set   *token.FileSet
	fn    string
	found []change
}

func (c *collector) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BlockStmt:
		c.removals(&n.List)
	case *ast.BinaryExpr:
		c.halves(n)
	}
	return true
}

// removals offers to take each case or if out of list.
func (c *collector) removals(list *[]ast.Stmt) {
	for i, s := range *list {
		var what string
		switch s := s.(type) {
		case *ast.CaseClause:
			what = "case " + c.text(s.List)
		case *ast.IfStmt:
			what = "if " + c.text([]ast.Expr{s.Cond})
		default:
			continue
		}
		c.add("without "+what, func() { *list = slices.Delete(*list, i, i+1) })
	}
}

// halves offers to do without each side of an "&&" or "||".
func (c *collector) halves(both *ast.BinaryExpr) {
	nothing := map[token.Token]string{token.LAND: "true", token.LOR: "false"}[both.Op]
	if nothing == "" {
		return
	}
	text := c.text([]ast.Expr{both})
	c.add("only the first of "+text, func() { both.Y = ast.NewIdent(nothing) })
	c.add("only the second of "+text, func() { both.X = ast.NewIdent(nothing) })
}

func (c *collector) add(what string, make func()) {
	c.found = append(c.found, change{c.fn + ": " + what, make})
}

func (c *collector) text(list []ast.Expr) string {
	var out bytes.Buffer
	for i, e := range list {
		if i > 0 {
			out.WriteString(", ")
		}
		if err := format.Node(&out, c.set, e); err != nil {
			return "?"
		}
	}
	return out.String()
}
