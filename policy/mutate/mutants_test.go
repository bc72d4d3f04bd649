package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

const sample = `package sample

func f(a, b, c bool) int {
	switch {
	case a && b:
		return 1
	case b || c:
		return 2
	}
	if a {
		return 3
	}
	return 4
}
`

func TestEachCaseIfAndHalfIsTakenAwayOnce(t *testing.T) {
	all, err := mutants([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ name, gone string }{
		{"f: without if a", "if a"},
		{"f: without case a && b", "case a"},
		{"f: without case b || c", "case b"},
		{"f: only the first of a && b", "&& b"},
		{"f: only the second of a && b", "a &&"},
		{"f: only the first of b || c", "|| c"},
		{"f: only the second of b || c", "b ||"},
	}
	if len(all) != len(want) {
		t.Fatalf("%d mutants, want %d", len(all), len(want))
	}
	for i, w := range want {
		if all[i].name != w.name || bytes.Contains(all[i].source, []byte(w.gone)) {
			t.Errorf("mutant %q still has %q, or is not %q:\n%s", all[i].name, w.gone, w.name, all[i].source)
		}
	}
}

func TestEveryCaseOfTheRulesIsAmongThem(t *testing.T) {
	src, err := os.ReadFile("../decide.go")
	if err != nil {
		t.Fatal(err)
	}
	all, err := mutants(src)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, m := range all {
		if strings.Contains(m.name, ": without ") {
			taken++
		}
	}
	written := bytes.Count(src, []byte("\n\tcase ")) + bytes.Count(src, []byte("\n\tif "))
	if taken != written || taken < 20 {
		t.Errorf("%d cases are taken away, the source has %d", taken, written)
	}
}

func TestAMissedMutantIsCountedAndNamed(t *testing.T) {
	blind := func(src []byte) (bool, error) {
		return string(src) != sample && bytes.Contains(src, []byte("return 2")), nil
	}
	var out strings.Builder
	missed, err := try([]byte(sample), blind, &out)
	if err != nil || missed != 1 {
		t.Errorf("missed %d, error %v", missed, err)
	}
	if !strings.Contains(out.String(), "MISSED  f: without case b || c\n") || !strings.Contains(out.String(), "6 of 7 caught\n") {
		t.Errorf("printed:\n%s", out.String())
	}
}

func TestFailingTestsSayNothingAboutMutants(t *testing.T) {
	if _, err := try([]byte(sample), func([]byte) (bool, error) { return true, nil }, new(strings.Builder)); err == nil {
		t.Error("tests that fail without any change were taken as catching")
	}
}
