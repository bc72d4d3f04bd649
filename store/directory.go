package store

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"postern/directory"
)

const (
	directGroupNames = `(SELECT COALESCE(string_agg(g.name, ' '), '') FROM group_accounts ga
    JOIN groups g ON g.id = ga.group_id WHERE ga.account_id = a.id)`
	nestedGroupNames = `(WITH RECURSIVE up (id) AS (
      SELECT group_id FROM group_accounts WHERE account_id = a.id
      UNION
      SELECT gg.group_id FROM group_groups gg JOIN up ON gg.member_group_id = up.id)
    SELECT COALESCE(string_agg(g.name, ' '), '') FROM up JOIN groups g ON g.id = up.id)`
	directParentNames = `(SELECT COALESCE(string_agg(p.name, ' '), '') FROM group_groups gg
    JOIN groups p ON p.id = gg.group_id WHERE gg.member_group_id = g.id)`
	nestedParentNames = `(WITH RECURSIVE up (id) AS (
      SELECT group_id FROM group_groups WHERE member_group_id = g.id
      UNION
      SELECT gg.group_id FROM group_groups gg JOIN up ON gg.member_group_id = up.id)
    SELECT COALESCE(string_agg(p.name, ' '), '') FROM up JOIN groups p ON p.id = up.id)`

	directoryCounts = `SELECT (SELECT count(*) FROM accounts WHERE kind = 0), (SELECT count(*) FROM groups),
    (SELECT count(*) FROM accounts WHERE kind = 1)`

	groupsAbove = `WITH RECURSIVE up (id) AS (
      SELECT ga.group_id FROM group_accounts ga JOIN accounts a ON a.id = ga.account_id WHERE a.kind = $1 AND a.login_key = $2
      UNION
      SELECT gg.group_id FROM group_groups gg JOIN up ON gg.member_group_id = up.id)
    SELECT g.name_key FROM up JOIN groups g ON g.id = up.id`
	groupsAboveGroup = `WITH RECURSIVE up (id) AS (
      SELECT gg.group_id FROM group_groups gg JOIN groups m ON m.id = gg.member_group_id WHERE m.name_key = $1
      UNION
      SELECT gg.group_id FROM group_groups gg JOIN up ON gg.member_group_id = up.id)
    SELECT g.name_key FROM up JOIN groups g ON g.id = up.id`
	groupsBelow = `WITH RECURSIVE down (id) AS (
      SELECT id FROM groups WHERE name_key = $1
      UNION
      SELECT gg.member_group_id FROM group_groups gg JOIN down ON gg.group_id = down.id)
    SELECT g.name_key FROM down JOIN groups g ON g.id = down.id`
)

// AccountEntries returns one batch of the accounts that q selects, in id
// order. Nothing is held open behind it.
func (s *Store) AccountEntries(ctx context.Context, q directory.Query, d directory.Detail) ([]directory.AccountEntry, error) {
	var room [maxEntryKeys]entryKey
	if keys := entryKeysOf(room[:0], q, d); len(keys) > 0 {
		if list, err := s.entriesOf(ctx, keys); err != nil || len(list) <= cmp.Or(q.Limit, batch) {
			return list, err
		}
		// Many have the same address: batch by batch.
	}
	return s.listAccounts(ctx, q, d)
}

// listAccounts is AccountEntries by a query.
func (s *Store) listAccounts(ctx context.Context, q directory.Query, d directory.Detail) (list []directory.AccountEntry, err error) {
	l := lookup{indexes: accountLookups, kind: int64(q.Kind), byKind: true}
	reading := s.view
	if d&directory.WithAttributes != 0 {
		reading = s.snapshot
	}
	err = reading(ctx, "reading accounts for the directory", func(ses *session) error {
		if err := l.narrow(ses, q.AnyOf); err != nil {
			return err
		}
		text := `SELECT ` + accountColumns + groupNames(d, directGroupNames, nestedGroupNames) + ` FROM accounts a` + l.clauses("a", q)
		err := ses.listing(text, q, l.args, func(r *row) error {
			list = append(list, directory.AccountEntry{Account: readAccount(r), MemberOf: readNames(r, d)})
			return nil
		})
		if err == nil && d&directory.WithAttributes != 0 {
			err = readAttributes(ses, list)
		}
		return err
	})
	return list, err
}

