package ldapsrv

import (
	"testing"

	"postern/directory"
	"postern/ldapsrv/entry"
	"postern/ldapsrv/filter"
)

// TestContainersAreCountedWhereThatIsAskedFor: counting everybody takes long,
// so a search by uid must not.
func TestContainersAreCountedWhereThatIsAskedFor(t *testing.T) {
	tree, err := entry.NewTree("dc=example,dc=org", entry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	view := tree.View("")
	for _, c := range []struct {
		leaf  filter.Assertion
		asked []string
		want  bool
	}{
		{filter.Assertion{Attribute: []byte("uid"), Value: []byte("ann")}, []string{"uid"}, false},
		{filter.Assertion{Attribute: []byte("uid"), Value: []byte("ann")}, []string{"*"}, false},
		{filter.Assertion{Attribute: []byte("uid"), Value: []byte("ann")}, []string{"numSubordinates"}, true},
		{filter.Assertion{Attribute: []byte("hasSubordinates"), Value: []byte("TRUE")}, []string{"uid"}, true},
	} {
		var m entry.Matcher
		if err := m.Prepare(t.Context(), view, filter.Filter{Choice: filter.Equal, Leaf: &c.leaf}, entry.Everything, &fakeDirectory{}); err != nil {
			t.Fatal(err)
		}
		o := view.Output(entry.People, entry.Select(c.asked), entry.Everything)
		if got := (m.Needs(entry.People)|o.Needs)&directory.WithBelow != 0; got != c.want {
			t.Errorf("(%s=%s) with %v needs a count: %v, want %v", c.leaf.Attribute, c.leaf.Value, c.asked, got, c.want)
		}
	}
}
