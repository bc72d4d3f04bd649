package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// accountColumns are what a directory.Account is read from, but for its
// attributes.
const accountColumns = `a.id, a.kind, a.login, a.name, a.mail, a.disabled, a.expires_at, a.uid_number,
  a.password_changed_at, a.created_at, a.modified_at`

const (
	accountFields = `id, kind, login, login_key, name, name_key, mail, mail_key,
  password_hash, password_changed_at, mfa_demanded, disabled, expires_at, uid_number, created_at, modified_at`
	accountValues = ` (` + accountFields + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`
	accountChange = `UPDATE accounts SET modified_at = $2,
  name = COALESCE($3, name), name_key = COALESCE($4, name_key),
  mail = COALESCE($5, mail), mail_key = CASE WHEN $5 IS NULL THEN mail_key ELSE $6 END,
  disabled = COALESCE($7, disabled), expires_at = COALESCE($8, expires_at), mfa_demanded = COALESCE($9, mfa_demanded),
  password_hash = COALESCE($10, password_hash), password_changed_at = COALESCE($11, password_changed_at)
  WHERE id = $1`
	hashReplace   = `UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2`
	accountByID   = `SELECT ` + accountColumns + ` FROM accounts a WHERE a.id = $1`
	accountIs     = `SELECT count(*) FROM accounts WHERE id = $1`
	accountDelete = `DELETE FROM accounts WHERE id = $1`

	// accountLeaves moves the time of the groups that an account leaves.
	accountLeaves = `UPDATE groups SET modified_at = $2 WHERE id IN (SELECT group_id FROM group_accounts WHERE account_id = $1)`

	uidTaken = `SELECT count(*) FROM accounts WHERE uid_number = $1`

	attributesOf    = `SELECT name, value FROM account_attributes WHERE account_id = $1 ORDER BY name_key, position`
	attributeDelete = `DELETE FROM account_attributes WHERE account_id = $1 AND name_key = $2`
	attributeFields = `account_id, name, name_key, position, value, value_key`
	attributeValues = ` (` + attributeFields + `) VALUES ($1, $2, $3, $4, $5, $6)`
)

// The statements that add an account, to one place or another.
const (
	newAccount      = `INSERT INTO accounts` + accountValues
	newAttribute    = `INSERT INTO account_attributes` + attributeValues
	stagedAccount   = `INSERT INTO staged_accounts` + accountValues
	stagedAttribute = `INSERT INTO staged_attributes` + attributeValues
)

func readAccount(r *row) directory.Account {
	return directory.Account{
		ID: r.text(), Kind: directory.Kind(r.int()), Login: r.text(), Name: r.text(), Mail: r.text(),
		Disabled: r.bool(), ExpiresAt: r.time(), UIDNumber: r.int(),
		PasswordChangedAt: r.time(), CreatedAt: r.time(), ModifiedAt: r.time(),
	}
}

// Account reads an account with its attributes.
func (s *Store) Account(ctx context.Context, id string) (a directory.Account, err error) {
	err = s.snapshot(ctx, "reading an account", func(ses *session) error {
		a, err = account(ses, id)
		return err
	})
	return a, err
}

func account(ses *session, id string) (a directory.Account, err error) {
	err = ses.only(accountByID, []any{id}, func(r *row) error { a = readAccount(r); return nil })
	if err != nil {
		return directory.Account{}, err
	}
	a.Attributes, err = attributes(ses, id)
	return a, err
}

func attributes(ses *session, id string) (map[string][]string, error) {
	values := map[string][]string{}
	err := ses.each(attributesOf, []any{id}, func(r *row) error {
		name, value := r.text(), r.text()
		values[name] = append(values[name], value)
		return nil
	})
	return values, err
}

// AddAccount adds an account with its password hash, MFA switch and direct
// groups, given by name. A UIDNumber of 0 is replaced by the next free one.
// directory.ErrConflict: the login, the id or the number is taken.
// directory.ErrNotFound: a group is not there.
func (s *Store) AddAccount(ctx context.Context, h policy.Holder, ev directory.Event) error {
	return s.change(ctx, "adding an account", func(ses *session) error { return insertHolder(ses, h) }, ev)
}

func insertHolder(ses *session, h policy.Holder) (err error) {
	if h.Account.UIDNumber, err = takeNumber(ses, "uid_number", uidTaken, h.Account.UIDNumber); err != nil {
		return err
	}
	row, k, err := accountRow(h)
	if err != nil {
		return err
	}
	if _, err := ses.exec(newAccount, row...); err != nil {
		return err
	}
	if err := insertAttributes(ses, newAttribute, h.Account); err != nil {
		return err
	}
	if err := reindex(ses, keys{}, k); err != nil {
		return err
	}
	return joinGroups(ses, h.Account.ID, h.Groups, seconds(h.Account.CreatedAt))
}

// accountRow are the columns of an account, and the keys whose trigrams are to
// be kept.
func accountRow(h policy.Holder) (row []any, k keys, err error) {
	a := h.Account
	loginKey, err := directory.NormalizeLogin(a.Login)
	if err != nil {
		return nil, k, fmt.Errorf("login: %w", err)
	}
	mailKey, err := mailKeyOf(a.Mail)
	if err != nil {
		return nil, k, err
	}
	return []any{
		a.ID, int64(a.Kind), a.Login, loginKey, a.Name, directory.FoldText(a.Name), a.Mail, nullable(mailKey),
		h.PasswordHash.Reveal(), seconds(a.PasswordChangedAt), bit(h.MFADemanded), bit(a.Disabled), seconds(a.ExpiresAt),
		a.UIDNumber, seconds(a.CreatedAt), seconds(a.ModifiedAt),
	}, keysOfHolder(h, loginKey, mailKey), nil
}

// mailKeyOf is "" where there is no mail address.
func mailKeyOf(mail string) (string, error) {
	if mail == "" {
		return "", nil
	}
	key, err := directory.NormalizeLogin(mail)
	if err != nil {
		return "", fmt.Errorf("mail address: %w", err)
	}
	return key, nil
}

// takeNumber returns given, or the next number of counter that is free. A
// number is never given out twice: files on some disk may still bear it.
func takeNumber(ses *session, counter, taken string, given int64) (int64, error) {
	if given != 0 {
		return given, nil
	}
	for {
		n, err := next(ses, counter, 1)
		if err != nil {
			return 0, err
		}
		there, err := ses.number(taken, n)
		if err != nil || there == 0 {
			return n, err
		}
	}
}

// setAttributes replaces the values of every attribute named.
func setAttributes(ses *session, id string, values map[string][]string) error {
	for name, list := range values {
		if _, err := ses.exec(attributeDelete, id, directory.FoldText(name)); err != nil {
			return err
		}
		if err := insertAttribute(ses, newAttribute, id, name, list); err != nil {
			return err
		}
	}
	return nil
}

func insertAttributes(ses *session, text string, a directory.Account) error {
	for _, name := range slices.Sorted(maps.Keys(a.Attributes)) {
		if err := insertAttribute(ses, text, a.ID, name, a.Attributes[name]); err != nil {
			return err
		}
	}
	return nil
}

func insertAttribute(ses *session, text, id, name string, values []string) error {
	key := directory.FoldText(name)
	for i, v := range values {
		if _, err := ses.exec(text, id, name, key, i, v, directory.FoldText(v)); err != nil {
			return fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	return nil
}

// ChangeAccount applies c to an account, all of it or nothing.
func (s *Store) ChangeAccount(ctx context.Context, id string, c policy.AccountChange, ev directory.Event) error {
	return s.change(ctx, "changing an account", func(ses *session) error {
		return changeAccount(ses, id, c, ev.At)
	}, ev)
}

func changeAccount(ses *session, id string, c policy.AccountChange, at time.Time) error {
	if c.Name == nil && c.Mail == nil && len(c.Attributes) == 0 {
		return writeChange(ses, id, c, at)
	}
	return indexed(ses, accountKeys, id, func() error { return writeChange(ses, id, c, at) })
}

// writeChange is changeAccount but for the trigrams.
func writeChange(ses *session, id string, c policy.AccountChange, at time.Time) error {
	args, err := changeArgs(id, c, at)
	if err != nil {
		return err
	}
	if err := ses.one(accountChange, args...); err != nil {
		return err
	}
	if err := setAttributes(ses, id, c.Attributes); err != nil {
		return err
	}
	if c.RevokeAppPasswords {
		if _, err := ses.exec(appPasswordsRevoke, id, seconds(at)); err != nil {
			return err
		}
	}
	if c.EndSessions {
		if _, err := ses.exec(portalEndAll, id); err != nil {
			return err
		}
	}
	if c.ReleaseBrakes {
		if err := ses.one(brakeRelease, id); err != nil {
			return err
		}
	}
	if c.RemoveMethods {
		return removeMethods(ses, id)
	}
	return nil
}

// changeArgs are the arguments of accountChange: NULL leaves a column as it is.
func changeArgs(id string, c policy.AccountChange, at time.Time) ([]any, error) {
	args := []any{id, seconds(at), nil, nil, nil, nil, nil, nil, nil, nil, nil}
	if c.Name != nil {
		args[2], args[3] = *c.Name, directory.FoldText(*c.Name)
	}
	if c.Mail != nil {
		key, err := mailKeyOf(*c.Mail)
		if err != nil {
			return nil, err
		}
		args[4], args[5] = *c.Mail, nullable(key)
	}
	if c.Disabled != nil {
		args[6] = bit(*c.Disabled)
	}
	if c.ExpiresAt != nil {
		args[7] = seconds(*c.ExpiresAt)
	}
	if c.MFADemanded != nil {
		args[8] = bit(*c.MFADemanded)
	}
	if c.PasswordHash != nil {
		args[9], args[10] = c.PasswordHash.Reveal(), seconds(at)
		if c.PasswordHash.Empty() {
			args[10] = int64(0)
		}
	}
	return args, nil
}

// DeleteAccount removes an account with its credentials, second factors, codes
// and memberships. Its events stay.
func (s *Store) DeleteAccount(ctx context.Context, id string, ev directory.Event) error {
	return s.change(ctx, "deleting an account", func(ses *session) error {
		if _, err := ses.exec(accountLeaves, id, seconds(ev.At)); err != nil {
			return err
		}
		return indexed(ses, accountKeys, id, func() error { return ses.one(accountDelete, id) })
	}, ev)
}

// CompareAndSwapHash replaces the stored hash of an unchanged password, as
// after a change of the hash's cost. directory.ErrConflict: it is not old any
// more, and stays as it is.
func (s *Store) CompareAndSwapHash(ctx context.Context, id string, old, replacement secret.Text) error {
	return s.change(ctx, "renewing a password hash", func(ses *session) error {
		n, err := ses.exec(hashReplace, id, old.Reveal(), replacement.Reveal())
		if err == nil && n == 0 {
			err = directory.ErrConflict
		}
		return err
	})
}
