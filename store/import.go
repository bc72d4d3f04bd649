package store

import (
	"context"
	"errors"
	"fmt"

	"postern/directory"
	"postern/policy"
)

// ImportAccounts applies an import in one transaction with its events and ev,
// whole or not at all. The error names the group or account that stopped it.
//
// What is to be added is first put into temporary tables of a connection of its
// own, which keeps nobody waiting. The transaction then moves it by whole
// tables.
func (s *Store) ImportAccounts(ctx context.Context, im policy.Import, ev directory.Event) error {
	if e := s.broken.Load(); e != nil {
		return *e
	}
	return s.fail("importing accounts", s.importAccounts(ctx, im, ev))
}

func (s *Store) importAccounts(ctx context.Context, im policy.Import, ev directory.Event) error {
	conn, err := s.write.connect()
	if err != nil {
		return err
	}
	ses := newSession(conn)
	defer func() { _ = ses.close() }() // with its temporary tables
	if err := numberAccounts(ses, im.Add); err != nil {
		return err
	}
	if err := stage(ctx, ses, im); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err = ses.within("BEGIN IMMEDIATE", func(ses *session) error { return applyStaged(ses, im, ev) })
	if errors.Is(classify(err), directory.ErrConflict) {
		return nameConflict(ses, err)
	}
	return err
}

// uidsAmong are the numbers of a range that somebody has.
const uidsAmong = `SELECT uid_number FROM accounts WHERE uid_number BETWEEN $1 AND $2`

// numberAccounts gives every account of list that brings none a free number. A
// number that is taken and not used then is gone, as always.
func numberAccounts(ses *session, list []policy.Holder) error {
	taken, need := map[int64]bool{}, []*int64{}
	for i := range list {
		if n := &list[i].Account.UIDNumber; *n != 0 {
			taken[*n] = true
		} else {
			need = append(need, n)
		}
	}
	for len(need) > 0 {
		last, err := next(ses, "uid_number", len(need))
		if err != nil {
			return err
		}
		first := last - int64(len(need)) + 1
		err = ses.each(uidsAmong, []any{first, last}, func(r *row) error { taken[r.int()] = true; return nil })
		if err != nil {
			return err
		}
		for n := first; n <= last; n++ {
			if !taken[n] {
				*need[0], need = n, need[1:]
			}
		}
	}
	return nil
}

// applyStaged moves what was staged to where it belongs, and makes the changes
// that are not additions.
func applyStaged(ses *session, im policy.Import, ev directory.Event) error {
	for _, g := range im.Groups {
		if err := insertGroup(ses, g); err != nil {
			return fmt.Errorf("group %s: %w", g.Name, err)
		}
	}
	if err := missingGroup(ses); err != nil {
		return err
	}
	for _, text := range []string{accountsMove, attributesMove, membersMove} {
		if _, err := ses.exec(text); err != nil {
			return err
		}
	}
	for _, h := range im.AppPasswords {
		if err := insertAppPassword(ses, h); err != nil {
			return fmt.Errorf("app password %s: %w", h.Credential.ID, err)
		}
	}
	for _, c := range im.Changes {
		if err := changeAccount(ses, c.AccountID, c.Change, ev.At); err != nil {
			return fmt.Errorf("account %s: %w", c.AccountID, err)
		}
	}
	if _, err := ses.exec(groupsTouch, seconds(ev.At)); err != nil {
		return err
	}
	for _, n := range im.Nest {
		if err := nest(ses, n, ev); err != nil {
			return fmt.Errorf("group %s: %w", n.Member, err)
		}
	}
	return moveEvents(ses, len(im.Events), ev)
}

// moveEvents gives the events their places in the order of commits.
func moveEvents(ses *session, count int, ev directory.Event) error {
	if count > 0 {
		last, err := next(ses, "event_seq", count)
		if err != nil {
			return err
		}
		if _, err := ses.exec(eventsMove, last-int64(count)); err != nil {
			return err
		}
	}
	if err := insertEvents(ses, []directory.Event{ev}); err != nil {
		return err
	}
	return ses.one(counterBump)
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
