package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"time"

	"postern/config"
	"postern/store"
)

const (
	versionEvery = 250 * time.Millisecond
	filesEvery   = time.Second
	expireEvery  = time.Hour
	expireAtOnce = 1000 // events in one transaction; others wait for the writer meanwhile
)

// every calls work at each tick until ctx ends.
func every(ctx context.Context, pause time.Duration, work func()) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			work()
		case <-ctx.Done():
			return
		}
	}
}

// watchVersion tells those in notify of every change of the database, made by
// whichever process.
func (s *server) watchVersion(ctx context.Context) error {
	w := versionWatch{read: s.site.store.Version, log: s.log, changed: func(version int64) {
		for _, notify := range s.notify {
			notify(ctx, version)
		}
	}}
	w.look(ctx)
	every(ctx, versionEvery, func() { w.look(ctx) })
	return nil
}

// versionWatch compares the version of the database with the last one seen.
type versionWatch struct {
	read    func(context.Context) (int64, error)
	changed func(version int64)
	log     *slog.Logger

	known  bool
	last   int64
	failed bool
}

func (w *versionWatch) look(ctx context.Context) {
	version, err := w.read(ctx)
	switch {
	case err != nil:
		if !w.failed && ctx.Err() == nil {
			w.log.Error("changes of the database cannot be seen", "error", err)
		}
		w.failed = true
		return
	case w.known && version != w.last:
		w.changed(version)
	}
	w.known, w.last, w.failed = true, version, false
}

// watchFiles reads the RADIUS secrets again when their files change.
func (s *server) watchFiles(ctx context.Context) error {
	read := secretStamps(s.current.Load().RADIUS.Clients)
	every(ctx, filesEvery, func() {
		now := secretStamps(s.current.Load().RADIUS.Clients)
		if !maps.Equal(now, read) {
			s.readSecrets()
		}
		read = now
	})
	return nil
}

func secretStamps(clients []config.RADIUSClient) map[string]fileStamp {
	stamps := make(map[string]fileStamp, len(clients))
	for _, c := range clients {
		if c.SecretFile != "" {
			stamps[c.SecretFile] = stampOf(c.SecretFile)
		}
	}
	return stamps
}

// readSecrets gives the RADIUS server the secrets as they are now, or leaves
// it the old ones.
func (s *server) readSecrets() {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	c := s.current.Load()
	clients, err := radiusClientsOf(&c.Config)
	if err == nil {
		err = s.radius.SetClients(clients)
	}
	if err != nil {
		s.logProblems("the changed RADIUS secrets cannot be used; the old ones stay in use", inFile(c.path, err))
		return
	}
	s.log.Info("the RADIUS secrets were read again")
}

// expireEvents removes, at the start and every hour, events that are older than
// they are to be kept.
func (s *server) expireEvents(ctx context.Context) error {
	s.expireOnce(ctx)
	every(ctx, expireEvery, func() { s.expireOnce(ctx) })
	return nil
}

func (s *server) expireOnce(ctx context.Context) {
	keep := time.Duration(s.current.Load().Events.KeepDays) * day
	before := s.env.now().Add(-keep)
	for ctx.Err() == nil {
		n, err := s.site.store.DeleteEvents(ctx, before, expireAtOnce)
		if err != nil && ctx.Err() == nil {
			s.log.Error("old events cannot be removed", "error", err)
		}
		if err != nil || n < expireAtOnce {
			return
		}
	}
}

// finishImports looks after imports whose process ended, now and then.
func (s *server) finishImports(ctx context.Context) error {
	finish := func() {
		err := s.site.store.FinishImports(ctx)
		if err != nil && !errors.Is(err, store.ErrBusy) && ctx.Err() == nil {
			s.log.Warn("an import that was broken off could not be finished; it is tried again", "error", err)
		}
	}
	finish()
	every(ctx, expireEvery, finish)
	return nil
}
