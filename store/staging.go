package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/directory"
	"postern/policy"
)

// The temporary tables of an import. They hold the columns of the tables that
// they are named after, without their indexes: the accounts whole, attributes
// and memberships step by step. staged_joins are the memberships of accounts
// that exist, staged_groups are the groups that anybody joins.
const (
	stagedTables = `CREATE TEMPORARY TABLE staged_accounts AS SELECT ` + accountFields + ` FROM accounts WHERE 1 = 0;
CREATE TEMPORARY TABLE staged_attributes AS SELECT ` + attributeFields + ` FROM account_attributes WHERE 1 = 0;
CREATE TEMPORARY TABLE staged_members (group_id TEXT NOT NULL, account_id TEXT NOT NULL);
CREATE TEMPORARY TABLE staged_joins (group_id TEXT NOT NULL, account_id TEXT NOT NULL);
CREATE TEMPORARY TABLE staged_groups (group_id TEXT NOT NULL, name_key TEXT NOT NULL, login TEXT NOT NULL)`

	memberStage = `INSERT INTO staged_members (group_id, account_id) VALUES ($1, $2)`
	joinStage   = `INSERT INTO staged_joins (group_id, account_id) VALUES ($1, $2)`
	groupStage  = `INSERT INTO staged_groups (group_id, name_key, login) VALUES ($1, $2, $3)`

	accountsMove   = `INSERT INTO accounts (` + accountFields + `) SELECT ` + accountFields + ` FROM staged_accounts`
	attributesMove = `INSERT INTO account_attributes (` + attributeFields + `) SELECT ` + attributeFields + ` FROM staged_attributes`
	membersMove    = `INSERT INTO group_accounts (group_id, account_id)
  SELECT group_id, account_id FROM staged_members WHERE 1 = 1 ORDER BY 1, 2
  ON CONFLICT (group_id, account_id) DO NOTHING`
	joinsMove = `INSERT INTO group_accounts (group_id, account_id)
  SELECT group_id, account_id FROM staged_joins WHERE 1 = 1 ORDER BY 1, 2
  ON CONFLICT (group_id, account_id) DO NOTHING`
	attributesClear = `DELETE FROM staged_attributes`
	membersClear    = `DELETE FROM staged_members`
	groupsTouch     = `UPDATE groups SET modified_at = $1 WHERE id IN (SELECT group_id FROM staged_groups)`

	groupMissing = `SELECT s.name_key, s.login FROM staged_groups s
  WHERE NOT EXISTS (SELECT 1 FROM groups g WHERE g.id = s.group_id AND g.name_key = s.name_key) LIMIT 1`

	uidsAmong = `SELECT uid_number FROM accounts WHERE uid_number BETWEEN $1 AND $2`
)

// conflicting find a staged account that cannot be added, by what is taken.
var conflicting = []string{
	`SELECT s.login FROM staged_accounts s JOIN accounts a ON a.kind = s.kind AND a.login_key = s.login_key LIMIT 1`,
	`SELECT s.login FROM staged_accounts s JOIN accounts a ON a.id = s.id LIMIT 1`,
	`SELECT s.login FROM staged_accounts s JOIN accounts a ON a.uid_number = s.uid_number LIMIT 1`,
	`SELECT max(login) FROM staged_accounts GROUP BY kind, login_key HAVING count(*) > 1 LIMIT 1`,
	`SELECT max(login) FROM staged_accounts GROUP BY id HAVING count(*) > 1 LIMIT 1`,
	`SELECT max(login) FROM staged_accounts GROUP BY uid_number HAVING count(*) > 1 LIMIT 1`,
}

// stage fills the temporary tables with what one transaction adds, accounts in
// the order of ids: that is how the largest indexes grow fastest. It takes no
// lock that anybody waits for, but for numbers. What cannot be added is found
// here, unless it comes about meanwhile.
func (i *importing) stage(ctx context.Context) error {
	if err := numberAccounts(i.ses, i.im.Add); err != nil {
		return err
	}
	byID := func(a, b policy.Holder) int { return strings.Compare(a.Account.ID, b.Account.ID) }
	i.im.Add = slices.SortedFunc(slices.Values(i.im.Add), byID)
	err := i.ses.within("BEGIN", func(ses *session) error {
		if err := ses.script(stagedTables); err != nil {
			return err
		}
		for _, g := range i.im.Groups {
			if key, err := directory.NormalizeLogin(g.Name); err == nil {
				i.groups[key] = g.ID
			}
		}
		for _, h := range i.im.Add {
			if err := errors.Join(ctx.Err(), i.stageAccount(h)); err != nil {
				return fmt.Errorf("account %s: %w", h.Account.Login, err)
			}
		}
		return i.stageChanges()
	})
	if err != nil {
		return err
	}
	return nameConflict(i.ses, nil)
}

