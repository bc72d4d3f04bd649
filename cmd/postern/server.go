package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"postern/ldapsrv"
	"postern/mail"
	"postern/policy"
	"postern/policy/brake"
	"postern/portal"
	"postern/radiussrv"
	"postern/secret"
	"postern/store"
)

const (
	// drainWithin bounds how long each listener finishes what it has in hand,
	// and flushWithin what is then written; together they are the ten seconds
	// in which serve ends. What the first leaves of its time, the second has. Of
	// that each of the three things to write has at least flushShare.
	drainWithin = 8 * time.Second
	flushWithin = 1500 * time.Millisecond
	flushShare  = flushWithin / 3

	// hashQueue is how many primary passwords may wait for a core. At some 40
	// ms each, what waits longer would be given up by its client.
	hashQueue = 64
)

// server is everything that serve runs. Tests and the demonstration run the
// same, on ports of their own. It is made by openServer and used up by serve.
type server struct {
	env   *env
	log   *slog.Logger
	level *slog.LevelVar

	lock    *store.DirLock
	site    *site
	hasher  *secret.Hasher
	journal *policy.Journal
	engine  *policy.Engine
	brakes  *brake.Brakes

	exporter *exporter // nil where events go nowhere
	wrapper  *wrapper
	ldap     *ldapsrv.Server
	radius   *radiussrv.Server
	portal   *portal.Portal // nil where it is off
	mail     atomic.Pointer[mail.Settings]

	disconnects *disconnector
	signers     *authorities // of devices; nil without RADIUS over TLS
	certificate *certificate // nil without [tls]
	listeners   []*listener

	kinds    sync.Mutex // held while hashes of new kinds are looked for; covers kindsAt
	kindsAt  time.Time
	stopping atomic.Int64 // until when what is in hand may take, in Unix nanoseconds; 0: serve goes on

	reloading sync.Mutex // serialises reload; covers writing current
	current   atomic.Pointer[loaded]

	// notify is called after a change of the database, with its version, by
	// one goroutine. Set it before serve.
	notify []func(context.Context, int64)
}

