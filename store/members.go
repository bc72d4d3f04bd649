package store

import (
	"context"
	"fmt"

	"postern/directory"
)

// membership is the pair of statements of one kind of member.
type membership struct{ add, remove string }

var (
	accountMembership = membership{
		add:    `INSERT INTO group_accounts (group_id, account_id) VALUES ($1, $2) ON CONFLICT (group_id, account_id) DO NOTHING`,
		remove: `DELETE FROM group_accounts WHERE group_id = $1 AND account_id = $2`,
	}
	groupMembership = membership{
		add:    `INSERT INTO group_groups (group_id, member_group_id) VALUES ($1, $2) ON CONFLICT (group_id, member_group_id) DO NOTHING`,
		remove: `DELETE FROM group_groups WHERE group_id = $1 AND member_group_id = $2`,
	}
)

const (
	groupMembers = `SELECT 1, 0, g.id, g.name FROM group_groups gg JOIN groups g ON g.id = gg.member_group_id
  WHERE gg.group_id = $1 ORDER BY g.name_key`
	accountMembers = `SELECT 0, a.kind, a.id, a.login FROM group_accounts ga JOIN accounts a ON a.id = ga.account_id
  WHERE ga.group_id = $1 ORDER BY a.login_key, a.kind`

	// groupHolds counts whether $2 is $1 or is in it, however deep.
	groupHolds = `WITH RECURSIVE down (id) AS (
      SELECT id FROM groups WHERE id = $1
      UNION
      SELECT gg.member_group_id FROM group_groups gg JOIN down ON gg.group_id = down.id)
    SELECT count(*) FROM down WHERE id = $2`
)

// Members returns what the group holds directly, groups first, each by name.
func (s *Store) Members(ctx context.Context, groupID string) (list []directory.Member, err error) {
	err = s.snapshot(ctx, "listing the members of a group", func(ses *session) error {
		list, err = membersOf(ses, groupID)
		return err
	})
	return list, err
}

// SetMember makes m a direct member of the group, or no longer one. Where that
// is so already nothing changes, nothing is recorded and changed is false.
// directory.ErrLoop: the group is m, or is in it. directory.ErrNotFound: there
// is no such group or member.
func (s *Store) SetMember(ctx context.Context, groupID string, m directory.Member, member bool, ev directory.Event) (changed bool, err error) {
	err = s.change(ctx, "changing the members of a group", func(ses *session) error {
		if err := setMember(ses, groupID, m, member); err != nil {
			return err
		}
		changed = true
		return ses.one(groupTouch, groupID, seconds(ev.At))
	}, ev)
	return changed && err == nil, err
}

func setMember(ses *session, groupID string, m directory.Member, member bool) error {
	texts := accountMembership
	if m.Group {
		texts = groupMembership
	}
	if !member {
		n, err := ses.exec(texts.remove, groupID, m.ID)
		if err == nil && n == 0 {
			err = errUnchanged
		}
		return err
	}
	if m.Group {
		if err := refuseLoop(ses, groupID, m.ID); err != nil {
			return err
		}
	}
	n, err := ses.exec(texts.add, groupID, m.ID)
	if err == nil && n == 0 {
		err = errUnchanged
	}
	return err
}

func refuseLoop(ses *session, groupID, memberID string) error {
	inside, err := ses.number(groupHolds, memberID, groupID)
	if err == nil && inside > 0 {
		err = directory.ErrLoop
	}
	return err
}

// joinGroups makes an account a direct member of the groups of those names.
func joinGroups(ses *session, accountID string, names []string, at int64) error {
	for _, name := range names {
		key, err := directory.NormalizeLogin(name)
		if err != nil {
			return fmt.Errorf("group %s: %w", name, directory.ErrNotFound)
		}
		g, err := groupNamed(ses, key)
		if err != nil {
			return fmt.Errorf("group %s: %w", name, err)
		}
		if n, err := ses.exec(accountMembership.add, g.ID, accountID); err != nil || n == 0 {
			if err != nil {
				return err
			}
			continue
		}
		if err := ses.one(groupTouch, g.ID, at); err != nil {
			return err
		}
	}
	return nil
}
