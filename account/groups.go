package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"postern/directory"
)

// FindGroup returns the group of that name.
func (s *Service) FindGroup(ctx context.Context, name string) (directory.Group, error) {
	normal, err := directory.NormalizeLogin(name)
	if err != nil {
		return directory.Group{}, refuse(UnknownGroup, "there is no group %q", name)
	}
	g, err := s.Records.GroupByName(ctx, normal)
	if errors.Is(err, directory.ErrNotFound) {
		return directory.Group{}, refuse(UnknownGroup, "there is no group %q", name)
	}
	if err != nil {
		return directory.Group{}, fmt.Errorf("reading the group: %w", err)
	}
	return g, nil
}

// AddGroup makes an empty group and returns it, without its GIDNumber.
func (s *Service) AddGroup(ctx context.Context, actor Actor, name, description string) (directory.Group, error) {
	if r := checkGroupName(name); r != nil {
		return directory.Group{}, r
	}
	if r := checkText(BadName, "description", description, maxText); r != nil {
		return directory.Group{}, r
	}
	g, err := s.newGroup(name, description)
	if err != nil {
		return directory.Group{}, err
	}
	ev, err := s.groupEvent(actor, directory.EventGroupAdded, g, directory.Member{})
	if err != nil {
		return directory.Group{}, err
	}
	err = s.Records.AddGroup(ctx, g, ev)
	if errors.Is(err, directory.ErrConflict) {
		return directory.Group{}, refuse(GroupTaken, "there is a group %q already", name)
	}
	if err != nil {
		return directory.Group{}, fmt.Errorf("keeping the group: %w", err)
	}
	return g, nil
}

func (s *Service) newGroup(name, description string) (directory.Group, error) {
	id, err := directory.NewID(s.Random)
	if err != nil {
		return directory.Group{}, err
	}
	now := s.now()
	return directory.Group{ID: id, Name: name, Description: description, CreatedAt: now, ModifiedAt: now}, nil
}

// groupEvent names the group in the detail; m is the member that comes or
// goes, if any.
func (s *Service) groupEvent(actor Actor, kind directory.EventKind, g directory.Group, m directory.Member) (directory.Event, error) {
	ev, err := s.event(actor, kind, directory.Account{})
	if err != nil {
		return ev, err
	}
	ev.Detail = "group " + g.Name
	switch {
	case m.Group:
		ev.Detail += ", member group " + m.Name
	case m.ID != "":
		ev.AccountID, ev.Login = m.ID, m.Name
	}
	return ev, nil
}

// DeleteGroup removes a group and its memberships. One that the configuration
// names is refused: its members would lose a demand without a word.
func (s *Service) DeleteGroup(ctx context.Context, actor Actor, name string) error {
	g, err := s.FindGroup(ctx, name)
	if err != nil {
		return err
	}
	if key := s.namedBy(g.Name); key != "" {
		return refuse(GroupInUse, "group %q stands in the configuration (%s); take it out there first", g.Name, key)
	}
	ev, err := s.groupEvent(actor, directory.EventGroupDeleted, g, directory.Member{})
	if err != nil {
		return err
	}
	if err := s.Records.DeleteGroup(ctx, g.ID, ev); err != nil {
		return fmt.Errorf("deleting the group: %w", err)
	}
	return nil
}

// namedBy returns the key of the configuration that makes a demand of the
// members of the group, "" where none does.
func (s *Service) namedBy(group string) string {
	name, err := directory.NormalizeLogin(group)
	rules := s.Settings().Rules
	switch {
	case err != nil:
		return ""
	case slices.Contains(rules.MFAGroups, name):
		return "policy.mfa_groups or portal.admin_group"
	case slices.Contains(rules.AppPasswordGroups, name):
		return "policy.app_password_groups"
	}
	return ""
}

// AddMember puts an account or a group into a group. It returns false where it
// is in it already.
func (s *Service) AddMember(ctx context.Context, actor Actor, group string, m directory.Member) (bool, error) {
	return s.setMember(ctx, actor, group, m, true, directory.EventMemberAdded)
}

// RemoveMember takes an account or a group out of a group. It returns false
// where it is not in it.
func (s *Service) RemoveMember(ctx context.Context, actor Actor, group string, m directory.Member) (bool, error) {
	return s.setMember(ctx, actor, group, m, false, directory.EventMemberRemoved)
}

func (s *Service) setMember(ctx context.Context, actor Actor, group string, m directory.Member, in bool, kind directory.EventKind) (bool, error) {
	g, err := s.FindGroup(ctx, group)
	if err != nil {
		return false, err
	}
	ev, err := s.groupEvent(actor, kind, g, m)
	if err != nil {
		return false, err
	}
	changed, err := s.Records.SetMember(ctx, g.ID, m, in, ev)
	switch {
	case errors.Is(err, directory.ErrLoop):
		return false, refuse(GroupLoop, "group %q cannot hold %q: it would contain itself", g.Name, m.Name)
	case err != nil:
		return false, fmt.Errorf("keeping the membership: %w", err)
	}
	return changed, nil
}

// PersonMember returns the account of that login as a member.
func (s *Service) PersonMember(ctx context.Context, login string) (directory.Member, error) {
	h, err := s.Find(ctx, login)
	return directory.Member{ID: h.Account.ID, Name: h.Account.Login}, err
}

// GroupMember returns the group of that name as a member.
func (s *Service) GroupMember(ctx context.Context, name string) (directory.Member, error) {
	g, err := s.FindGroup(ctx, name)
	return directory.Member{Group: true, ID: g.ID, Name: g.Name}, err
}

// Members returns what a group holds directly.
func (s *Service) Members(ctx context.Context, g directory.Group) ([]directory.Member, error) {
	members, err := s.Records.Members(ctx, g.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the members: %w", err)
	}
	return members, nil
}
