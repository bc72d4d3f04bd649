package store

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"postern/directory"
)

const (
	networkColumns = `n.id, n.client, n.nas, n.session, n.user_name, n.account_id, n.credential, n.nas_identifier, n.nas_address,
  n.address, n.reported, n.called, n.port, n.started_at, n.seen_at, n.ended_at, n.ended, n.seconds, n.in_octets, n.out_octets,
  n.cause, n.tries, n.next_try, n.outcome, n.class`
	networkShown = networkColumns + `, COALESCE(a.login, ''), COALESCE(c.label, '')`
	networkFrom  = ` FROM network_sessions n LEFT JOIN accounts a ON a.id = n.account_id LEFT JOIN app_passwords c ON c.id = n.credential`

	networkByKey = `SELECT ` + networkShown + networkFrom + ` WHERE n.client = $1 AND n.nas = $2 AND n.session = $3 AND n.user_name = $4`
	networkWrite = `INSERT INTO network_sessions (id, client, nas, session, user_name, account_id, credential, nas_identifier, nas_address,
  address, reported, called, port, started_at, seen_at, ended_at, ended, seconds, in_octets, out_octets, cause, tries, next_try, outcome, class)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
  ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, credential = excluded.credential,
  nas_identifier = excluded.nas_identifier, nas_address = excluded.nas_address, address = excluded.address,
  reported = excluded.reported, called = excluded.called, port = excluded.port, started_at = excluded.started_at,
  seen_at = excluded.seen_at, ended_at = excluded.ended_at, ended = excluded.ended, seconds = excluded.seconds,
  in_octets = excluded.in_octets, out_octets = excluded.out_octets, cause = excluded.cause, tries = excluded.tries,
  next_try = excluded.next_try, outcome = excluded.outcome, class = excluded.class`

	networkEndDevice = `UPDATE network_sessions SET ended_at = $3, ended = 'device' WHERE ended_at = 0 AND client = $1 AND nas = $2 AND started_at <= $3`
	networkEndSilent = `UPDATE network_sessions SET ended_at = $2, ended = 'silence' WHERE ended_at = 0 AND seen_at < $1`
	networkForget    = `DELETE FROM network_sessions WHERE ended_at > 0 AND ended_at < $1`
	networkTried     = `UPDATE network_sessions SET tries = $2, next_try = $3, outcome = $4 WHERE id = $1`
	networkGone      = `UPDATE network_sessions SET ended_at = $2, ended = 'disconnect' WHERE id = $1 AND ended_at = 0`

	// networkLive finds the sessions that could be asked to end.
	networkLive = `SELECT ` + networkShown + networkFrom + ` WHERE n.ended_at = 0 AND n.account_id <> '' AND n.outcome = '' AND n.next_try <= $1
  AND n.id > $2 ORDER BY n.id LIMIT $3`
)

// KeepAccounting takes a device's report in, durably before it returns. The
// same report twice changes nothing the second time. It is no change: the
// version stays.
func (s *Store) KeepAccounting(ctx context.Context, r directory.AccountingRecord) error {
	r.At = r.At.Truncate(time.Second).UTC()
	return s.update(ctx, "keeping accounting", func(ses *session) error {
		if r.Kind.WholeDevice() {
			_, err := ses.exec(networkEndDevice, r.Key.Client, r.Key.NAS, seconds(r.At))
			return err
		}
		n, err := networkSession(ses, r.Key)
		if err != nil || !n.Apply(r) {
			return err
		}
		return writeNetworkSession(ses, n)
	})
}

// networkSession reads the session of that key, or begins one.
func networkSession(ses *session, k directory.NetworkSessionKey) (n directory.NetworkSession, err error) {
	err = ses.only(networkByKey, []any{k.Client, k.NAS, k.Session, k.UserName}, func(r *row) error {
		n = readNetworkSession(r)
		return nil
	})
	if !errors.Is(err, directory.ErrNotFound) {
		return n, err
	}
	id, err := directory.NewID(rand.Reader)
	return directory.NetworkSession{ID: id}, err
}

