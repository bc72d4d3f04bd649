package store

import (
	"context"

	"postern/policy"
	"postern/secret"
)

// What the two select is the condition of the index accounts_sealed.
const (
	sealedHashes = `SELECT id, password_hash FROM accounts
  WHERE substr(password_hash, 2, 6) = 'sealed' AND id > $1 ORDER BY id LIMIT $2`
	sealedCount = `SELECT count(*) FROM accounts WHERE substr(password_hash, 2, 6) = 'sealed'`
)

// SealedHashes returns up to limit accounts whose imported password hash is
// still sealed, in id order behind after. Only Account.ID and PasswordHash are
// filled.
func (s *Store) SealedHashes(ctx context.Context, after string, limit int) (list []policy.Holder, err error) {
	err = s.view(ctx, "reading which password hashes are sealed", func(ses *session) error {
		return ses.each(sealedHashes, []any{after, limit}, func(r *row) error {
			var h policy.Holder
			h.Account.ID, h.PasswordHash = r.text(), secret.NewText(r.text())
			list = append(list, h)
			return nil
		})
	})
	return list, err
}

// SealedCount counts the accounts whose password hash is still sealed.
func (s *Store) SealedCount(ctx context.Context) (count int, err error) {
	err = s.view(ctx, "counting sealed password hashes", func(ses *session) error {
		n, err := ses.number(sealedCount)
		count = int(n)
		return err
	})
	return count, err
}

// HashSwap replaces the stored hash of a password that stays as it is.
type HashSwap struct {
	AccountID        string
	Old, Replacement secret.Text
}

// SwapHashes makes each swap of which Old is still what is stored, in one
// durable transaction, and returns how many those were. Nothing that anybody
// is told of changes by it: the change version stays as it is.
func (s *Store) SwapHashes(ctx context.Context, swaps []HashSwap) (made int, err error) {
	err = s.update(ctx, "wrapping password hashes", func(ses *session) error {
		made = 0
		for _, w := range swaps {
			n, err := ses.exec(hashReplace, w.AccountID, w.Old.Reveal(), w.Replacement.Reveal())
			if err != nil {
				return err
			}
			made += int(n)
		}
		return nil
	})
	return made, err
}
