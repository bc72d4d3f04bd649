package main

import (
	"context"
	"errors"
	"io"

	"postern/directory"
	"postern/secret"
	"postern/store"
)

// rehasher replaces the hash of a primary password that was just verified,
// where it was made at another cost than is now asked for.
type rehasher struct {
	hasher *secret.Hasher
	store  *store.Store
	random io.Reader
}

// Rehash leaves alone what has changed meanwhile.
func (r *rehasher) Rehash(ctx context.Context, accountID string, old, typed secret.Text) error {
	hash, err := r.hasher.Hash(ctx, typed, r.random)
	if err != nil {
		return err
	}
	err = r.store.CompareAndSwapHash(ctx, accountID, old, hash)
	if errors.Is(err, directory.ErrConflict) {
		return nil
	}
	return err
}
