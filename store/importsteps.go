package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"postern/directory"
	"postern/policy"
)

const (
	importBegin   = `INSERT INTO imports (id, applied) VALUES ($1, 0)`
	importApplied = `UPDATE imports SET applied = 1 WHERE id = $1`
	importEnd     = `DELETE FROM imports WHERE id = $1`
	importsLeft   = `SELECT id, applied FROM imports ORDER BY id`

	importAccount = `INSERT INTO import_accounts (import_id, account_id) VALUES ($1, $2)`
	importEvent   = `INSERT INTO import_events (` + eventColumns + `, import_id, position)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`

	eventsLeft = `SELECT COALESCE(min(position), 0), COALESCE(max(position), 0) FROM import_events WHERE import_id = $1`
	eventsMove = `INSERT INTO events (` + eventColumns + `, seq, changed)
  SELECT ` + eventColumns + `, $2 + position, $2 + position FROM import_events
  WHERE import_id = $1 AND position <= $3 ORDER BY position ON CONFLICT (id) DO NOTHING`
	eventsDrop = `DELETE FROM import_events WHERE import_id = $1 AND position <= $2`

	// someAccounts are the next of an import whose accounts are looked after.
	someAccounts    = `(SELECT account_id FROM import_accounts WHERE import_id = $1 ORDER BY account_id LIMIT $2)`
	strayAttributes = `DELETE FROM account_attributes WHERE account_id IN ` + someAccounts + `
  AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = account_attributes.account_id)`
	strayMembers = `DELETE FROM group_accounts WHERE account_id IN ` + someAccounts + `
  AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = group_accounts.account_id)`
	accountsDrop = `DELETE FROM import_accounts WHERE import_id = $1 AND account_id IN ` + someAccounts
)

// prepare writes all that is not seen without the accounts, step by step: what
// the import has to record, the attributes, memberships and trigrams. No row of
// an account is there yet, so the constraint that demands one is lifted for
// this connection; apply has it again.
func (i *importing) prepare(ctx context.Context) error {
	if err := i.ses.script("PRAGMA foreign_keys = 0"); err != nil {
		return err
	}
	begin := func(ses *session) error { _, err := ses.exec(importBegin, i.ev.ID); return err }
	if err := step(ctx, i.ses, begin); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{i.writeEvents, i.writeAccounts, i.writeTrigrams} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return i.ses.script("PRAGMA foreign_keys = 1")
}

