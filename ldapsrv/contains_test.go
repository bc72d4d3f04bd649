package ldapsrv

import (
	"strings"
	"testing"

	"postern/directory"
	"postern/ldapsrv/entry"
	"postern/ldapsrv/filter"
)

// TestASearchForAPartAsksForThatPart: every alternative of an address book's
// search narrows, because one that does not would have everybody read. An
// attribute that is compared by other rules than it is stored by only has to be
// there.
func TestASearchForAPartAsksForThatPart(t *testing.T) {
	tree, err := entry.NewTree(testBase, entry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	view := tree.View("")
	part := func(place int, name string) filter.Filter {
		return filter.Filter{Choice: filter.Substrings, Leaf: &filter.Assertion{Place: place, Attribute: []byte(name), Any: [][]byte{[]byte("Quis"), []byte("x")}}}
	}
	either := filter.Filter{Choice: filter.Or}
	for place, name := range []string{"cn", "sn", "givenName", "mail", "uid", "displayName", "title"} {
		either.Parts = append(either.Parts, part(place, name))
	}
	var m, other entry.Matcher
	if err := m.Prepare(t.Context(), view, either, entry.Everything, &fakeDirectory{}); err != nil {
		t.Fatal(err)
	}
	c := m.Candidates(entry.Person)
	asked := map[string]bool{}
	for _, term := range c.Terms {
		asked[term.Attribute] = true
		if term.Match != directory.Contains || term.Value != "quis" {
			t.Errorf("asked for %+v", term)
		}
	}
	for _, name := range []string{"cn", "uid", "mail", "+sn", "+givenname", "+displayname", "+title"} {
		if !asked[name] {
			t.Errorf("%s is not asked for, only %v", name, asked)
		}
	}
	if c.All {
		t.Error("everybody is asked for")
	}
	if err := other.Prepare(t.Context(), view, part(0, "telephoneNumber"), entry.Everything, &fakeDirectory{}); err != nil {
		t.Fatal(err)
	}
	for _, term := range other.Candidates(entry.Person).Terms {
		if term.Match != directory.Present || !strings.EqualFold(term.Attribute, "+telephoneNumber") {
			t.Errorf("of a telephone number, whose spaces do not count, asked for %+v", term)
		}
	}
}
