package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/account"
	"postern/config"
	"postern/directory"
	"postern/policy"
	"postern/store"
)

// softened counts the accounts that each of the three switches leaves open:
// those that would be refused with their primary password without it.
type softened struct {
	reportOnly int
	grace      int
	challenge  int
}

// countSoftened reads every account. Where no switch is on it reads none.
func countSoftened(ctx context.Context, c loaded, db *store.Store, now time.Time) (n softened, err error) {
	if !slices.ContainsFunc(c.warnings, isSwitch) {
		return n, nil
	}
	accounts := &account.Service{Settings: func() *account.Settings { return c.settings }}
	q := directory.Query{Kind: directory.Person}
	for {
		batch, err := db.Holders(ctx, q)
		if err != nil || len(batch) == 0 {
			return n, err
		}
		for _, h := range batch {
			if !h.Account.Disabled && !h.Account.Expired(now) {
				n.add(c.rules, h, accounts, now)
			}
		}
		q.After = batch[len(batch)-1].Account.ID
	}
}

func (n *softened) add(r *policy.Rules, h policy.Holder, accounts *account.Service, now time.Time) {
	state, _ := accounts.MFA(h)
	inAny := func(groups []string) bool {
		return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(h.Groups, g) })
	}
	refused := state != policy.MFAOff || inAny(r.AppPasswordGroups) ||
		slices.ContainsFunc(r.Services, func(s directory.Service) bool { return s.RequireAppPassword })
	reported := slices.Contains(r.ReportOnlyGroups, "*") || inAny(r.ReportOnlyGroups)
	if refused && reported && now.Before(r.ReportOnlyUntil) {
		n.reportOnly++
	}
	if state == policy.MFAEnabled && now.Before(r.GraceUntil) {
		n.grace++
	}
	if state == policy.MFAEnforced {
		n.challenge++
	}
}

// of returns the count behind a warning, and whether it is about a switch.
func (n softened) of(w config.Problem) (int, bool) {
	switch {
	case w.Key == "policy.report_only_groups":
		return n.reportOnly, true
	case w.Key == "policy.grace_until":
		return n.grace, true
	case strings.HasSuffix(w.Key, ".otp_challenge"):
		return n.challenge, true
	}
	return 0, false
}

func isSwitch(w config.Problem) bool {
	_, ok := softened{}.of(w)
	return ok
}

// tell adds the count to a warning about a switch.
func (n softened) tell(w config.Problem) string {
	open, ok := n.of(w)
	switch {
	case !ok:
		return w.Message
	case open == 1:
		return w.Message + "; this leaves 1 account open"
	}
	return fmt.Sprintf("%s; this leaves %d accounts open", w.Message, open)
}
