package directory

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
)

// TestEveryKindOfEventIsListed reads the constants from the source.
func TestEveryKindOfEventIsListed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[EventKind]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "EventKind" {
				word, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil || declared[EventKind(word)] {
					t.Errorf("%s: %q stands twice, or is no word (%v)", v.Names[0].Name, word, err)
				}
				declared[EventKind(word)] = true
			}
		}
		return true
	})
	for _, kind := range EventKinds {
		if !declared[kind] {
			t.Errorf("%q is listed twice, or is no constant", kind)
		}
		delete(declared, kind)
	}
	for kind := range declared {
		t.Errorf("%q is not listed", kind)
	}
}