// openServer opens all that c asks for and listens on every socket. Nothing is
// answered before serve. With an error nothing stays open.
func openServer(ctx context.Context, e *env, c loaded, log *slog.Logger, level *slog.LevelVar) (*server, error) {
	s := &server{env: e, log: log, level: level}
	s.current.Store(&c)
	for _, open := range []func(context.Context, loaded) error{s.openData, s.openEngine, s.openTLS, s.openLDAP, s.openRADIUS, s.openPortal, s.openMail, s.listen} {
		if err := open(ctx, c); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *server) openData(ctx context.Context, c loaded) (err error) {
	if s.lock, err = store.Lock(c.DataDir); err != nil {
		return err
	}
	s.site, err = openSite(ctx, c, s.lock)
	return err
}

func (s *server) openEngine(ctx context.Context, c loaded) error {
	db := s.site.store
	if err := s.openBrakes(ctx, c); err != nil {
		return err
	}
	s.hasher = secret.NewHasher(secret.DefaultArgon2, 0, hashQueue).WithKeys(s.site.keys)
	s.wrapper = newWrapper(s)
	s.journal = policy.NewJournal(db, s.log)
	s.engine = policy.NewEngine(policy.EngineConfig{
		Records: db, Challengeable: db, Holdings: db, Marks: db, Brakes: s.brakes, Keys: s.site.keys, Verifier: s.hasher, Recorder: s.journal,
		Slowest: s.hasher.Ahead, AtFirst: s.hasher.AtFirst,
		Rehasher: &rehasher{s.hasher, db, s.env.random}, Now: s.env.now, Log: s.log,
	})
	s.engine.SetRules(c.rules)
	if target, ok := c.Events.Target(); ok {
		s.exporter = newExporter(db, openExport(target), s.log)
	}
	s.meetKinds(ctx)
	s.hasher.Rehearse()
	return nil
}

// openBrakes takes in what is remembered of guesses before the last stop.
func (s *server) openBrakes(ctx context.Context, c loaded) error {
	longest := max(c.Brakes.Forget, day, time.Duration(c.Brakes.FamiliarDays)*day)
	if err := s.site.store.ForgetBrakes(ctx, s.env.now().Add(-longest)); err != nil {
		return err
	}
	rows, err := s.site.store.Brakes(ctx)
	if err != nil {
		return err
	}
	s.brakes = brake.New()
	if err := s.brakes.Restore(rows); err != nil {
		s.log.Warn("something the brakes remembered cannot be read and is left out", "error", err)
	}
	return nil
}

// keepBrakes writes what the brakes remember until ctx ends, and then for as
// long as requests in hand may still change it.
func (s *server) keepBrakes(ctx context.Context) error {
	s.brakes.Keep(ctx, s.site.store, s.log)
	return nil
}

func (s *server) openTLS(_ context.Context, c loaded) (err error) {
	if c.TLS.Certificate == "" {
		return nil
	}
	s.certificate, err = openCertificate(c.TLS, s.log)
	return err
}

func (s *server) openLDAP(ctx context.Context, c loaded) (err error) {
	made, err := s.site.store.Made(ctx)
	if err != nil {
		return err
	}
	accounts := s.env.accountsOf(s.site)
	accounts.Hasher, accounts.Settings = s.hasher, s.accountSettings
	s.ldap, err = ldapsrv.New(ldapsrv.Config{
		BaseDN: c.BaseDN, Authenticator: s.engine, Entitler: s.engine, TLS: s.certificate.tlsConfig(),
		Directory: s.site.store, Made: made, Cookies: s.site.keys, Passwords: &ownPasswords{accounts, s.hasher},
		Rules: ldapRulesOf(&c.Config, c.rules), Limits: ldapsrv.Limits{Drain: drainWithin},
		Version: version(), Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("setting up LDAP: %w", err)
	}
	return nil
}

func (s *server) openRADIUS(_ context.Context, c loaded) error {
	clients, err := radiusClientsOf(&c.Config)
	if err != nil {
		return inFile(c.path, err)
	}
	eap, err := s.eapOf(&c.Config)
	if err != nil {
		return err
	}
	s.radius, err = radiussrv.New(radiussrv.Config{
		Authenticator: s.engine, Entitler: s.engine, Codes: s.codes(), EAP: eap, Clients: clients, RejectDelay: c.RADIUS.RejectDelay,
		Replies: c.replies, Groups: memberships{s.site.store}, Grants: s.engine, Classes: c.accounts(),
		Ledger: &ledger{s.engine, s.site.store, func() string { return domainOf(c.BaseDN) }},
		Grace:  drainWithin, Logger: s.log,
	})
	if err != nil {
		return fmt.Errorf("setting up RADIUS: %w", err)
	}
	s.disconnects = newDisconnector(s)
	s.notify = append(s.notify, s.recheckKinds, s.recheckRADIUS, s.disconnects.changed, s.wrapper.look)
	return nil
}

// serve answers on every socket until ctx ends or the database fails. Then it
// finishes what is in hand, writes what is to be written and closes everything.
// It returns nil where ctx was what ended it.
func (s *server) serve(ctx context.Context) error {
	asked, stop := stateRequests() // before anybody can know whom to ask
	defer stop()
	s.announce(ctx)
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range s.listeners {
		g.Go(func() error { return l.serve(ctx) })
	}
	g.Go(func() error { return s.watchStore(ctx) })
	g.Go(func() error { return s.watchVersion(ctx) })
	g.Go(func() error { return s.watchFiles(ctx) })
	g.Go(func() error { return s.expireEvents(ctx) })
	g.Go(func() error { return s.watchMail(ctx) })
	g.Go(func() error { return s.keepBrakes(ctx) })
	g.Go(func() error { return s.watchState(ctx, asked) })
	g.Go(func() error { return s.exportEvents(ctx) })
	g.Go(func() error { return s.sweepSessions(ctx) })
	g.Go(func() error { return s.wrapper.run(ctx) })
	g.Go(func() error { return s.finishImports(ctx) })
	g.Go(func() error { return s.disconnects.run(ctx) })
	notifySupervisor("READY=1")
	g.Go(func() error { return s.watchEnd(ctx) })
	err := g.Wait()
	err = errors.Join(err, s.close())
	s.log.Info("stopped")
	return err
}

// watchEnd notes when serving begins to end, and tells the supervisor. serve
// waits for it, so that what is written afterwards knows how long it has.
func (s *server) watchEnd(ctx context.Context) error {
	<-ctx.Done()
	s.stopping.Store(time.Now().Add(drainWithin).UnixNano())
	notifySupervisor("STOPPING=1")
	s.log.Info("stopping: finishing what is in hand")
	return nil
}

// close writes what is to be written and lets go of everything. What was never
// opened is left out.
func (s *server) close() error {
	var errs []error
	for _, l := range s.listeners {
		l.close()
	}
	errs = append(errs, s.flush())
	if s.site != nil {
		errs = append(errs, s.site.store.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	return errors.Join(errs...)
}

// flush writes what is not on the disk yet: what the brakes remember, which is
// little, then events and their copies. The journal may hold more than can be
// written in time; so each of them has a deadline of its own.
func (s *server) flush() error {
	until := s.flushUntil()
	var errs []error
	if s.engine != nil {
		errs = append(errs, by(until.Add(-2*flushShare), func(ctx context.Context) error { return s.brakes.Save(ctx, s.site.store) }))
	}
	if s.journal != nil {
		errs = append(errs, by(until.Add(-flushShare), s.journal.Close))
	}
	if s.engine != nil {
		s.engine.Close()
	}
	if s.exporter != nil {
		if err := by(until, s.exporter.finish); err != nil {
			s.log.Warn("the last events were not exported; the next start does it", "error", err)
		}
	}
	return errors.Join(errs...)
}

// flushUntil is when flush has to end.
func (s *server) flushUntil() time.Time {
	until := time.Now().Add(flushWithin)
	if s.stopping.Load() == 0 { // it never served
		until = until.Add(drainWithin)
	} else if drained := time.Unix(0, s.stopping.Load()); drained.After(until) {
		until = drained
	}
	return until
}

// by calls do with that deadline.
func by(deadline time.Time, do func(context.Context) error) error {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	return do(ctx)
}

// watchStore ends serve where the disk failed under the database: after that
// nothing can be trusted to be written, and a new start finds out what was.
func (s *server) watchStore(ctx context.Context) error {
	select {
	case err := <-s.site.store.Failed():
		return err
	case <-ctx.Done():
		return nil
	}
}