func writeNetworkSession(ses *session, n directory.NetworkSession) error {
	_, err := ses.exec(networkWrite, n.ID, n.Client, n.NAS, n.Session, n.UserName, n.AccountID, n.Credential, n.NASIdentifier, n.NASAddress,
		n.Address, n.Reported, n.Called, n.Port, seconds(n.StartedAt), seconds(n.SeenAt), seconds(n.EndedAt), string(n.Ended), n.Seconds,
		n.InOctets, n.OutOctets, n.Cause, n.Tries, seconds(n.NextTry), n.Outcome, n.Class)
	return err
}

// NetworkSessions returns the sessions that f selects, those that began last
// first.
func (s *Store) NetworkSessions(ctx context.Context, f directory.NetworkSessionFilter) (list []directory.NetworkSession, err error) {
	var w where
	if !f.Ended {
		w.and("n.ended_at = 0")
	}
	if f.AccountID != "" {
		w.and("n.account_id = " + w.arg(f.AccountID))
	}
	text := `SELECT ` + networkShown + networkFrom + w.clause() + ` ORDER BY n.started_at DESC, n.id` + limitTo(f.Limit)
	err = s.view(ctx, "listing network sessions", func(ses *session) error {
		return ses.adhoc(text, w.args, func(r *row) error { list = append(list, readNetworkSession(r)); return nil })
	})
	return list, err
}

// LiveSessions returns sessions that are on, of known accounts, that a device
// may be asked to end now: it was not asked yet, or is to be asked again by
// then. They come by id, those after the given one, at most limit.
func (s *Store) LiveSessions(ctx context.Context, now time.Time, after string, limit int) (list []directory.NetworkSession, err error) {
	err = s.view(ctx, "looking for sessions to end", func(ses *session) error {
		return ses.each(networkLive, []any{seconds(now), after, int64(limit)}, func(r *row) error {
			list = append(list, readNetworkSession(r))
			return nil
		})
	})
	return list, err
}

// NoteDisconnect keeps what became of asking a device to end session n: its
// Tries, NextTry and Outcome, and where n.EndedAt is set, that it ended.
func (s *Store) NoteDisconnect(ctx context.Context, n directory.NetworkSession, ev directory.Event) error {
	return s.update(ctx, "noting a disconnect", func(ses *session) error {
		if err := ses.one(networkTried, n.ID, n.Tries, seconds(n.NextTry), n.Outcome); err != nil {
			return err
		}
		if !n.EndedAt.IsZero() {
			if _, err := ses.exec(networkGone, n.ID, seconds(n.EndedAt)); err != nil {
				return err
			}
		}
		return insertEvents(ses, []directory.Event{ev})
	})
}

// SweepNetworkSessions ends, at now, the sessions that nothing was heard of
// since silent, and removes those that ended before old.
func (s *Store) SweepNetworkSessions(ctx context.Context, now, silent, old time.Time) error {
	return s.update(ctx, "sweeping network sessions", func(ses *session) error {
		if _, err := ses.exec(networkEndSilent, seconds(silent), seconds(now)); err != nil {
			return err
		}
		_, err := ses.exec(networkForget, seconds(old))
		return err
	})
}

func readNetworkSession(r *row) directory.NetworkSession {
	return directory.NetworkSession{
		ID: r.text(), NetworkSessionKey: directory.NetworkSessionKey{Client: r.text(), NAS: r.text(), Session: r.text(), UserName: r.text()},
		AccountID: r.text(), Credential: r.text(), NASIdentifier: r.text(), NASAddress: r.text(),
		Address: r.text(), Reported: r.text(), Called: r.text(), Port: r.text(),
		StartedAt: r.time(), SeenAt: r.time(), EndedAt: r.time(), Ended: directory.NetworkSessionEnd(r.text()),
		Seconds: r.int(), InOctets: r.int(), OutOctets: r.int(),
		Cause: r.int(), Tries: r.int(), NextTry: r.time(), Outcome: r.text(), Class: r.text(),
		Login: r.text(), Label: r.text(),
	}
}
