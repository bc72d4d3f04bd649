package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// wrapWorld is what a wrapper works on, in memory: hashes by account id, and a
// hasher that takes a second for each.
type wrapWorld struct {
	mu      sync.Mutex
	hashes  map[string]string
	swaps   []int // how many in each transaction
	atOnce  int
	most    int
	waiting int
	busy    int // how many more calls are answered so
	broken  error
}

func (w *wrapWorld) Wrap(_ context.Context, stored secret.Text, _ io.Reader) (secret.Text, error) {
	w.mu.Lock()
	if w.busy > 0 {
		w.busy--
		w.mu.Unlock()
		return secret.Text{}, secret.ErrBusy
	}
	w.atOnce++
	w.most = max(w.most, w.atOnce)
	w.mu.Unlock()
	time.Sleep(time.Second) // the bubble's clock
	w.mu.Lock()
	defer w.mu.Unlock()
	w.atOnce--
	if strings.HasSuffix(stored.Reveal(), "damaged") {
		return secret.Text{}, errors.New("cannot be opened")
	}
	return secret.NewText(strings.Replace(stored.Reveal(), "sealed", "wrapped", 1)), nil
}

func (w *wrapWorld) Waiting() int { return w.waiting }

func (w *wrapWorld) sealed() (ids []string) {
	for id, hash := range w.hashes {
		if strings.HasPrefix(hash, "$sealed$") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (w *wrapWorld) SealedCount(context.Context) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sealed()), w.broken
}

func (w *wrapWorld) SealedHashes(_ context.Context, after string, limit int) (list []policy.Holder, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range w.sealed() {
		if id > after && len(list) < limit {
			list = append(list, policy.Holder{Account: directory.Account{ID: id}, PasswordHash: secret.NewText(w.hashes[id])})
		}
	}
	return list, w.broken
}

func (w *wrapWorld) SwapHashes(ctx context.Context, swaps []store.HashSwap) (made int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	w.swaps = append(w.swaps, len(swaps))
	for _, s := range swaps {
		if w.hashes[s.AccountID] == s.Old.Reveal() {
			w.hashes[s.AccountID] = s.Replacement.Reveal()
			made++
		}
	}
	return made, nil
}

// wrapping is a wrapper over n sealed hashes.
func wrapping(n int) (*wrapWorld, *wrapper, *bytes.Buffer) {
	world := &wrapWorld{hashes: map[string]string{"own": "$argon2id$x"}}
	for i := range n {
		world.hashes[fmt.Sprintf("%03d", i)] = fmt.Sprintf("$sealed$%d", i)
	}
	log := new(bytes.Buffer)
	return world, &wrapper{world, world, nil, slog.New(slog.NewTextHandler(log, nil)), make(chan struct{}, 1)}, log
}

func TestEverythingSealedIsWrappedOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, w, log := wrapping(40)
		world.hashes["007"] = "$sealed$damaged"
		began := time.Now()
		if err := w.all(t.Context()); err == nil || !strings.Contains(err.Error(), "account 007") {
			t.Errorf("the error is %v, want one that names the account", err)
		}
		if left := world.sealed(); !slices.Equal(left, []string{"007"}) || world.hashes["own"] != "$argon2id$x" || world.hashes["039"] != "$wrapped$39" {
			t.Errorf("left sealed are %v of %v", left, world.hashes)
		}
		if world.most != 1 || time.Since(began) != 40*time.Second {
			t.Errorf("%d at once, all after %v", world.most, time.Since(began))
		}
		if !slices.Equal(world.swaps, []int{15, 16, 8}) {
			t.Errorf("the transactions hold %v", world.swaps)
		}
		if !strings.Contains(log.String(), "wrapped=39") {
			t.Errorf("said %s", log)
		}
	})
}

// TestAStopLosesNothingThatWasWrapped, and what is left goes on at the next start.
func TestAStopLosesNothingThatWasWrapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, w, _ := wrapping(40)
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second+time.Second/2)
		defer stop()
		if err := w.run(ctx); err != nil {
			t.Fatal(err)
		}
		left := len(world.sealed())
		if left > 24 || left == 0 {
			t.Errorf("%d of 40 are left after 20 of 40 seconds", left)
		}
		ctx, stop = context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		began := time.Now()
		if err := w.run(ctx); err != nil || len(world.sealed()) != 0 {
			t.Errorf("%v, %d are left", err, len(world.sealed()))
		}
		if time.Since(began) != time.Minute {
			t.Errorf("run ended by itself after %v", time.Since(began))
		}
	})
}

// TestASignInGoesBeforeWrapping: while others wait it works half of the time,
// and a full queue makes it wait and not fail; what a sign-in stored stays.
func TestASignInGoesBeforeWrapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, w, _ := wrapping(10)
		world.waiting, world.busy = 3, 5
		go func() {
			time.Sleep(500 * time.Millisecond)
			world.mu.Lock()
			world.hashes["003"] = "$argon2id$of a sign-in"
			world.mu.Unlock()
		}()
		began := time.Now()
		if err := w.all(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took, want := time.Since(began), 20*time.Second+5*wrapRest; took != want {
			t.Errorf("it took %v, want %v", took, want)
		}
		if world.hashes["003"] != "$argon2id$of a sign-in" || len(world.sealed()) != 0 {
			t.Errorf("there are %v", world.hashes)
		}
	})
}

// TestAnImportIsSeenAtOnceAndTroubleIsTriedAgain: the first by the change of the
// database, the second in a minute.
func TestAnImportIsSeenAtOnceAndTroubleIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, w, log := wrapping(0)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.run(ctx) }()
		synctest.Wait()
		set := func(broken error, hash string) {
			world.mu.Lock()
			defer world.mu.Unlock()
			world.broken, world.hashes["new"] = broken, hash
		}
		set(nil, "$sealed$x")
		w.look(ctx, 1)
		w.look(ctx, 2)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if left := len(world.sealed()); left != 0 {
			t.Errorf("%d are left after two seconds", left)
		}
		set(errors.New("no disk"), "$sealed$y")
		w.look(ctx, 3)
		time.Sleep(time.Second)
		synctest.Wait()
		set(nil, "$sealed$y")
		w.look(ctx, 4)
		time.Sleep(wrapAgain + 2*time.Second)
		synctest.Wait()
		if left := len(world.sealed()); left != 0 || strings.Count(log.String(), "no disk") != 1 {
			t.Errorf("%d are left, and it said %s", left, log)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
