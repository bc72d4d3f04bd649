package main

import (
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
)

func TestTheSwitchesAreCountedByWhomTheyLeaveOpen(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	later, earlier := now.Add(time.Hour), now.Add(-time.Hour)
	off := policy.Holder{Account: directory.Account{Login: "off"}}
	enabled := policy.Holder{Account: directory.Account{Login: "enabled"}, MFADemanded: true}
	enforced := policy.Holder{Account: directory.Account{Login: "enforced"}, MFADemanded: true, Enrolled: true}
	exempt := policy.Holder{Account: directory.Account{Login: "root"}, MFADemanded: true, Enrolled: true}
	byGroup := policy.Holder{Account: directory.Account{Login: "bygroup"}, Groups: []string{"staff"}}
	demanded := policy.Holder{Account: directory.Account{Login: "demanded"}, Groups: []string{"guests"}}
	all := []policy.Holder{off, enabled, enforced, exempt, byGroup, demanded}
	for _, c := range []struct {
		name  string
		rules policy.Rules
		want  softened
	}{
		{"no switch", policy.Rules{}, softened{challenge: 1}},
		{"grace", policy.Rules{GraceUntil: later}, softened{grace: 2, challenge: 1}},
		{"grace that has ended", policy.Rules{GraceUntil: now}, softened{challenge: 1}},
		{"report-only for everybody", policy.Rules{ReportOnlyGroups: []string{"*"}, ReportOnlyUntil: later}, softened{reportOnly: 4, challenge: 1}},
		{"report-only for a group", policy.Rules{ReportOnlyGroups: []string{"staff"}, ReportOnlyUntil: later}, softened{reportOnly: 1, challenge: 1}},
		{"report-only that has ended", policy.Rules{ReportOnlyGroups: []string{"*"}, ReportOnlyUntil: earlier}, softened{challenge: 1}},
		{"a service that demands app passwords of all", policy.Rules{ReportOnlyGroups: []string{"*"}, ReportOnlyUntil: later,
			Services: []directory.Service{{Name: "mail", RequireAppPassword: true}}}, softened{reportOnly: 6, challenge: 1}},
	} {
		c.rules.MFAGroups, c.rules.Exempt, c.rules.AppPasswordGroups = []string{"staff"}, []string{"root"}, []string{"guests"}
		settings := &account.Settings{Rules: c.rules}
		people := &account.Service{Settings: func() *account.Settings { return settings }}
		var got softened
		for _, h := range all {
			got.add(&c.rules, h, people, now)
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