// stageAccount stages the row of an account, and finds the groups it joins.
func (i *importing) stageAccount(h policy.Holder) error {
	row, k, err := accountRow(h)
	if err != nil {
		return err
	}
	if _, err := i.ses.exec(stagedAccount, row...); err != nil {
		return err
	}
	i.trigrams.add(k)
	for _, name := range h.Groups {
		if _, err := i.group(name, h.Account.Login); err != nil {
			return err
		}
	}
	return nil
}

// group is the id of a group that somebody joins.
func (i *importing) group(name, login string) (id string, err error) {
	key, err := directory.NormalizeLogin(name)
	if err != nil {
		return "", fmt.Errorf("group %s: %w", name, directory.ErrNotFound)
	}
	id = i.groups[key]
	if id == "" {
		g, err := groupNamed(i.ses, key)
		if err != nil {
			return "", fmt.Errorf("group %s: %w", name, err)
		}
		id = g.ID
	}
	if i.joined[key] {
		return id, nil
	}
	i.groups[key], i.joined[key] = id, true
	_, err = i.ses.exec(groupStage, id, key, login)
	return id, err
}

// stageChanges stages what accounts that exist join, and the trigrams of the
// values they are to have.
func (i *importing) stageChanges() error {
	for _, c := range i.im.Changes {
		for _, name := range c.Join {
			id, err := i.group(name, c.AccountID)
			if err == nil {
				_, err = i.ses.exec(joinStage, id, c.AccountID)
			}
			if err != nil {
				return fmt.Errorf("account %s: %w", c.AccountID, err)
			}
		}
		if c.Change.Name == nil && c.Change.Mail == nil && len(c.Change.Attributes) == 0 {
			continue
		}
		old, err := keysOf(i.ses, accountKeys, c.AccountID)
		if err != nil {
			return err
		}
		i.renamed = append(i.renamed, renamed{c.AccountID, old})
		i.trigrams.add(keysOfChange(old.number, c.Change))
	}
	return nil
}

// numberAccounts gives every account of list that brings none a free number. A
// number that is taken and not used then is gone, as always.
func numberAccounts(ses *session, list []policy.Holder) error {
	taken, need := map[int64]bool{}, []*int64{}
	for i := range list {
		if n := &list[i].Account.UIDNumber; *n != 0 {
			taken[*n] = true
		} else {
			need = append(need, n)
		}
	}
	for len(need) > 0 {
		last, err := next(ses, "uid_number", len(need))
		if err != nil {
			return err
		}
		first := last - int64(len(need)) + 1
		err = ses.each(uidsAmong, []any{first, last}, func(r *row) error { taken[r.int()] = true; return nil })
		if err != nil {
			return err
		}
		for n := first; n <= last; n++ {
			if !taken[n] {
				*need[0], need = n, need[1:]
			}
		}
	}
	return nil
}

// missingGroup is the error of a membership whose group is not there, or was
// replaced by another of that name.
func missingGroup(ses *session) error {
	return ses.each(groupMissing, nil, func(r *row) error {
		return fmt.Errorf("group %s of account %s: %w", r.text(), r.text(), directory.ErrNotFound)
	})
}

// nameConflict adds to err the account that brought it about. Without an err it
// is ErrConflict where there is such an account.
func nameConflict(ses *session, err error) error {
	for _, text := range conflicting {
		login := ""
		if asking := ses.each(text, nil, func(r *row) error { login = r.text(); return nil }); asking != nil || login == "" {
			continue
		}
		if err == nil {
			err = directory.ErrConflict
		}
		return fmt.Errorf("account %s: %w", login, err)
	}
	return err
}
