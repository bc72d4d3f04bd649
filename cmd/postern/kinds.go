package main

import (
	"context"
	"errors"
	"time"

	"postern/secret"
)

// kindsEvery is how often at most it is looked for password hashes of a kind
// that was not met yet.
const kindsEvery = time.Minute

// meetKinds verifies one password hash of each kind that an import took over.
// The hasher then knows what the slowest takes, and every refusal is held to it
// from the first on: else its time would say who has one.
func (s *server) meetKinds(ctx context.Context) {
	kinds, err := s.site.store.ImportedHashes(ctx, secret.DefaultArgon2)
	for _, stored := range kinds {
		_, _, failed := s.hasher.Verify(ctx, stored, secret.NewText("a wrong password"))
		err = errors.Join(err, failed)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("How long refusals have to take could not be found out; the next change tries again.", "error", err)
	}
}

// recheckKinds is for server.notify: an import may have brought another kind.
func (s *server) recheckKinds(ctx context.Context, _ int64) {
	now := s.env.now()
	if !s.kinds.TryLock() {
		return
	}
	if now.Sub(s.kindsAt) < kindsEvery {
		s.kinds.Unlock()
		return
	}
	s.kindsAt = now
	go func() {
		defer s.kinds.Unlock()
		s.meetKinds(ctx)
	}()
}
