package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"postern/directory"
	"postern/policy"
)

const (
	eventColumns = `id, at, last_at, count, kind, account_id, login, unknown, outcome, reason, service,
  protocol, method, client, source, reported, credential, actor, detail`

	eventValues = ` (` + eventColumns + `, seq, changed)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)`
	// eventInsert meets an event that was written before: then more of the same
	// were folded into it since.
	eventInsert = `INSERT INTO events` + eventValues + `
  ON CONFLICT (id) DO UPDATE SET count = excluded.count, last_at = excluded.last_at, changed = excluded.changed`
	eventRecount = `UPDATE events SET count = $2, last_at = $3, changed = $4 WHERE id = $1`
)

// AppendEvents keeps a batch of events in one transaction. One whose ID is kept
// already takes the Count and LastAt given now, so a writer that folds repeats
// into one event hands it in again, with its total.
func (s *Store) AppendEvents(ctx context.Context, events []directory.Event) error {
	if len(events) == 0 {
		return nil
	}
	return s.note(ctx, "recording events", func(ses *session) error { return insertEvents(ses, events) })
}

// RecountEvents sets the Count and LastAt of events that are kept, in one
// transaction: what AppendEvents does with them for about half of its price.
// It returns the places in counts of those that are kept no more.
func (s *Store) RecountEvents(ctx context.Context, counts []policy.Recount) (gone []int, err error) {
	if len(counts) == 0 {
		return nil, nil
	}
	err = s.note(ctx, "counting events further", func(ses *session) (err error) {
		gone, err = recountEvents(ses, counts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return gone, nil
}

func recountEvents(ses *session, counts []policy.Recount) (gone []int, err error) {
	last, err := next(ses, "event_seq", len(counts))
	if err != nil {
		return nil, err
	}
	for i, c := range counts {
		n, err := ses.exec(eventRecount, c.Event, c.Count, millis(c.LastAt), last-int64(len(counts)-1-i))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			gone = append(gone, i)
		}
	}
	return gone, nil
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
		if err := insertEvent(ses, eventInsert, e, last-int64(len(events)-1-i)); err != nil {
			return err
		}
	}
	return nil
}

// insertEvent adds an event by the statement text, at a place in the order of
// commits.
func insertEvent(ses *session, text string, e directory.Event, seq int64) error {
	args, err := eventArgs(e)
	if err == nil {
		_, err = ses.exec(text, append(args, seq)...)
	}
	return err
}

var errNoEvent = errors.New("an event needs an id, a kind and a time")

// eventArgs are the columns of an event.
func eventArgs(e directory.Event) ([]any, error) {
	if e.ID == "" || e.Kind == "" || e.At.IsZero() {
		return nil, errNoEvent
	}
	if e.LastAt.Before(e.At) {
		e.LastAt = e.At
	}
	return []any{
		e.ID, millis(e.At), millis(e.LastAt), max(e.Count, 1), string(e.Kind), e.AccountID, e.Login, e.Unknown,
		e.Outcome, e.Reason, e.Service, e.Protocol, e.Method, e.Client, e.Source, e.Reported, e.Credential, e.Actor, e.Detail,
	}, nil
}

const (
	eventPosition = `SELECT at, seq FROM events WHERE id = $1`
	eventsChanged = `SELECT ` + eventColumns + `, changed FROM events WHERE changed > $1 ORDER BY changed LIMIT $2`
	eventsExpire  = `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < $1 ORDER BY at, seq LIMIT $2)`
)

// Events returns the events that f selects, newest first. With f.After it
// follows: those committed after that event, in the order of their commits, so
// that an event written late is not missed. With f.Before it pages back from
// that event. directory.ErrNotFound: the event named in f is kept no more.
func (s *Store) Events(ctx context.Context, f directory.EventFilter) (list []directory.Event, err error) {
	err = s.snapshot(ctx, "listing events", func(ses *session) error {
		text, args, err := eventsQuery(ses, f)
		if err != nil {
			return err
		}
		return ses.adhoc(text, args, func(r *row) error {
			list = append(list, readEvent(r))
			return nil
		})
	})
	return list, err
}

func eventsQuery(ses *session, f directory.EventFilter) (text string, args []any, err error) {
	var w where
	order := " ORDER BY at DESC, seq DESC"
	if f.After != "" {
		_, seq, err := positionOf(ses, f.After)
		if err != nil {
			return "", nil, err
		}
		w.and("seq > " + w.arg(seq))
		order = " ORDER BY seq"
	}
	if f.Before != "" {
		at, seq, err := positionOf(ses, f.Before)
		if err != nil {
			return "", nil, err
		}
		w.and("(at, seq) < (" + w.arg(at) + ", " + w.arg(seq) + ")")
	}
	w.events(f)
	return `SELECT ` + eventColumns + ` FROM events` + w.clause() + order + limitTo(f.Limit), w.args, nil
}

func positionOf(ses *session, id string) (at, seq int64, err error) {
	err = ses.only(eventPosition, []any{id}, func(r *row) error { at, seq = r.int(), r.int(); return nil })
	return at, seq, err
}

// events adds the conditions of f that are about the events themselves.
func (w *where) events(f directory.EventFilter) {
	if f.AccountID != "" {
		w.and("account_id = " + w.arg(f.AccountID))
	}
	if !f.Since.IsZero() {
		w.and("at >= " + w.arg(millis(f.Since)))
	}
	in(w, "kind", f.Kinds)
	in(w, "outcome", f.Outcomes)
}

// in asks that column holds one of values, where there are any.
func in[S ~string](w *where, column string, values []S) {
	if len(values) == 0 {
		return
	}
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = w.arg(string(v))
	}
	w.and(column + " IN (" + strings.Join(places, ", ") + ")")
}

func readEvent(r *row) directory.Event {
	return directory.Event{
		ID: r.text(), At: fromMillis(r.int()), LastAt: fromMillis(r.int()), Count: r.int(), Kind: directory.EventKind(r.text()),
		AccountID: r.text(), Login: r.text(), Unknown: r.text(), Outcome: r.text(), Reason: r.text(), Service: r.text(),
		Protocol: r.text(), Method: r.text(), Client: r.text(), Source: r.text(), Reported: r.text(), Credential: r.text(),
		Actor: r.text(), Detail: r.text(),
	}
}

// EventsChanged returns up to limit events that were added or counted further
// after position, in the order in which that was committed, and the position of
// the last of them. Position 0 is before the first. An event that was counted
// further comes again, with its total.
func (s *Store) EventsChanged(ctx context.Context, position int64, limit int) (list []directory.Event, last int64, err error) {
	last = position
	err = s.view(ctx, "following events", func(ses *session) error {
		return ses.each(eventsChanged, []any{position, limit}, func(r *row) error {
			list = append(list, readEvent(r))
			last = r.int()
			return nil
		})
	})
	return list, last, err
}

// DeleteEvents removes up to limit events from before the given moment, oldest
// first, and returns how many. The caller asks again until there are fewer than
// limit, so that no one else waits long for the writer.
func (s *Store) DeleteEvents(ctx context.Context, before time.Time, limit int) (deleted int, err error) {
	err = s.update(ctx, "deleting old events", func(ses *session) error {
		n, err := ses.exec(eventsExpire, millis(before), limit)
		deleted = int(n)
		return err
	})
	return deleted, err
}
