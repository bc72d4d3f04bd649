package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"testing"
)

// axis is one dimension of the space of Facts: the words the golden table
// uses for its values, in the order of the constants, and how to set it.
type axis struct {
	name  string
	words []string
	set   func(*Facts, int)
}

var switchWords = []string{"off", "on"}

// axes lists every dimension, in the order of the golden table's columns.
var axes = []axis{
	{"Trouble", []string{"none", "queue", "broken"}, func(f *Facts, i int) { f.Trouble = Trouble(i) }},
	{"AccountState", []string{"unknown", "disabled", "expired", "active"}, func(f *Facts, i int) { f.Account = AccountState(i) }},
	{"AccountKind", []string{"service", "person"}, func(f *Facts, i int) { f.Kind = AccountKind(i) }},
	{"Match", []string{"nothing", "primary", "primary+2nd", "app-pw", "revoked", "expired", "unused", "elsewhere", "network", "forged", "wrong-2nd"},
		func(f *Facts, i int) { f.Match = Match(i) }},
	{"ClientKind", []string{"legacy", "legacy-otp", "interactive"}, func(f *Facts, i int) { f.Client = ClientKind(i) }},
	{"MFAState", []string{"enforced", "enabled", "off"}, func(f *Facts, i int) { f.MFA = MFAState(i) }},
	{"Demand", []string{"demanded", "free"}, func(f *Facts, i int) { f.Demand = Demand(i) }},
	{"ReportOnly", switchWords, func(f *Facts, i int) { f.ReportOnly = i == 1 }},
	{"Grace", switchWords, func(f *Facts, i int) { f.Grace = i == 1 }},
	{"Braked", switchWords, func(f *Facts, i int) { f.Braked = i == 1 }},
}

// point is one place in the space: an index into each axis.
type point [10]int

func (p point) facts() Facts {
	var f Facts
	for i, a := range axes {
		a.set(&f, p[i])
	}
	return f
}

// everyPoint walks the whole space.
func everyPoint() iter.Seq[point] {
	return func(yield func(point) bool) {
		for p, more := (point{}), true; more; p, more = next(p) {
			if !yield(p) {
				return
			}
		}
	}
}

func next(p point) (point, bool) {
	for i := range p {
		if p[i]++; p[i] < len(axes[i].words) {
			return p, true
		}
		p[i] = 0
	}
	return p, false
}

func everyFacts() iter.Seq[Facts] {
	return func(yield func(Facts) bool) {
		for p := range everyPoint() {
			if !yield(p.facts()) {
				return
			}
		}
	}
}

// TestGoldenAxesNameEveryConstant fails when a constant is added to one of the
// types of Facts and the table is not told.
func TestGoldenAxesNameEveryConstant(t *testing.T) {
	counted := constantsPerType(t, "facts.go")
	for name, n := range constantsPerType(t, "attempt.go") {
		counted[name] = n
	}
	for _, a := range axes[:7] {
		if counted[a.name] != len(a.words) {
			t.Errorf("%s has %d constants, the golden table knows %d", a.name, counted[a.name], len(a.words))
		}
	}
	if fields := fieldsOf(t, "facts.go", "Facts"); fields != len(axes) {
		t.Errorf("Facts has %d fields, the golden table knows %d", fields, len(axes))
	}
}

// constantsPerType counts the constants of each const block under the type
// its first line names.
func constantsPerType(t *testing.T, file string) map[string]int {
	t.Helper()
	counted := map[string]int{}
	for _, decl := range parse(t, file).Decls {
		block, ok := decl.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST {
			continue
		}
		if typ, ok := block.Specs[0].(*ast.ValueSpec).Type.(*ast.Ident); ok {
			counted[typ.Name] = len(block.Specs)
		}
	}
	return counted
}

func fieldsOf(t *testing.T, file, typ string) (n int) {
	t.Helper()
	ast.Inspect(parse(t, file), func(node ast.Node) bool {
		spec, ok := node.(*ast.TypeSpec)
		if ok && spec.Name.Name == typ {
			n = spec.Type.(*ast.StructType).Fields.NumFields()
		}
		return true
	})
	return n
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
