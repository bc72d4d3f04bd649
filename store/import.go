package store

import (
	"context"
	"fmt"
	"slices"

	"postern/directory"
	"postern/policy"
)

// ImportAccounts applies an import in one transaction with its events and ev,
// whole or not at all. The error names the group or account that stopped it.
func (s *Store) ImportAccounts(ctx context.Context, im policy.Import, ev directory.Event) error {
	return s.change(ctx, "importing accounts", func(ses *session) error {
		for _, g := range im.Groups {
			if err := insertGroup(ses, g); err != nil {
				return fmt.Errorf("group %s: %w", g.Name, err)
			}
		}
		for _, h := range im.Add {
			if err := insertHolder(ses, h); err != nil {
				return fmt.Errorf("account %s: %w", h.Account.Login, err)
			}
		}
		for _, c := range im.Changes {
			if err := importChange(ses, c, ev); err != nil {
				return fmt.Errorf("account %s: %w", c.AccountID, err)
			}
		}
		return nil
	}, slices.Concat(im.Events, []directory.Event{ev})...)
}

func importChange(ses *session, c policy.ImportChange, ev directory.Event) error {
	if err := changeAccount(ses, c.AccountID, c.Change, ev.At); err != nil {
		return err
	}
	return joinGroups(ses, c.AccountID, c.Join, seconds(ev.At))
}
