package store

import (
	"context"
	"fmt"

	"postern/secret"
)

// importedHashes selects one stored password hash of each kind but one, by the
// part of it that says what verifying it costs. An underscore stands for a dollar
// sign, which in a statement begins an argument.
const importedHashes = `SELECT max(password_hash) FROM accounts
  WHERE password_hash <> '' AND password_hash NOT LIKE $1
  GROUP BY CASE
    WHEN password_hash LIKE '_2%' THEN substr(password_hash, 1, 6)
    WHEN password_hash LIKE '___rounds=%' THEN substr(password_hash, 1, 16)
    WHEN password_hash LIKE '_y_%' THEN substr(password_hash, 1, 6)
    WHEN password_hash LIKE '_pbkdf2%' THEN substr(password_hash, 1, 21)
    WHEN password_hash LIKE '_argon2i%' THEN substr(password_hash, 1, 30)
    ELSE substr(password_hash, 1, 3)
  END`

// ImportedHashes returns one password hash of each kind that an import took
// over and no sign-in has replaced yet; own is the cost of those that are of no
// such kind.
func (s *Store) ImportedHashes(ctx context.Context, own secret.Argon2) (list []secret.Text, err error) {
	ours := fmt.Sprintf("_argon2id_v=___m=%d,t=%d,p=%d_%%", own.Memory, own.Time, own.Threads)
	err = s.view(ctx, "reading which password hashes were imported", func(ses *session) error {
		return ses.each(importedHashes, []any{ours}, func(r *row) error {
			list = append(list, secret.NewText(r.text()))
			return nil
		})
	})
	return list, err
}
