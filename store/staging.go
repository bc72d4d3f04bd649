package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/directory"
	"postern/policy"
)

// The temporary tables of an import. They hold the columns of the tables that
// they are named after, without their indexes.
const (
	stagedTables = `CREATE TEMPORARY TABLE staged_accounts AS SELECT ` + accountFields + ` FROM accounts WHERE 1 = 0;
CREATE TEMPORARY TABLE staged_attributes AS SELECT ` + attributeFields + ` FROM account_attributes WHERE 1 = 0;
CREATE TEMPORARY TABLE staged_members (group_key TEXT NOT NULL, account_id TEXT NOT NULL, login TEXT NOT NULL);
CREATE TEMPORARY TABLE staged_events AS SELECT ` + eventColumns + `, seq, changed FROM events WHERE 1 = 0`

	memberStage = `INSERT INTO staged_members (group_key, account_id, login) VALUES ($1, $2, $3)`

	accountsMove   = `INSERT INTO accounts (` + accountFields + `) SELECT ` + accountFields + ` FROM staged_accounts`
	attributesMove = `INSERT INTO account_attributes (` + attributeFields + `) SELECT ` + attributeFields + ` FROM staged_attributes`
	membersMove    = `INSERT INTO group_accounts (group_id, account_id)
  SELECT g.id, s.account_id FROM staged_members s JOIN groups g ON g.name_key = s.group_key WHERE 1 = 1 ORDER BY 1, 2
  ON CONFLICT (group_id, account_id) DO NOTHING`
	groupsTouch = `UPDATE groups SET modified_at = $1 WHERE name_key IN (SELECT group_key FROM staged_members)`
	eventsMove  = `INSERT INTO events (` + eventColumns + `, seq, changed)
  SELECT ` + eventColumns + `, $1 + seq, $1 + seq FROM staged_events ORDER BY seq`

	groupMissing = `SELECT s.group_key, s.login FROM staged_members s
  WHERE NOT EXISTS (SELECT 1 FROM groups g WHERE g.name_key = s.group_key) LIMIT 1`
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

// stagingSettings keep the hashes off any other disk, and the indexes that grow
// in the transaction in memory: 256 MiB hold those of some hundred thousand
// accounts.
const stagingSettings = "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -262144"

// stage fills the temporary tables, in the order of ids: that is how the
// largest indexes grow fastest. It takes no lock that anybody waits for.
func stage(ctx context.Context, ses *session, im policy.Import) error {
	if err := ses.script(stagingSettings); err != nil {
		return err
	}
	im.Add = slices.SortedFunc(slices.Values(im.Add), func(a, b policy.Holder) int { return strings.Compare(a.Account.ID, b.Account.ID) })
	return ses.within("BEGIN", func(ses *session) error {
		if err := ses.script(stagedTables); err != nil {
			return err
		}
		for _, h := range im.Add {
			if err := stageAccount(ses, h); err != nil {
				return fmt.Errorf("account %s: %w", h.Account.Login, err)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		for _, c := range im.Changes {
			if err := stageMember(ses, c.AccountID, c.AccountID, c.Join); err != nil {
				return fmt.Errorf("account %s: %w", c.AccountID, err)
			}
		}
		for i, e := range im.Events {
			if err := insertEvent(ses, eventStage, e, int64(i+1)); err != nil {
				return err
			}
		}
		return nil
	})
}

func stageAccount(ses *session, h policy.Holder) error {
	if err := insertAccount(ses, stagedAccount, h); err != nil {
		return err
	}
	return stageMember(ses, h.Account.ID, h.Account.Login, h.Groups)
}

func stageMember(ses *session, accountID, login string, groups []string) error {
	for _, name := range groups {
		key, err := directory.NormalizeLogin(name)
		if err != nil {
			return fmt.Errorf("group %s: %w", name, directory.ErrNotFound)
		}
		if _, err := ses.exec(memberStage, key, accountID, login); err != nil {
			return err
		}
	}
	return nil
}

// missingGroup is the error of a membership whose group is not there.
func missingGroup(ses *session) error {
	return ses.each(groupMissing, nil, func(r *row) error {
		return fmt.Errorf("group %s of account %s: %w", r.text(), r.text(), directory.ErrNotFound)
	})
}

// nameConflict adds to err the account that brought it about.
func nameConflict(ses *session, err error) error {
	for _, text := range conflicting {
		login := ""
		if asking := ses.each(text, nil, func(r *row) error { login = r.text(); return nil }); asking == nil && login != "" {
			return fmt.Errorf("account %s: %w", login, err)
		}
	}
	return err
}
