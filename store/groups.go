package store

import (
	"context"
	"fmt"

	"postern/directory"
)

const (
	groupColumns = `g.id, g.name, g.description, g.gid_number, g.created_at, g.modified_at`

	groupInsert = `INSERT INTO groups (id, name, name_key, description, gid_number, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	groupDelete = `DELETE FROM groups WHERE id = $1`
	groupByName = `SELECT ` + groupColumns + ` FROM groups g WHERE g.name_key = $1`
	groupTouch  = `UPDATE groups SET modified_at = $2 WHERE id = $1`
	// groupLeaves moves the time of the groups that a group leaves.
	groupLeaves = `UPDATE groups SET modified_at = $2 WHERE id IN (SELECT group_id FROM group_groups WHERE member_group_id = $1)`
	gidTaken    = `SELECT count(*) FROM groups WHERE gid_number = $1`
)

func readGroup(r *row) directory.Group {
	return directory.Group{
		ID: r.text(), Name: r.text(), Description: r.text(), GIDNumber: r.int(), CreatedAt: r.time(), ModifiedAt: r.time(),
	}
}

// GroupByName finds a group by its name, however it is written.
func (s *Store) GroupByName(ctx context.Context, name string) (g directory.Group, err error) {
	key, err := directory.NormalizeLogin(name)
	if err != nil {
		return g, directory.ErrNotFound
	}
	err = s.view(ctx, "looking up a group", func(ses *session) error {
		g, err = groupNamed(ses, key)
		return err
	})
	return g, err
}

func groupNamed(ses *session, key string) (g directory.Group, err error) {
	err = ses.only(groupByName, []any{key}, func(r *row) error { g = readGroup(r); return nil })
	return g, err
}

// AddGroup adds a group. A GIDNumber of 0 is replaced by the next free one.
// directory.ErrConflict: the name, the id or the number is taken.
func (s *Store) AddGroup(ctx context.Context, g directory.Group, ev directory.Event) error {
	return s.change(ctx, "adding a group", func(ses *session) error { return insertGroup(ses, g) }, ev)
}

func insertGroup(ses *session, g directory.Group) error {
	key, err := directory.NormalizeLogin(g.Name)
	if err != nil {
		return fmt.Errorf("group name: %w", err)
	}
	if g.GIDNumber, err = takeNumber(ses, "gid_number", gidTaken, g.GIDNumber); err != nil {
		return err
	}
	if _, err := ses.exec(groupInsert, g.ID, g.Name, key, g.Description, g.GIDNumber, seconds(g.CreatedAt), seconds(g.ModifiedAt)); err != nil {
		return err
	}
	k := keys{number: g.GIDNumber}
	k.add(trigramGroups, key)
	return reindex(ses, keys{}, k)
}

// DeleteGroup removes a group and its memberships, not its members.
func (s *Store) DeleteGroup(ctx context.Context, id string, ev directory.Event) error {
	return s.change(ctx, "deleting a group", func(ses *session) error {
		if _, err := ses.exec(groupLeaves, id, seconds(ev.At)); err != nil {
			return err
		}
		return indexed(ses, groupKeys, id, func() error { return ses.one(groupDelete, id) })
	}, ev)
}
