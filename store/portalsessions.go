package store

import (
	"context"
	"time"

	"postern/directory"
)

const (
	portalColumns     = `digest, account_id, stage, created_at, seen_at, proven_at, source, agent`
	portalInsert      = `INSERT INTO portal_sessions (` + portalColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	portalByDigest    = `SELECT ` + portalColumns + ` FROM portal_sessions WHERE digest = $1`
	portalOf          = `SELECT ` + portalColumns + ` FROM portal_sessions WHERE account_id = $1 ORDER BY created_at DESC, digest`
	portalSee         = `UPDATE portal_sessions SET seen_at = $2 WHERE digest = $1 AND seen_at < $2`
	portalEnd         = `DELETE FROM portal_sessions WHERE account_id = $1 AND digest = $2`
	portalEndOthers   = `DELETE FROM portal_sessions WHERE account_id = $1 AND digest <> $2`
	portalEndAll      = `DELETE FROM portal_sessions WHERE account_id = $1`
	portalEndUnseenIn = `DELETE FROM portal_sessions WHERE seen_at < $1`
)

// portalSessionKept is how long a session that nobody uses stays in the list.
const portalSessionKept = 24 * time.Hour

// AddSession keeps a sign-in at the portal, and drops those that nobody has
// used for a day.
func (s *Store) AddSession(ctx context.Context, p directory.Session) error {
	return s.update(ctx, "keeping a portal session", func(ses *session) error {
		if _, err := ses.exec(portalEndUnseenIn, seconds(p.SeenAt.Add(-portalSessionKept))); err != nil {
			return err
		}
		_, err := ses.exec(portalInsert, p.Digest, p.AccountID, p.Stage, seconds(p.CreatedAt), seconds(p.SeenAt),
			seconds(p.ProvenAt), p.Source, p.Agent)
		return err
	})
}

// SessionByDigest finds a sign-in. directory.ErrNotFound: there is none.
func (s *Store) SessionByDigest(ctx context.Context, digest string) (p directory.Session, err error) {
	err = s.view(ctx, "reading a portal session", func(ses *session) error {
		return ses.only(portalByDigest, []any{digest}, func(r *row) error { p = readSession(r); return nil })
	})
	return p, err
}

// SeeSession notes a request of a session.
func (s *Store) SeeSession(ctx context.Context, digest string, at time.Time) error {
	return s.update(ctx, "noting a portal session", func(ses *session) error {
		_, err := ses.exec(portalSee, digest, seconds(at))
		return err
	})
}

// SessionsOf returns the sign-ins of an account, newest first.
func (s *Store) SessionsOf(ctx context.Context, accountID string) (list []directory.Session, err error) {
	err = s.view(ctx, "listing portal sessions", func(ses *session) error {
		return ses.each(portalOf, []any{accountID}, func(r *row) error {
			list = append(list, readSession(r))
			return nil
		})
	})
	return list, err
}

// EndSession ends one sign-in of an account; one that is over already too.
func (s *Store) EndSession(ctx context.Context, accountID, digest string) error {
	return s.update(ctx, "ending a portal session", func(ses *session) error {
		_, err := ses.exec(portalEnd, accountID, digest)
		return err
	})
}

// BreakSession ends one sign-in of an account with an event. One that is over
// already gets none.
func (s *Store) BreakSession(ctx context.Context, accountID, digest string, ev directory.Event) error {
	return s.change(ctx, "ending a portal session", func(ses *session) error {
		n, err := ses.exec(portalEnd, accountID, digest)
		if err == nil && n == 0 {
			err = errUnchanged
		}
		return err
	}, ev)
}

// EndOtherSessions ends the sign-ins of an account but the one with digest,
// and returns how many there were.
func (s *Store) EndOtherSessions(ctx context.Context, accountID, digest string) (ended int, err error) {
	err = s.update(ctx, "ending portal sessions", func(ses *session) error {
		n, err := ses.exec(portalEndOthers, accountID, digest)
		ended = int(n)
		return err
	})
	return ended, err
}

func readSession(r *row) directory.Session {
	return directory.Session{
		Digest: r.text(), AccountID: r.text(), Stage: directory.SessionStage(r.int()), CreatedAt: r.time(), SeenAt: r.time(), ProvenAt: r.time(),
		Source: r.text(), Agent: r.text(),
	}
}
