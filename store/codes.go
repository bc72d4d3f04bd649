package store

import (
	"context"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

const (
	codesDeleteAll = `DELETE FROM codes WHERE account_id = $1`
	codesDelete    = `DELETE FROM codes WHERE account_id = $1 AND purpose = $2`
	codeInsert     = `INSERT INTO codes (digest, account_id, purpose, created_at, expires_at, spent_at) VALUES ($1, $2, $3, $4, $5, 0)`
	codeSpend      = `UPDATE codes SET spent_at = $4 WHERE digest = $1 AND account_id = $2 AND purpose = $3
  AND spent_at = 0 AND (expires_at = 0 OR expires_at > $4)`
	codesLeft = `SELECT count(*) FROM codes WHERE account_id = $1 AND purpose = $2
  AND spent_at = 0 AND (expires_at = 0 OR expires_at > $3)`
)

// ReplaceCodes makes set the account's codes for that purpose: earlier ones
// count no more.
func (s *Store) ReplaceCodes(ctx context.Context, set policy.CodeSet, ev directory.Event) error {
	return s.change(ctx, "replacing one-time codes", func(ses *session) error {
		if _, err := ses.exec(codesDelete, set.AccountID, string(set.Purpose)); err != nil {
			return err
		}
		for _, d := range set.Digests {
			_, err := ses.exec(codeInsert, d[:], set.AccountID, string(set.Purpose), seconds(ev.At), seconds(set.ExpiresAt))
			if err != nil {
				return err
			}
		}
		return nil
	}, ev)
}

// SpendCode uses up the code with one of digests, at at. directory.ErrNotFound:
// there is none, it is spent, or it has expired. Of two who present one code at
// a time, one finds it.
func (s *Store) SpendCode(ctx context.Context, accountID string, purpose policy.CodePurpose, digests []secret.Digest, at time.Time) error {
	return s.update(ctx, "spending a one-time code", func(ses *session) error {
		for _, d := range digests {
			n, err := ses.exec(codeSpend, d[:], accountID, string(purpose), seconds(at))
			if err != nil || n > 0 {
				return err
			}
		}
		return directory.ErrNotFound
	})
}

// CodesLeft counts the codes that can still be spent at at.
func (s *Store) CodesLeft(ctx context.Context, accountID string, purpose policy.CodePurpose, at time.Time) (left int, err error) {
	err = s.view(ctx, "counting one-time codes", func(ses *session) error {
		n, err := ses.number(codesLeft, accountID, string(purpose), seconds(at))
		left = int(n)
		return err
	})
	return left, err
}
