package store

import (
	"context"
	"errors"

	"postern/directory"
)

const (
	eventColumns = `id, at, last_at, count, kind, account_id, login, unknown, outcome, reason, service,
  protocol, method, client, source, reported, credential, actor, detail`

	// eventInsert meets an event that was written before: then more of the same
	// were folded into it since.
	eventInsert = `INSERT INTO events (` + eventColumns + `, seq)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
  ON CONFLICT (id) DO UPDATE SET count = excluded.count, last_at = excluded.last_at`
)

// AppendEvents keeps a batch of events in one transaction. One whose ID is kept
// already takes the Count and LastAt given now, so a writer that folds repeats
// into one event hands it in again, with its total.
func (s *Store) AppendEvents(ctx context.Context, events []directory.Event) error {
	if len(events) == 0 {
		return nil
	}
	return s.update(ctx, "recording events", func(ses *session) error { return insertEvents(ses, events) })
}

func insertEvents(ses *session, events []directory.Event) error {
	if len(events) == 0 {
		return nil
	}
	last, err := next(ses, "event_seq", len(events))
	if err != nil {
		return err
	}
	for i, e := range events {
		if e.ID == "" || e.Kind == "" || e.At.IsZero() {
			return errors.New("an event needs an id, a kind and a time")
		}
		if e.LastAt.Before(e.At) {
			e.LastAt = e.At
		}
		_, err := ses.exec(eventInsert, e.ID, millis(e.At), millis(e.LastAt), max(e.Count, 1), string(e.Kind), e.AccountID, e.Login, e.Unknown,
			e.Outcome, e.Reason, e.Service, e.Protocol, e.Method, e.Client, e.Source, e.Reported, e.Credential, e.Actor, e.Detail,
			last-int64(len(events)-1-i))
		if err != nil {
			return err
		}
	}
	return nil
}
