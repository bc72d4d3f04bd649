package store

import (
	"context"
	"time"

	"postern/policy/brake"
)

const (
	brakesAll = `SELECT key, account_id, failures, at, until, releases FROM brakes ORDER BY at DESC, key LIMIT $1`
	brakesOf  = `SELECT key, account_id, failures, at, until, releases FROM brakes WHERE account_id = $1 ORDER BY key`
	brakeSet  = `INSERT INTO brakes (key, account_id, failures, at, until, releases) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, at = excluded.at, until = excluded.until, releases = excluded.releases`
	brakeDelete  = `DELETE FROM brakes WHERE key = $1`
	brakesExpire = `DELETE FROM brakes WHERE at < $1`
	brakeRelease = `UPDATE accounts SET brake_releases = brake_releases + 1 WHERE id = $1`

	// brakesLoaded is how many rows a start takes in, the newest first.
	brakesLoaded = 200_000
)

func readBrake(r *row) brake.Row {
	return brake.Row{Key: r.text(), Account: r.text(), Failures: int(r.int()), At: fromMillis(r.int()), Until: fromMillis(r.int()), Releases: r.int()}
}

// Brakes returns what the brakes remember, the newest first; see brake.Shelf.
func (s *Store) Brakes(ctx context.Context) ([]brake.Row, error) {
	return s.brakes(ctx, brakesAll, brakesLoaded)
}

// BrakesOf returns what they remember of one account.
func (s *Store) BrakesOf(ctx context.Context, accountID string) ([]brake.Row, error) {
	return s.brakes(ctx, brakesOf, accountID)
}

func (s *Store) brakes(ctx context.Context, text string, args ...any) (list []brake.Row, err error) {
	err = s.view(ctx, "reading the brakes", func(ses *session) error {
		return ses.each(text, args, func(r *row) error {
			list = append(list, readBrake(r))
			return nil
		})
	})
	return list, err
}

// SaveBrakes adds, replaces and removes rows; see brake.Shelf. It is no change:
// the version stays.
func (s *Store) SaveBrakes(ctx context.Context, rows []brake.Row) error {
	return s.update(ctx, "keeping the brakes", func(ses *session) error {
		for _, b := range rows {
			text, args := brakeSet, []any{b.Key, b.Account, b.Failures, millis(b.At), millis(b.Until), b.Releases}
			if b.Gone {
				text, args = brakeDelete, []any{b.Key}
			}
			if _, err := ses.exec(text, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// ForgetBrakes removes rows that were last written before the given moment.
func (s *Store) ForgetBrakes(ctx context.Context, before time.Time) error {
	return s.update(ctx, "removing old brakes", func(ses *session) error {
		_, err := ses.exec(brakesExpire, millis(before))
		return err
	})
}