func (i *importing) writeEvents(ctx context.Context) error {
	position := int64(0)
	for some := range slices.Chunk(i.im.Events, importStep) {
		err := step(ctx, i.ses, func(ses *session) error {
			for _, e := range some {
				position++
				args, err := eventArgs(e)
				if err != nil {
					return err
				}
				if _, err := ses.exec(importEvent, append(args, i.ev.ID, position)...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeAccounts writes what belongs to the accounts, as many at a time as have
// some thousand values.
func (i *importing) writeAccounts(ctx context.Context) error {
	for from := 0; from < len(i.im.Add); {
		to, rows := from, 0
		for ; to < len(i.im.Add) && rows < importStep; to++ {
			rows += 1 + len(i.im.Add[to].Groups) + len(i.im.Add[to].Account.Attributes)
		}
		if err := i.stageStep(i.im.Add[from:to]); err != nil {
			return err
		}
		err := step(ctx, i.ses, func(ses *session) error {
			for _, h := range i.im.Add[from:to] {
				if _, err := ses.exec(importAccount, i.ev.ID, h.Account.ID); err != nil {
					return err
				}
			}
			_, err := ses.exec(attributesMove)
			if err == nil {
				_, err = ses.exec(membersMove)
			}
			return err
		})
		if err != nil {
			return err
		}
		if from = to; i.im.Progress != nil {
			i.im.Progress(to)
		}
	}
	return nil
}

// stageStep stages the attributes and memberships of some accounts, in place of
// those before.
func (i *importing) stageStep(some []policy.Holder) error {
	return i.ses.within("BEGIN", func(ses *session) error {
		for _, text := range []string{attributesClear, membersClear} {
			if _, err := ses.exec(text); err != nil {
				return err
			}
		}
		for _, h := range some {
			if err := i.stageValues(h); err != nil {
				return fmt.Errorf("account %s: %w", h.Account.Login, err)
			}
		}
		return nil
	})
}

func (i *importing) stageValues(h policy.Holder) error {
	if err := insertAttributes(i.ses, stagedAttribute, h.Account); err != nil {
		return err
	}
	for _, name := range h.Groups {
		id, err := i.group(name, h.Account.Login)
		if err == nil {
			_, err = i.ses.exec(memberStage, id, h.Account.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeTrigrams writes those of the accounts to come. That some stand there for
// nobody is allowed: they only say who comes into question.
func (i *importing) writeTrigrams(ctx context.Context) error {
	for some := range slices.Chunk(i.trigrams.sorted(), importStep) {
		if err := step(ctx, i.ses, func(ses *session) error { return i.trigrams.write(ses, some) }); err != nil {
			return err
		}
	}
	return nil
}

// dropOldTrigrams takes out what changed accounts are not called any more.
func (i *importing) dropOldTrigrams() error {
	for some := range slices.Chunk(i.renamed, importStep/100) {
		err := step(context.Background(), i.ses, func(ses *session) error {
			for _, r := range some {
				now, err := keysOf(ses, accountKeys, r.id)
				if err != nil {
					return err
				}
				if err := reindex(ses, r.old, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// FinishImports looks after imports whose process ended: the events of one that
// was applied get their places, and what was written of one that was not is
// taken away. ErrBusy: an import is under way, and nothing was done.
func (s *Store) FinishImports(ctx context.Context) error {
	left := 0
	err := s.view(ctx, "looking for unfinished imports", func(ses *session) error {
		return ses.each(importsLeft, nil, func(r *row) error { left++; r.text(); r.int(); return nil })
	})
	if err != nil || left == 0 {
		return err
	}
	ses, end, err := s.importSession()
	if err == nil {
		defer end()
		err = finishImports(ctx, ses)
	}
	return s.fail("finishing an import", err)
}

func finishImports(ctx context.Context, ses *session) error {
	applied := map[string]bool{}
	err := ses.each(importsLeft, nil, func(r *row) error { id := r.text(); applied[id] = r.bool(); return nil })
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(applied)) {
		if err := finishImport(ctx, ses, id, applied[id]); err != nil {
			return err
		}
	}
	return nil
}

// finishImport needs no more than its id, so that it goes on where it stopped.
func finishImport(ctx context.Context, ses *session, id string, applied bool) error {
	if err := finishEvents(ctx, ses, id, applied); err != nil {
		return err
	}
	for n := int64(1); n > 0; {
		err := step(ctx, ses, func(ses *session) (err error) {
			for _, text := range []string{strayAttributes, strayMembers, accountsDrop} {
				if n, err = ses.exec(text, id, importStep/10); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if !applied {
		if err := sweepTrigrams(ctx, ses); err != nil {
			return err
		}
	}
	return step(ctx, ses, func(ses *session) error { _, err := ses.exec(importEnd, id); return err })
}

// finishEvents gives the events of an import their places in the order of
// commits, or takes away those of one that was not applied.
func finishEvents(ctx context.Context, ses *session, id string, applied bool) error {
	for {
		var first, last int64
		err := ses.each(eventsLeft, []any{id}, func(r *row) error { first, last = r.int(), r.int(); return nil })
		if err != nil || last == 0 {
			return err
		}
		last = min(last, first+importStep-1)
		err = step(ctx, ses, func(ses *session) error {
			if applied {
				seq, err := next(ses, "event_seq", int(last-first+1))
				if err != nil {
					return err
				}
				if _, err := ses.exec(eventsMove, id, seq-last, last); err != nil {
					return err
				}
			}
			_, err := ses.exec(eventsDrop, id, last)
			return err
		})
		if err != nil {
			return err
		}
	}
}

// keysOfChange are the keys that a change brings.
func keysOfChange(number int64, c policy.AccountChange) (k keys) {
	k.number = number
	if c.Name != nil {
		k.add("cn", directory.FoldText(*c.Name))
	}
	if c.Mail != nil {
		if key, err := mailKeyOf(*c.Mail); err == nil {
			k.add("mail", key)
		}
	}
	for name, values := range c.Attributes {
		for _, v := range values {
			k.add(directory.ExtraAttribute+directory.FoldText(name), directory.FoldText(v))
		}
	}
	return k
}
