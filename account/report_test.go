package account_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
)

// sent is what a storage sums up, made up for the report.
type sent []directory.PrimaryUse

func (s sent) PrimaryUses(context.Context, time.Time) ([]directory.PrimaryUse, error) { return s, nil }

type unread struct{}

func (unread) PrimaryUses(context.Context, time.Time) ([]directory.PrimaryUse, error) {
	return nil, errors.New("disk on fire")
}

func TestTheReportSaysWhatWouldBreak(t *testing.T) {
	h := newHouse(t)
	h.group("staff")
	h.settings.OTPClients = []string{"vpn"}
	h.settings.Rules.ReportOnlyGroups, h.settings.Rules.ReportOnlyUntil = []string{policy.Everybody}, h.at.Add(time.Hour)
	h.settings.Rules.GraceUntil = h.at.Add(time.Hour)
	off, on, spare := h.add("off"), h.add("on", "staff"), h.add("breakglass")
	h.issue(off, account.Request{Services: []string{"mail"}})
	h.issue(off, account.Request{Services: []string{"vpn"}})
	gone := h.issue(off, account.Request{Services: []string{"mail"}})
	_, err := h.Revoke(t.Context(), actor, off, gone.AppPassword.ID)
	ok(t, err)
	ldap := func(id string) directory.PrimaryUse {
		return directory.PrimaryUse{AccountID: id, Login: "as it was", Service: "mail", Protocol: "ldap", Count: 3}
	}
	vpn := directory.PrimaryUse{AccountID: off, Service: "vpn", Protocol: "radius", Client: "vpn"}
	report, err := h.LegacyReport(t.Context(), sent{ldap(off), vpn, ldap(on), ldap(spare), ldap("deleted")}, time.Time{})
	ok(t, err)
	for i, want := range []struct {
		login  string
		mfa    policy.MFAState
		reason policy.Reason
		app    int
		breaks bool
	}{
		{"off", policy.MFAOff, policy.ReasonPrimaryWithMFA, 1, true},
		{"off", policy.MFAOff, policy.ReasonPrimaryWithMFA, 1, true}, // nothing is enrolled: there is no code to ask for
		{"on", policy.MFAEnabled, policy.ReasonPrimaryWithMFA, 0, true},
		{"breakglass", policy.MFAOff, policy.ReasonPrimary, 0, false},
		{"as it was", 0, "", 0, false},
	} {
		got := report[i]
		if got.Login != want.login || got.MFA != want.mfa || got.IfDemanded.Reason != want.reason || got.AppPasswords != want.app || got.Breaks() != want.breaks {
			t.Errorf("%d: %+v, want %+v", i, got, want)
		}
	}
	if !report[4].Gone || report[0].Gone || report[0].Count != 3 {
		t.Errorf("gone are %v and %v", report[4].Gone, report[0].Gone)
	}
	if _, err := h.LegacyReport(t.Context(), unread{}, time.Time{}); err == nil {
		t.Error("what cannot be read is reported as nothing")
	}
}
