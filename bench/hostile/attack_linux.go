package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"postern/bench/corpus"
	"postern/bench/site"
)

// attack does everything to one server.
func attack(ctx context.Context, o opener, how scale, r *report) (err error) {
	t, err := o.open(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", o.name, err)
	}
	defer func() { _ = t.Stop() }() // it may be dead
	for range 20 {
		if err := t.signsIn(); err != nil {
			return fmt.Errorf("%s: before anything was done to it: %w", o.name, err)
		}
	}
	var before site.State
	if t.process != nil {
		if before, err = t.process.State(); err != nil {
			return err
		}
	}
	for _, do := range t.everything(how) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w := t.suffer(ctx, do)
		r.add(o.name, w)
		if w.died {
			again, err := o.open(ctx)
			if err != nil {
				return fmt.Errorf("%s: starting it anew: %w", o.name, err)
			}
			t = again
		}
	}
	if t.process != nil {
		return r.settle(t, before, how)
	}
	return nil
}

// deed is one thing done to a server. do returns how often it was done. It ends
// when ctx does.
type deed struct {
	name  string
	siege bool // others sign in during it, not only behind it
	do    func(ctx context.Context, t *target) (int, error)
}

// everything is what is done to t.
func (t *target) everything(how scale) (all []deed) {
	if t.ldap.IsValid() {
		for _, c := range corpus.LDAP(how.mutations) {
			all = append(all, deed{name: "LDAP: " + c.Name, do: sendAll(c.Messages)})
		}
		all = append(all, ldapSieges(how)...)
	}
	if t.radius.IsValid() {
		for _, c := range corpus.RADIUS([]byte(t.secret), how.mutations) {
			all = append(all, deed{name: "RADIUS: " + c.Name, do: sendDatagrams(c.Messages)})
		}
		all = append(all, radiusSieges(how)...)
	}
	return all
}

// what is what a deed came to.
type what struct {
	name    string
	count   int
	died    bool
	refused error // of somebody else's sign-in
	tried   int   // sign-ins of somebody else
	longest time.Duration
	err     error // of the deed itself
}

// suffer does one deed and watches others sign in.
func (t *target) suffer(ctx context.Context, d deed) what {
	w := what{name: d.name}
	ctx, stop := context.WithTimeout(ctx, 3*time.Minute)
	defer stop()
	var watch sync.WaitGroup
	over, watching := context.WithCancel(ctx)
	if d.siege {
		watch.Go(func() { t.watch(over, &w) })
	}
	w.count, w.err = d.do(ctx, t)
	watching()
	watch.Wait()
	t.oneSignIn(&w)
	w.died = !t.Alive()
	return w
}

// watch signs in again and again until ctx ends.
func (t *target) watch(ctx context.Context, w *what) {
	for ctx.Err() == nil && t.Alive() {
		t.oneSignIn(w)
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (t *target) oneSignIn(w *what) {
	begun := time.Now()
	err := t.signsIn()
	w.tried++
	w.longest = max(w.longest, time.Since(begun))
	if err != nil && w.refused == nil {
		w.refused = err
	}
}

// atOnce is how many messages are on the way at once.
const atOnce = 16

// each calls do with every message, some at once, until ctx ends or somebody
// cannot connect any more. It returns how many were done.
func each(ctx context.Context, messages [][]byte, do func([]byte) error) (int, error) {
	work := make(chan []byte)
	var mu sync.Mutex
	var failed error
	count := 0
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for m := range work {
				err := do(m)
				mu.Lock()
				if err == nil {
					count++
				} else if failed == nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range messages {
		mu.Lock()
		enough := failed != nil || ctx.Err() != nil
		mu.Unlock()
		if enough {
			break
		}
		work <- m
	}
	close(work)
	all.Wait()
	return count, failed
}

// answerWithin is how long a hostile message's sender waits for an answer.
const answerWithin = 30 * time.Millisecond

// sendAll sends each message on a connection of its own, looks at what comes
// back and leaves.
func sendAll(messages [][]byte) func(context.Context, *target) (int, error) {
	return func(ctx context.Context, t *target) (int, error) {
		return each(ctx, messages, func(m []byte) error {
			c, err := dial("tcp", "127.0.8.1", t.ldap)
			if err != nil {
				return err
			}
			defer c.Close()
			within := answerWithin
			if len(m) > 2<<20 {
				within = 20 * time.Second // to be taken in, or cut off
				_ = c.SetDeadline(time.Now().Add(within))
			}
			go func() { _, _ = c.Write(m) }() // a server that hangs up has had enough
			_ = c.SetReadDeadline(time.Now().Add(within))
			_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<20)) // whatever it says
			return nil
		})
	}
}

// sendDatagrams sends each message from a socket of its own.
func sendDatagrams(messages [][]byte) func(context.Context, *target) (int, error) {
	return func(ctx context.Context, t *target) (int, error) {
		return each(ctx, messages, func(m []byte) error {
			c, err := dial("udp", "127.0.8.1", t.radius)
			if err != nil {
				return err
			}
			defer c.Close()
			_, _ = c.Write(m) // one too long for a datagram is refused here
			_ = c.SetReadDeadline(time.Now().Add(answerWithin / 10))
			_, _ = c.Read(make([]byte, 4096)) // whatever it says
			return nil
		})
	}
}
