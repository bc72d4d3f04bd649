package browsertest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var axeSource = sync.OnceValues(func() (string, error) {
	file := filepath.Join("node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(file); err != nil {
		for try := 0; ; try++ { // the registry may have a bad moment
			out, err := exec.Command("npm", "ci", "--no-fund", "--no-audit").CombinedOutput()
			if err == nil {
				break
			}
			if try == 3 {
				return string(out), err
			}
		}
	}
	text, err := os.ReadFile(file)
	return string(text), err
})

// violation is what axe-core finds.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

// barriers looks through the page with axe-core, WCAG 2.2 A and AA, and fails
// the test for whatever it finds.
func (v *visit) barriers(name string) {
	v.t.Helper()
	needs(v.t, "npm")
	source, err := axeSource()
	if err != nil {
		v.t.Fatalf("installing axe-core: %v\n%s", err, source)
	}
	evaluate[bool](v, source+"\n;true")
	found := evaluate[string](v, `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
		.then((r) => JSON.stringify({ found: r.violations, passed: r.passes.length }))`)
	var r struct {
		Found  []violation
		Passed int
	}
	if err := json.Unmarshal([]byte(found), &r); err != nil {
		v.t.Fatal(err)
	}
	if r.Passed < 10 {
		v.t.Errorf("%s: only %d rules applied, so this does not look at the page", name, r.Passed)
	}
	for _, f := range r.Found {
		for _, n := range f.Nodes {
			v.t.Errorf("%s: %s (%s): %s\n\t%s\n\t%s", name, f.ID, f.Impact, f.Help, n.HTML, n.FailureSummary)
		}
	}
}

// TestAxeSeesBarriers shows that the tool finds what it is there to find.
func TestAxeSeesBarriers(t *testing.T) {
	needs(t, "npm")
	v := open(t, serve(t, ""), "en")
	v.goTo("/signin")
	source, err := axeSource()
	if err != nil {
		t.Fatal(err, source)
	}
	evaluate[bool](v, `document.querySelectorAll("label").forEach((l) => l.remove()), true`)
	evaluate[bool](v, source+"\n;true")
	if n := evaluate[int](v, `axe.run(document).then((r) => r.violations.filter((x) => x.id === "label").length)`); n == 0 {
		t.Error("fields without labels are not found")
	}
}
