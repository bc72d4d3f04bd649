package store

import (
	"context"
	"strings"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// holderColumns are what a Holder is read from, of the account a. Names of
// groups hold no spaces, so a space divides them.
const holderColumns = accountColumns + `, a.password_hash, a.mfa_demanded, a.brake_releases,
  EXISTS (SELECT 1 FROM mfa_methods m WHERE m.account_id = a.id),
  (WITH RECURSIVE up (id) AS (
      SELECT group_id FROM group_accounts WHERE account_id = a.id
      UNION
      SELECT gg.group_id FROM group_groups gg JOIN up ON gg.member_group_id = up.id)
   SELECT COALESCE(string_agg(g.name_key, ' '), '') FROM up JOIN groups g ON g.id = up.id)`

const (
	holderByID    = `SELECT ` + holderColumns + ` FROM accounts a WHERE a.id = $1`
	holderByLogin = `SELECT ` + holderColumns + ` FROM accounts a WHERE a.kind = $1 AND a.login_key = $2`
	// holderByName finds two rows where two accounts are denoted: the second is
	// only counted.
	holderByName = `SELECT ` + holderColumns + ` FROM accounts a WHERE a.id IN (` + denoted + `) LIMIT 2`
	// denoted is a union, because SQLite would answer an OR by reading everybody;
	// of all, because sorting out doubles takes longer than reading them.
	denoted = `SELECT id FROM accounts WHERE kind = $1 AND login_key = $2
    UNION ALL SELECT id FROM accounts WHERE kind = $1 AND mail_key = $3
    UNION ALL SELECT id FROM accounts WHERE kind = $1 AND login_key = $4`
)

// HolderByName finds the one account that name denotes, groups included; see
// policy.Records.
func (s *Store) HolderByName(ctx context.Context, name directory.Name) (h policy.Holder, err error) {
	if !name.Valid() {
		return h, directory.ErrNotFound
	}
	err = s.view(ctx, "looking up an account by name", func(ses *session) error {
		text, args := holderByLogin, []any{int64(name.Kind), name.Login}
		if !name.Simple() {
			text, args = holderByName, append(args, nullable(name.Mail), name.Local)
		}
		h, err = onlyHolder(ses, text, args)
		return err
	})
	return h, err
}

// HolderByID reads an account afresh, groups included; see policy.Records.
func (s *Store) HolderByID(ctx context.Context, id string) (h policy.Holder, err error) {
	err = s.view(ctx, "looking up an account by id", func(ses *session) error {
		h, err = onlyHolder(ses, holderByID, []any{id})
		return err
	})
	return h, err
}

// onlyHolder reads a holder and answers ErrNotFound for none and for two.
func onlyHolder(ses *session, text string, args []any) (h policy.Holder, err error) {
	err = ses.only(text, args, func(r *row) error { h = readHolder(r); return nil })
	if err != nil {
		return policy.Holder{}, err
	}
	return h, nil
}

func readHolder(r *row) policy.Holder {
	return policy.Holder{
		Account:       readAccount(r),
		PasswordHash:  secret.NewText(r.text()),
		MFADemanded:   r.bool(),
		BrakeReleases: r.int(),
		Enrolled:      r.bool(),
		Groups:        strings.Fields(r.text()),
	}
}
