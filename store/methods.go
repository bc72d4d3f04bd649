package store

import (
	"context"
	"time"

	"postern/directory"
	"postern/policy"
)

const (
	methodsOf = `SELECT id, account_id, kind, label, sealed, counter, created_at, last_used_at FROM mfa_methods
  WHERE account_id = $1 ORDER BY created_at, id`
	methodInsert = `INSERT INTO mfa_methods (id, account_id, kind, label, sealed, counter, created_at, last_used_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	methodDelete  = `DELETE FROM mfa_methods WHERE account_id = $1 AND id = $2`
	methodsCount  = `SELECT COUNT(*) FROM mfa_methods WHERE account_id = $1`
	methodRename  = `UPDATE mfa_methods SET label = $3 WHERE account_id = $1 AND id = $2`
	methodAdvance = `UPDATE mfa_methods SET counter = $3, last_used_at = $4 WHERE id = $1 AND counter = $2
  AND ($3 > $2 OR $3 = 0 AND $2 = 0)`
	methodsDelete = `DELETE FROM mfa_methods WHERE account_id = $1`
)

// Methods returns the second factors of an account, oldest first.
func (s *Store) Methods(ctx context.Context, accountID string) (list []policy.Method, err error) {
	err = s.view(ctx, "listing second factors", func(ses *session) error {
		return ses.each(methodsOf, []any{accountID}, func(r *row) error {
			list = append(list, policy.Method{ID: r.text(), AccountID: r.text(), Kind: policy.MethodKind(r.text()), Label: r.text(),
				Sealed: r.bytes(), Counter: r.int(), CreatedAt: r.time(), LastUsedAt: r.time()})
			return nil
		})
	})
	return list, err
}

// AddMethod enrols a second factor. directory.ErrNotFound: there is no such
// account.
func (s *Store) AddMethod(ctx context.Context, m policy.Method, ev directory.Event) error {
	return s.change(ctx, "enrolling a second factor", func(ses *session) error {
		_, err := ses.exec(methodInsert, m.ID, m.AccountID, string(m.Kind), m.Label, m.Sealed, m.Counter, seconds(m.CreatedAt), seconds(m.LastUsedAt))
		return err
	}, ev)
}

// AdvanceMethod moves the counter from one value to a higher one and notes the
// use, so that a code counts once however many present it at a time.
// A key that does not count stays at 0. directory.ErrConflict: the counter does
// not stand at from any more, or to is no higher.
func (s *Store) AdvanceMethod(ctx context.Context, id string, from, to int64, at time.Time) error {
	return s.update(ctx, "using a second factor", func(ses *session) error {
		n, err := ses.exec(methodAdvance, id, from, to, seconds(at))
		if err == nil && n == 0 {
			err = directory.ErrConflict
		}
		return err
	})
}

// RemoveMethod removes a second factor of the account, where at least so many
// stay, however many are removed at a time. directory.ErrNotFound: it is not
// the account's. directory.ErrConflict: fewer would stay.
func (s *Store) RemoveMethod(ctx context.Context, accountID, id string, stay int, ev directory.Event) error {
	return s.change(ctx, "removing a second factor", func(ses *session) error {
		if err := ses.one(methodDelete, accountID, id); err != nil {
			return err
		}
		var left int64
		err := ses.only(methodsCount, []any{accountID}, func(r *row) error { left = r.int(); return nil })
		if err == nil && left < int64(stay) {
			err = directory.ErrConflict
		}
		return err
	}, ev)
}

// RenameMethod changes the label of a second factor of the account.
func (s *Store) RenameMethod(ctx context.Context, accountID, id, label string, ev directory.Event) error {
	return s.change(ctx, "renaming a second factor", func(ses *session) error {
		return ses.one(methodRename, accountID, id, label)
	}, ev)
}

// removeMethods takes every second factor and every code of an account.
func removeMethods(ses *session, accountID string) error {
	if _, err := ses.exec(methodsDelete, accountID); err != nil {
		return err
	}
	_, err := ses.exec(codesDeleteAll, accountID)
	return err
}
