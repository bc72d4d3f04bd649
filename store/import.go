package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postern/directory"
	"postern/policy"
)

// importing is an import on its way. It has a connection of its own.
type importing struct {
	ses *session
	im  policy.Import
	ev  directory.Event
	// groups are the ids of the groups that accounts join, by normalised name.
	groups   map[string]string
	joined   map[string]bool // those of groups that are staged
	trigrams trigramSet
	renamed  []renamed
}

// renamed is an account that exists, with the values it had before.
type renamed struct {
	id  string
	old keys
}

// ImportAccounts applies an import with its events and ev, whole or not at all.
// The error names the group or account that stopped it. ErrBusy: another import
// is under way.
//
// What belongs to new accounts, their attributes, memberships and trigrams, is
// written first, in many small transactions with pauses for others between
// them. Nobody sees it without the accounts, which one transaction adds
// together with ev and everything else. After it the events of the accounts
// follow. What a process leaves that ends in between, FinishImports takes
// away or completes.
func (s *Store) ImportAccounts(ctx context.Context, im policy.Import, ev directory.Event) error {
	if e := s.broken.Load(); e != nil {
		return *e
	}
	return s.fail("importing accounts", s.importAccounts(ctx, im, ev))
}

func (s *Store) importAccounts(ctx context.Context, im policy.Import, ev directory.Event) error {
	if ev.ID == "" {
		return errNoEvent
	}
	ses, end, err := s.importSession()
	if err != nil {
		return err
	}
	defer end()
	if err := finishImports(ctx, ses); err != nil {
		return err
	}
	i := newImporting(ses, im, ev)
	if err := i.stage(ctx); err != nil {
		return err
	}
	err = i.prepare(ctx)
	if err == nil {
		err = ses.within("BEGIN IMMEDIATE", func(*session) error { return i.apply() })
	}
	if errors.Is(classify(err), directory.ErrConflict) {
		err = nameConflict(ses, err)
	}
	// From here on what is left to do is done even if nobody waits for it.
	if finishing := finishImports(context.WithoutCancel(ctx), ses); err == nil {
		err = errors.Join(finishing, i.dropOldTrigrams())
	}
	return err
}

func newImporting(ses *session, im policy.Import, ev directory.Event) *importing {
	return &importing{ses: ses, im: im, ev: ev, groups: map[string]string{}, joined: map[string]bool{}, trigrams: trigramSet{}}
}

// importSession opens a connection for an import and takes the lock that only
// one import holds at a time.
func (s *Store) importSession() (ses *session, end func(), err error) {
	lock, err := lockImports(s.path)
	if err != nil {
		return nil, nil, err
	}
	conn, err := s.write.connect()
	if err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	ses = newSession(conn)
	end = func() { _ = errors.Join(ses.close(), lock.Close()) } // with its temporary tables
	if err := ses.script(importSettings); err != nil {
		end()
		return nil, nil, err
	}
	return ses, end, nil
}

// importSettings keep the hashes that are staged off any other disk, and the
// indexes that grow when the accounts are added in memory: 256 MiB hold those
// of some hundred thousand. An import has more patience than a command.
const importSettings = "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -262144; PRAGMA busy_timeout = 60000"

const (
	// importStep is how many rows a transaction before or after the one that
	// counts takes in: some ten milliseconds.
	importStep = 4000
	// importRest is how long others have the database at least between two, and
	// longestRest at most: who waits for SQLite's lock looks ten times a second.
	importRest  = 5 * time.Millisecond
	longestRest = 150 * time.Millisecond
)

// step runs fn in a transaction of its own and then leaves the database to
// others for about as long as that took: who waits for the lock is not woken.
func step(ctx context.Context, ses *session, fn func(*session) error) error {
	began := time.Now()
	if err := ses.within("BEGIN IMMEDIATE", fn); err != nil {
		return err
	}
	rest := time.NewTimer(min(max(importRest, time.Since(began)), longestRest))
	defer rest.Stop()
	select {
	case <-rest.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// apply is the transaction that counts: it adds the accounts and makes the
// changes that are not additions.
func (i *importing) apply() error {
	for _, g := range i.im.Groups {
		if err := insertGroup(i.ses, g); err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
	}
	if err := missingGroup(i.ses); err != nil {
		return err
	}
	for _, text := range []string{accountsMove, joinsMove} {
		if _, err := i.ses.exec(text); err != nil {
			return err
		}
	}
	for _, h := range i.im.AppPasswords {
		if err := insertAppPassword(i.ses, h); err != nil {
			return fmt.Errorf("app password %s: %w", h.Credential.ID, err)
		}
	}
	for _, c := range i.im.Changes {
		if err := writeChange(i.ses, c.AccountID, c.Change, i.ev.At); err != nil {
			return fmt.Errorf("account %s: %w", c.AccountID, err)
		}
	}
	if _, err := i.ses.exec(groupsTouch, seconds(i.ev.At)); err != nil {
		return err
	}
	for _, n := range i.im.Nest {
		if err := nest(i.ses, n, i.ev); err != nil {
			return fmt.Errorf("group %s: %w", n.Member, err)
		}
	}
	return i.record()
}

func (i *importing) record() error {
	if err := insertEvents(i.ses, []directory.Event{i.ev}); err != nil {
		return err
	}
	if err := i.ses.one(importApplied, i.ev.ID); err != nil {
		return err
	}
	return i.ses.one(counterBump)
}

func nest(ses *session, n policy.ImportNesting, ev directory.Event) error {
	group, err := groupCalled(ses, n.Group)
	if err != nil {
		return err
	}
	member, err := groupCalled(ses, n.Member)
	if err != nil {
		return err
	}
	if err := refuseLoop(ses, group.ID, member.ID); err != nil {
		return err
	}
	if n, err := ses.exec(groupMembership.add, group.ID, member.ID); err != nil || n == 0 {
		return err
	}
	return ses.one(groupTouch, group.ID, seconds(ev.At))
}

func groupCalled(ses *session, name string) (directory.Group, error) {
	key, err := directory.NormalizeLogin(name)
	if err != nil {
		return directory.Group{}, directory.ErrNotFound
	}
	return groupNamed(ses, key)
}
