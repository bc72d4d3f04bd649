package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"postern/directory"
)

// Names of the rows of meta.
const (
	metaKeyCheck = "key_check"
	// MetaBaseDN is the base DN the database was made for.
	MetaBaseDN = "base_dn"
)

const (
	metaGet = `SELECT value FROM meta WHERE key = $1`
	metaSet = `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
	metaNew = `INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`
)

// Meta returns what is kept about the database under key, "" for nothing.
func (s *Store) Meta(ctx context.Context, key string) (value string, err error) {
	err = s.view(ctx, "reading the database's settings", func(ses *session) error {
		return ses.only(metaGet, []any{key}, func(r *row) error { value = r.text(); return nil })
	})
	if errors.Is(err, directory.ErrNotFound) {
		return "", nil
	}
	return value, err
}

// SetMeta keeps value under key.
func (s *Store) SetMeta(ctx context.Context, key, value string) error {
	return s.update(ctx, "writing the database's settings", func(ses *session) error {
		_, err := ses.exec(metaSet, key, value)
		return err
	})
}

// KeyChecker is a key file that can tell whether a value was made with it.
type KeyChecker interface {
	CheckValue() []byte
	CheckValid(stored []byte) bool
}

// CheckKey compares the key file with the database: ErrWrongKey where it is
// another's, for then no app password could be recognised. A database that has
// not met a key yet is bound to this one.
func (s *Store) CheckKey(ctx context.Context, keys KeyChecker) error {
	stored, err := s.Meta(ctx, metaKeyCheck)
	if err == nil && stored == "" {
		stored, err = s.bindKey(ctx, hex.EncodeToString(keys.CheckValue()))
	}
	if err != nil {
		return err
	}
	value, err := hex.DecodeString(stored)
	if err != nil {
		return fmt.Errorf("the database's key check value is damaged: %w", err)
	}
	if !keys.CheckValid(value) {
		return fmt.Errorf("%w: put the key file back that was used with it (key_file), or restore the database that goes with this key", ErrWrongKey)
	}
	return nil
}

// bindKey keeps value unless another process was first, and returns what is
// kept.
func (s *Store) bindKey(ctx context.Context, value string) (kept string, err error) {
	err = s.update(ctx, "binding the database to its key", func(ses *session) error {
		if _, err := ses.exec(metaNew, metaKeyCheck, value); err != nil {
			return err
		}
		return ses.only(metaGet, []any{metaKeyCheck}, func(r *row) error { kept = r.text(); return nil })
	})
	return kept, err
}
