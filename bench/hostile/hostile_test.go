//go:build linux

package main

import (
	"testing"

	"postern/bench/site"
)

// TestPosternStandsTheShortForm does a little of everything to the plain
// binary: it lives, others sign in meanwhile, and in the end it holds no more
// than before.
func TestPosternStandsTheShortForm(t *testing.T) {
	dir := t.TempDir()
	binary, err := site.Build(t.Context(), "../..", dir)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := attack(t.Context(), openers(binary, dir)[0], short, &r); err != nil {
		t.Fatal(err)
	}
	if err := r.verdict(); err != nil {
		t.Error(err)
	}
	if len(r.names) < 25 || len(r.state) != 1 {
		t.Errorf("%d things were done and %d states compared", len(r.names), len(r.state))
	}
}

func TestAServerNobodyKnowsIsRefused(t *testing.T) {
	if err := known("Postern,slapd,FreeRADIUS,gldap"); err != nil {
		t.Error(err)
	}
	for _, list := range []string{"postern", "Postern,", "", "Postern, slapd"} {
		if known(list) == nil {
			t.Errorf("-targets %q attacks less than it says", list)
		}
	}
}
