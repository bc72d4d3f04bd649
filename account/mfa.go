package account

import (
	"context"

	"postern/directory"
	"postern/policy"
)

// MFA says how MFA stands for an account, and the group of mfa_groups that
// demands it, "" where none does.
func (s *Service) MFA(h policy.Holder) (state policy.MFAState, group string) {
	return s.Settings().Rules.MFA(h)
}

// MFAOn demands MFA of an account: enforced where a second factor is enrolled,
// else enabled.
func (s *Service) MFAOn(ctx context.Context, actor Actor, id string) error {
	return s.setMFA(ctx, actor, id, true, directory.EventMFAOn, func(h policy.Holder) error {
		if s.Settings().Rules.Exempts(h.Account) {
			return refuse(MFAExempt, "%q is never asked for MFA: it stands in policy.exempt; take it out there first", h.Account.Login)
		}
		return nil
	})
}

// MFAOff demands MFA no longer; second factors stay enrolled. It is refused for
// a member of an mfa_groups group.
func (s *Service) MFAOff(ctx context.Context, actor Actor, id string) error {
	return s.setMFA(ctx, actor, id, false, directory.EventMFAOff, func(h policy.Holder) error {
		if _, group := s.MFA(h); group != "" {
			return refuseOff(h.Account.Login, group)
		}
		return nil
	})
}

func refuseOff(login, group string) error {
	return refuse(MFAByGroup, "MFA cannot be turned off for %q: group %q demands it (policy.mfa_groups or portal.admin_group); take the account out of the group first", login, group)
}

func (s *Service) setMFA(ctx context.Context, actor Actor, id string, on bool, kind directory.EventKind, allowed func(policy.Holder) error) error {
	return s.change(ctx, actor, id, kind, func(h policy.Holder, _ *directory.Event) (policy.AccountChange, error) {
		err := allowed(h)
		if err == nil && h.MFADemanded == on {
			err = errAsItWas
		}
		return policy.AccountChange{MFADemanded: &on}, err
	})
}

// MFAReset removes second factors, recovery and enrol codes and ends the
// sessions at the portal. App passwords go too where on_mfa_reset says so.
func (s *Service) MFAReset(ctx context.Context, actor Actor, id string) error {
	revoke := s.Settings().RevokeOnMFAReset
	return s.change(ctx, actor, id, directory.EventMFAReset, func(_ policy.Holder, ev *directory.Event) (policy.AccountChange, error) {
		if revoke {
			ev.Detail = "app passwords revoked"
		}
		return policy.AccountChange{RemoveMethods: true, RevokeAppPasswords: revoke, EndSessions: true}, nil
	})
}
