package main

import (
	"strings"
	"testing"
)

const (
	passing = `{"Action":"output","Package":"p","Output":"-test.shuffle 17\n"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	skipping = `{"Action":"output","Package":"p","Test":"TestB","Output":"no client here\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
`
	failing = `{"Action":"output","Package":"q","Output":"-test.shuffle 18\n"}
{"Action":"output","Package":"q","Test":"TestC","Output":"want 49, got 0\n"}
{"Action":"fail","Package":"q","Test":"TestC"}
{"Action":"fail","Package":"q"}
`
	dying = `{"Action":"output","Package":"p","Test":"TestD","Output":"panic: out of range\n"}
{"Action":"fail","Package":"p"}
`
	unbuilt = `{"ImportPath":"p","Action":"build-output","Output":"p.go:1: no such thing\n"}
{"ImportPath":"p","Action":"build-fail"}
`
)

func TestTheVerdictAndWhatIsPrinted(t *testing.T) {
	for _, c := range []struct {
		name, in string
		strict   bool
		ok       bool
		out      string
	}{
		{"all pass", passing, true, true, "ok  \tp\t0.1s\n1 passed, 0 failed, 0 skipped\n"},
		{"a skip in CI", passing + skipping, true, false,
			"ok  \tp\t0.1s\nskipped, which CI=true forbids: p TestB\n1 passed, 0 failed, 1 skipped\n"},
		{"a skip elsewhere", passing + skipping, false, true, "ok  \tp\t0.1s\n1 passed, 0 failed, 1 skipped\n"},
		{"a failure", passing + failing, false, false,
			"ok  \tp\t0.1s\nwant 49, got 0\n-test.shuffle 18\n1 passed, 1 failed, 0 skipped\n"},
		{"a process that died", passing + dying, false, false,
			"ok  \tp\t0.1s\npanic: out of range\n1 passed, 0 failed, 0 skipped\n"},
		{"a package that does not build", passing + unbuilt, false, false,
			"ok  \tp\t0.1s\np.go:1: no such thing\n1 passed, 0 failed, 0 skipped\n"},
		{"no event at all", "go: cannot find main module\n", false, false,
			"go: cannot find main module\n0 passed, 0 failed, 0 skipped\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tally := tally{strict: c.strict, pending: map[string][]string{}}
			var out strings.Builder
			if err := tally.read(strings.NewReader(c.in), &out); err != nil {
				t.Fatal(err)
			}
			if ok := tally.close(&out); ok != c.ok {
				t.Errorf("verdict %v, want %v", ok, c.ok)
			}
			if out.String() != c.out {
				t.Errorf("printed\n%s\nwant\n%s", out.String(), c.out)
			}
		})
	}
}
