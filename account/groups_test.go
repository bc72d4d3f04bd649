package account_test

import (
	"slices"
	"testing"

	"postern/account"
	"postern/directory"
)

func TestAGroupHoldsAccountsAndGroups(t *testing.T) {
	h := newHouse(t)
	h.group("Office")
	h.group("company")
	ann := h.add("ann")
	for group, member := range map[string]func() (directory.Member, error){
		"office":  func() (directory.Member, error) { return h.PersonMember(t.Context(), "ann") },
		"company": func() (directory.Member, error) { return h.GroupMember(t.Context(), "OFFICE") },
	} {
		m, err := member()
		ok(t, err)
		for _, want := range []bool{true, false} {
			if changed, err := h.AddMember(t.Context(), actor, group, m); err != nil || changed != want {
				t.Errorf("adding to %s: %t, %v; want %t", group, changed, err, want)
			}
		}
	}
	groups := slices.Sorted(slices.Values(h.holder(ann).Groups))
	if !slices.Equal(groups, []string{"company", "office"}) {
		t.Errorf("ann is in %q", groups)
	}
	g, err := h.FindGroup(t.Context(), "company")
	ok(t, err)
	members, err := h.Members(t.Context(), g)
	if err != nil || len(members) != 1 || !members[0].Group || members[0].Name != "Office" {
		t.Errorf("members %+v, %v", members, err)
	}

	m, err := h.PersonMember(t.Context(), "ann")
	ok(t, err)
	if changed, err := h.RemoveMember(t.Context(), actor, "office", m); err != nil || !changed {
		t.Errorf("removing: %t, %v", changed, err)
	}
	if groups := h.holder(ann).Groups; len(groups) != 0 {
		t.Errorf("ann is still in %q", groups)
	}
}

func TestAGroupNeverContainsItself(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"a", "b", "c"} {
		h.group(name)
	}
	put := func(group, member string) error {
		m, err := h.GroupMember(t.Context(), member)
		ok(t, err)
		_, err = h.AddMember(t.Context(), actor, group, m)
		return err
	}
	ok(t, put("a", "b"))
	ok(t, put("b", "c"))
	refused(t, put("a", "a"), account.GroupLoop)
	refused(t, put("c", "a"), account.GroupLoop)
}

func TestWhatCanBeNoGroupIsRefused(t *testing.T) {
	h := newHouse(t)
	h.group("office")
	for name, want := range map[string]account.Code{
		"OFFICE": account.GroupTaken, "": account.BadGroupName, "a b": account.BadGroupName, "a=b": account.BadGroupName,
	} {
		_, err := h.AddGroup(t.Context(), actor, name, "")
		refused(t, err, want)
	}
	_, err := h.AddGroup(t.Context(), actor, "x", "bell\x07")
	refused(t, err, account.BadName)
	for _, name := range []string{"nobody", "", "a b"} {
		_, err := h.FindGroup(t.Context(), name)
		refused(t, err, account.UnknownGroup)
	}
}

// TestADemandDoesNotVanishWithItsGroup: deleting it would turn MFA off for its
// members without a word.
func TestADemandDoesNotVanishWithItsGroup(t *testing.T) {
	h := newHouse(t)
	h.settings.Rules.AppPasswordGroups = []string{"workshop"}
	for _, name := range []string{"Staff", "workshop"} {
		h.group(name)
		refused(t, h.DeleteGroup(t.Context(), actor, name), account.GroupInUse)
	}
	h.settings.Rules.MFAGroups = nil
	ok(t, h.DeleteGroup(t.Context(), actor, "staff"))
}
