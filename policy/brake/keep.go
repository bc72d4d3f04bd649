package brake

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"
)

// Row is one thing the brakes remember, as it is kept over a restart.
type Row struct {
	// Key is unique. It holds no secret and no name that was typed.
	Key string
	// Account is the id of the account, "" where the row is of none.
	Account  string
	Failures int
	At       time.Time // last counted or forgiven; of a familiar source the last sign-in
	Until    time.Time // zero: the brake is off
	Releases int64     // the account's, when it was counted
	Gone     bool      // to be removed
}

// Shelf keeps rows. Both may be used concurrently.
type Shelf interface {
	Brakes(ctx context.Context) ([]Row, error)
	// SaveBrakes adds or replaces rows, and removes those that are Gone, all of
	// them or none.
	SaveBrakes(ctx context.Context, rows []Row) error
}

const (
	saveEvery  = time.Second
	sweepEvery = time.Minute
	saveAtOnce = 500 // rows in one transaction; others wait for the writer meanwhile
	saveWithin = 5 * time.Second
)

type rowKind uint8

const (
	ofAccount rowKind = iota
	ofSource
	familiar
)

var kindWords = [...]string{"account", "source", "familiar"}

// rowKey names a row. source is the zero Addr for the counter of all
// unfamiliar sources.
type rowKey struct {
	kind          rowKind
	known, second bool
	account       string
	source        netip.Addr
}

// String is the key as it is kept: kind, first or second factor, known or
// unknown, source, account.
func (k rowKey) String() string {
	word := func(yes bool, a, b string) string {
		if yes {
			return a
		}
		return b
	}
	source := "-"
	if k.source.IsValid() {
		source = k.source.String()
	}
	return strings.Join([]string{kindWords[k.kind], word(k.second, "second", "first"), word(k.known, "known", "unknown"), source, k.account}, " ")
}

func parseKey(text string) (k rowKey, err error) {
	parts := strings.SplitN(text, " ", 5)
	if len(parts) != 5 {
		return k, fmt.Errorf("%q is no key of the brakes", text)
	}
	for kind, word := range kindWords {
		if word == parts[0] {
			k = rowKey{kind: rowKind(kind), second: parts[1] == "second", known: parts[2] == "known", account: parts[4]}
		}
	}
	if parts[3] != "-" {
		if k.source, err = netip.ParseAddr(parts[3]); err != nil {
			return k, fmt.Errorf("%q is no key of the brakes: %w", text, err)
		}
	}
	if k.String() != text {
		return k, fmt.Errorf("%q is no key of the brakes", text)
	}
	return k, nil
}

// Restore takes what was kept. It is for the start, before the first Try. Rows
// that cannot be read are left out, for a brake that is forgotten is put on
// again by the next guesses; the error names them.
func (b *Brakes) Restore(rows []Row) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var wrong error
	for _, r := range rows {
		k, err := parseKey(r.Key)
		if err != nil {
			wrong = err
			continue
		}
		b.restore(k, r)
	}
	return wrong
}

func (b *Brakes) restore(k rowKey, r Row) {
	c := &counter{failures: r.Failures, last: r.At, until: r.Until}
	if k.kind == ofSource {
		b.sources.Put(k.source, c)
		return
	}
	a := b.account(Guess{Account: k.account, Known: k.known, Releases: r.Releases})
	switch {
	case k.kind == familiar && a.familiar == nil:
		a.familiar = map[netip.Addr]time.Time{k.source: r.At}
	case k.kind == familiar:
		a.familiar[k.source] = r.At
	case r.Releases == a.releases:
		a.counts[countKey{k.source, k.second}] = c
	}
}

// take returns up to n rows that have changed since they were taken.
func (b *Brakes) take(n int) (rows []Row, keys []rowKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k := range b.changed {
		if len(rows) == n {
			break
		}
		delete(b.changed, k)
		rows, keys = append(rows, b.row(k)), append(keys, k)
	}
	return rows, keys
}

// row is what there is now under k.
func (b *Brakes) row(k rowKey) Row {
	r := Row{Key: k.String(), Gone: true}
	if k.kind == ofSource {
		c, _ := b.sources.Get(k.source)
		r.fill(c)
		return r
	}
	if k.known {
		r.Account = k.account
	}
	a, ok := b.accounts(k.known).Get(k.account)
	if !ok {
		return r
	}
	r.Releases = a.releases
	if k.kind == familiar {
		at, there := a.familiar[k.source]
		r.At, r.Gone = at, !there
		return r
	}
	r.fill(a.counts[countKey{k.source, k.second}])
	return r
}

func (r *Row) fill(c *counter) {
	if c != nil && c.failures > 0 {
		r.Failures, r.At, r.Until, r.Gone = c.failures, c.last, c.until, false
	}
}

// Save writes what has changed, in bounded transactions. What cannot be written
// stays for the next time.
func (b *Brakes) Save(ctx context.Context, to Shelf) error {
	b.mu.Lock()
	left := len(b.changed)
	b.mu.Unlock()
	for left > 0 {
		rows, keys := b.take(min(left, saveAtOnce))
		if len(rows) == 0 {
			return nil
		}
		if err := to.SaveBrakes(ctx, rows); err != nil {
			b.mu.Lock()
			for _, k := range keys {
				b.changed[k] = struct{}{}
			}
			b.mu.Unlock()
			return fmt.Errorf("keeping %d counts of the brakes: %w", len(rows), err)
		}
		left -= len(rows)
	}
	return nil
}

// Keep writes what changes to a shelf, until ctx ends, and then once more. What
// cannot be written is said once, and tried again.
func (b *Brakes) Keep(ctx context.Context, to Shelf, log *slog.Logger) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	swept, failing := time.Now(), false
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case now := <-tick.C:
			if now.Sub(swept) >= sweepEvery {
				b.mu.Lock()
				b.sweep(now)
				b.mu.Unlock()
				swept = now
			}
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
		err := b.Save(bounded, to)
		cancel()
		if err != nil && (!failing || ended) {
			log.Error("The brakes cannot be kept; they hold, but not over a restart.", "error", err)
		}
		failing = err != nil
	}
}