// GroupEntries returns one batch of the groups that q selects, in id order.
func (s *Store) GroupEntries(ctx context.Context, q directory.Query, d directory.Detail) (list []directory.GroupEntry, err error) {
	l := lookup{indexes: groupLookups}
	err = s.snapshot(ctx, "reading groups for the directory", func(ses *session) error {
		if err := l.narrow(ses, q.AnyOf); err != nil {
			return err
		}
		text := `SELECT ` + groupColumns + groupNames(d, directParentNames, nestedParentNames) + ` FROM groups g` + l.clauses("g", q)
		err := ses.listing(text, q, l.args, func(r *row) error {
			list = append(list, directory.GroupEntry{Group: readGroup(r), MemberOf: readNames(r, d)})
			return nil
		})
		if err != nil || d&directory.WithMembers == 0 {
			return err
		}
		for i := range list {
			if list[i].Members, err = membersOf(ses, list[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// DirectoryCounts says how many entries of each kind there are.
func (s *Store) DirectoryCounts(ctx context.Context) (c directory.Counts, err error) {
	err = s.view(ctx, "counting entries", func(ses *session) error {
		return ses.only(directoryCounts, nil, func(r *row) error {
			c = directory.Counts{People: int(r.int()), Groups: int(r.int()), ServiceAccounts: int(r.int())}
			return nil
		})
	})
	return c, err
}

// GroupsAbove returns the normalised names of the groups that hold m, however
// deep. Of m the name counts, normalised, with its kind or that it is a group.
func (s *Store) GroupsAbove(ctx context.Context, m directory.Member) ([]string, error) {
	if m.Group {
		return s.groupKeys(ctx, groupsAboveGroup, m.Name)
	}
	return s.groupKeys(ctx, groupsAbove, int64(m.Kind), m.Name)
}

// GroupsBelow returns the normalised names of the group of that normalised
// name and of the groups in it, however deep; none where there is no such
// group.
func (s *Store) GroupsBelow(ctx context.Context, name string) ([]string, error) {
	return s.groupKeys(ctx, groupsBelow, name)
}

func (s *Store) groupKeys(ctx context.Context, text string, args ...any) (keys []string, err error) {
	err = s.view(ctx, "following groups", func(ses *session) error {
		return ses.each(text, args, func(r *row) error { keys = append(keys, r.text()); return nil })
	})
	return keys, err
}

// groupNames is the column of the names of groups that d asks for.
func groupNames(d directory.Detail, direct, nested string) string {
	switch {
	case d&directory.WithMemberOf == 0:
		return ""
	case d&directory.WithNested == 0:
		return ", " + direct
	}
	return ", " + nested
}

// readNames reads that column. Names of groups hold no spaces.
func readNames(r *row, d directory.Detail) []string {
	if d&directory.WithMemberOf == 0 {
		return nil
	}
	return strings.Fields(r.text())
}

func membersOf(ses *session, groupID string) (list []directory.Member, err error) {
	for _, text := range []string{groupMembers, accountMembers} {
		err := ses.each(text, []any{groupID}, func(r *row) error {
			list = append(list, directory.Member{Group: r.bool(), Kind: directory.Kind(r.int()), ID: r.text(), Name: r.text()})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// listing runs a text of lookup. Those of one term at most are few, and kept
// prepared, but for those that list what the trigrams found.
func (s *session) listing(text string, q directory.Query, args []any, read func(*row) error) error {
	if len(q.AnyOf) > 1 || len(q.AnyOf) == 1 && q.AnyOf[0].Match == directory.Contains {
		return s.adhoc(text, args, read)
	}
	return s.each(text, args, read)
}

// attributeSteps are how many accounts one statement reads the attributes of:
// the least that is enough, its last id repeated, so that there are few texts.
var attributeSteps = []struct {
	size int
	text string
}{{1, attributesFor(1)}, {16, attributesFor(16)}, {128, attributesFor(128)}, {512, attributesFor(512)}}

func attributesFor(n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	return `SELECT account_id, name, value FROM account_attributes WHERE account_id IN (` + strings.Join(marks, ", ") +
		`) ORDER BY account_id, name_key, position`
}

// readAttributes fills in the attributes of all accounts of a batch.
func readAttributes(ses *session, list []directory.AccountEntry) error {
	for len(list) > 0 {
		step := attributeSteps[0]
		for _, s := range attributeSteps {
			if step = s; s.size >= len(list) {
				break
			}
		}
		some := list[:min(len(list), step.size)]
		if err := readAttributesOf(ses, step.text, step.size, some); err != nil {
			return err
		}
		list = list[len(some):]
	}
	return nil
}

// readAttributesOf runs a text for size accounts. Both come in the order of ids.
func readAttributesOf(ses *session, text string, size int, list []directory.AccountEntry) error {
	args := make([]any, size)
	for i := range args {
		args[i] = list[min(i, len(list)-1)].ID
	}
	at := 0
	return ses.each(text, args, func(r *row) error {
		id, name, value := r.text(), r.text(), r.text()
		for at < len(list)-1 && list[at].ID != id {
			at++
		}
		addAttribute(&list[at], name, value)
		return nil
	})
}
