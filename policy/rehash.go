package policy

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"postern/secret"
)

// Rehasher replaces a stored hash by a better one of the same password, only
// where old is still what is stored. It writes no event and leaves
// PasswordChangedAt as it is.
type Rehasher interface {
	Rehash(ctx context.Context, accountID string, old, typed secret.Text) error
}

const (
	rehashesAtOnce = 1
	rehashWithin   = 30 * time.Second
)

// rehashing hands stale hashes to a Rehasher outside the time of any attempt.
// What finds no room is let go: the next sign-in offers it again.
type rehashing struct {
	to      Rehasher
	log     *slog.Logger
	slots   chan struct{}
	running sync.WaitGroup
}

func (r *rehashing) init(to Rehasher, log *slog.Logger) {
	r.to, r.log, r.slots = to, log, make(chan struct{}, rehashesAtOnce)
}

func (r *rehashing) offer(accountID string, old, typed secret.Text) {
	if r.to == nil {
		return
	}
	select {
	case r.slots <- struct{}{}:
	default:
		return
	}
	r.running.Go(func() {
		defer func() { <-r.slots }()
		ctx, cancel := context.WithTimeout(context.Background(), rehashWithin)
		defer cancel()
		if err := r.to.Rehash(ctx, accountID, old, typed); err != nil {
			r.log.Warn("A password hash could not be renewed; the next sign-in tries again.", "account", accountID, "error", err)
		}
	})
}

// Close waits for what runs beside the attempts. No attempt may begin after.
func (e *Engine) Close() { e.rehash.running.Wait() }
