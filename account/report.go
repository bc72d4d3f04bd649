package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"postern/directory"
	"postern/policy"
)

// PrimaryUses sums up kept events; see LegacyReport.
type PrimaryUses interface {
	PrimaryUses(ctx context.Context, since time.Time) ([]directory.PrimaryUse, error)
}

// LegacyUse is one way by which an account's primary password comes from a
// legacy client, and what would become of it.
type LegacyUse struct {
	directory.PrimaryUse
	// Gone says that the account is there no more; then what follows is zero.
	Gone bool
	MFA  policy.MFAState // as it stands now
	// IfDemanded is what would be decided if MFA were demanded of the account
	// now, with neither report-only nor grace.
	IfDemanded policy.Decision
	// AppPasswords is how many live ones the account has for that service.
	AppPasswords int
}

// Breaks says that this way would be refused if MFA were demanded now.
func (u LegacyUse) Breaks() bool { return !u.Gone && u.IfDemanded.Outcome == policy.Reject }

// LegacyReport says who sent the right primary password at legacy clients since
// that moment, by which ways, and what would happen if MFA were demanded of
// them now: by login, the latest way first.
func (s *Service) LegacyReport(ctx context.Context, events PrimaryUses, since time.Time) ([]LegacyUse, error) {
	found, err := events.PrimaryUses(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("summing up sign-ins: %w", err)
	}
	return s.supposeAll(ctx, found)
}

// LegacyReportPart is up to limit ways of a LegacyReport from offset on, at
// the cost of those alone; more says that others follow.
func (s *Service) LegacyReportPart(ctx context.Context, events PrimaryUses, since time.Time, offset, limit int) (part []LegacyUse, more bool, err error) {
	found, err := events.PrimaryUses(ctx, since)
	if err != nil {
		return nil, false, fmt.Errorf("summing up sign-ins: %w", err)
	}
	found = found[min(offset, len(found)):]
	more = len(found) > limit
	part, err = s.supposeAll(ctx, found[:min(limit, len(found))])
	return part, more, err
}

func (s *Service) supposeAll(ctx context.Context, found []directory.PrimaryUse) (_ []LegacyUse, err error) {
	report := make([]LegacyUse, 0, len(found))
	var who standing
	for _, use := range found {
		if who.id != use.AccountID {
			if who, err = s.standing(ctx, use.AccountID); err != nil {
				return nil, err
			}
		}
		report = append(report, s.suppose(who, use))
	}
	return report, nil
}

// standing is an account as a report needs it.
type standing struct {
	id     string
	gone   bool
	holder policy.Holder
	live   []directory.AppPassword
}

func (s *Service) standing(ctx context.Context, id string) (who standing, err error) {
	who.id = id
	who.holder, err = s.Records.HolderByID(ctx, id)
	if errors.Is(err, directory.ErrNotFound) {
		who.gone = true
		return who, nil
	}
	if err != nil {
		return who, fmt.Errorf("reading an account: %w", err)
	}
	list, err := s.Records.AppPasswords(ctx, id)
	if err != nil {
		return who, fmt.Errorf("reading app passwords: %w", err)
	}
	now, unused := s.Now(), s.Settings().Rules.UnusedAfter
	who.live = slices.DeleteFunc(list, func(p directory.AppPassword) bool {
		return p.State(now, unused) != directory.AppPasswordLive
	})
	return who, nil
}

func (s *Service) suppose(who standing, use directory.PrimaryUse) LegacyUse {
	u := LegacyUse{PrimaryUse: use, Gone: who.gone}
	if u.Gone {
		return u
	}
	settings, demanded := s.Settings(), who.holder
	demanded.MFADemanded = true
	kind := policy.Legacy
	if use.Protocol == string(policy.RADIUS) && slices.Contains(settings.OTPClients, use.Client) {
		kind = policy.LegacyOTP
	}
	u.Login = who.holder.Account.Login
	u.MFA, _ = settings.Rules.MFA(who.holder)
	u.IfDemanded = settings.Rules.Strict().Primary(demanded, use.Service, kind, s.Now())
	for _, p := range who.live {
		if p.ForService(use.Service) {
			u.AppPasswords++
		}
	}
	return u
}
