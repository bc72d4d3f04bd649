package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"postern/policy"
	"postern/secret"
	"postern/store"
)

const (
	// wrapBatch is how many hashes are written in one transaction, after some
	// half a second of work: what a crash repeats.
	wrapBatch = 16
	// wrapAgain is how long what failed is left alone, and how often at most it
	// is said how much is left.
	wrapAgain = time.Minute
	wrapRest  = 100 * time.Millisecond // where the queue for hashing is full
)

// wrapHasher is what wrapping takes of a secret.Hasher.
type wrapHasher interface {
	Wrap(ctx context.Context, stored secret.Text, random io.Reader) (secret.Text, error)
	Waiting() int
}

// wrapStore is what it takes of the storage.
type wrapStore interface {
	SealedCount(ctx context.Context) (int, error)
	SealedHashes(ctx context.Context, after string, limit int) ([]policy.Holder, error)
	SwapHashes(ctx context.Context, swaps []store.HashSwap) (int, error)
}

// wrapper gives the hashes that an import sealed their run of Argon2id, one at
// a time, in the hours after it. What is sealed is what is left to do, so that
// it goes on after a stop where it was.
type wrapper struct {
	hasher  wrapHasher
	store   wrapStore
	random  io.Reader
	log     *slog.Logger
	changed chan struct{} // has room for one
}

func newWrapper(s *server) *wrapper {
	return &wrapper{s.hasher, s.site.store, s.env.random, s.log, make(chan struct{}, 1)}
}

// look is for server.notify: an import may have brought sealed hashes.
func (w *wrapper) look(context.Context, int64) {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// run wraps what is sealed, and what comes, until ctx ends.
func (w *wrapper) run(ctx context.Context) error {
	again := time.NewTicker(wrapAgain)
	defer again.Stop()
	for {
		if err := w.all(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("Sealed password hashes could not be wrapped; it is tried again in a minute.", "error", err)
			w.drain()
			if !waitFor(ctx, again.C) {
				return nil
			}
			continue
		}
		select {
		case <-w.changed:
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *wrapper) drain() {
	select {
	case <-w.changed:
	default:
	}
}

// waitFor reports whether the tick came before the end.
func waitFor(ctx context.Context, tick <-chan time.Time) bool {
	select {
	case <-tick:
		return true
	case <-ctx.Done():
		return false
	}
}

// all goes once through everything that is sealed, and says so where there is
// anything. The error is the last of those that left a hash sealed.
func (w *wrapper) all(ctx context.Context) (failed error) {
	total, err := w.store.SealedCount(ctx)
	if err != nil || total == 0 {
		return err
	}
	w.log.Info("wrapping imported password hashes that are sealed", "sealed", total)
	done, after, told := 0, "", time.Now()
	for ctx.Err() == nil {
		list, err := w.store.SealedHashes(ctx, after, wrapBatch)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		after = list[len(list)-1].Account.ID
		wrapped, err := w.batch(ctx, list)
		if done += wrapped; err != nil {
			failed = err
		}
		if time.Since(told) >= wrapAgain {
			told = time.Now()
			w.log.Info("wrapping imported password hashes that are sealed", "wrapped", done, "of", total)
		}
	}
	if ctx.Err() == nil {
		w.log.Info("imported password hashes were wrapped", "wrapped", done)
	}
	return failed
}

// batch wraps some hashes and keeps them. One that a sign-in replaced meanwhile
// stays as that left it.
func (w *wrapper) batch(ctx context.Context, list []policy.Holder) (made int, failed error) {
	swaps := make([]store.HashSwap, 0, len(list))
	for _, h := range list {
		wrapped, err := w.one(ctx, h.PasswordHash)
		if err != nil {
			failed = fmt.Errorf("account %s: %w", h.Account.ID, err)
			continue
		}
		swaps = append(swaps, store.HashSwap{AccountID: h.Account.ID, Old: h.PasswordHash, Replacement: wrapped})
	}
	if len(swaps) == 0 {
		return 0, failed
	}
	made, err := w.store.SwapHashes(context.WithoutCancel(ctx), swaps) // it is done, and quickly kept
	return made, errors.Join(failed, err)
}

// one wraps a hash when it is its turn. While sign-ins wait for theirs, it
// rests as long as it worked.
func (w *wrapper) one(ctx context.Context, stored secret.Text) (secret.Text, error) {
	for {
		began := time.Now()
		wrapped, err := w.hasher.Wrap(ctx, stored, w.random)
		rest := time.Duration(0)
		switch {
		case errors.Is(err, secret.ErrBusy):
			rest = wrapRest
		case w.hasher.Waiting() > 0:
			rest = time.Since(began)
		}
		if rest > 0 {
			waitFor(ctx, time.After(rest))
		}
		if !errors.Is(err, secret.ErrBusy) || ctx.Err() != nil {
			return wrapped, err
		}
	}
}
