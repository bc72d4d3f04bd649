package policy

import (
	"fmt"
	"time"

	"postern/directory"
)

// sentences say for each reason which rule decided. The numbers are those of
// the package comment.
var sentences = map[Reason]string{
	ReasonUnavailable:      "Rule 7: something broke, so it is neither yes nor no.",
	ReasonBusy:             "Too many passwords are being verified: neither yes nor no.",
	ReasonUnknownAccount:   "Rule 1: an account that is unknown is refused.",
	ReasonAccountDisabled:  "Rule 1: an account that is disabled is refused.",
	ReasonAccountExpired:   "Rule 1: an account that has expired is refused.",
	ReasonWrongSecret:      "What is presented is none of the account's credentials: refused.",
	ReasonWrongSecond:      "The primary password is right and the second factor is not: refused.",
	ReasonBraked:           "Too many wrong passwords were tried: the primary password is refused for a while.",
	ReasonAppPassword:      "Rule 3: an app password that is live and in scope is accepted, whatever the MFA state.",
	ReasonRevoked:          "The app password is revoked: refused.",
	ReasonCredentialEnded:  "The app password has expired: refused.",
	ReasonUnused:           "The app password was not used for too long and has ended: refused.",
	ReasonOtherService:     "The app password is not issued for this service: refused.",
	ReasonOtherNetwork:     "The credential may not be used from this address: refused.",
	ReasonForged:           "The stored row is not as it was issued: refused. Somebody changed the database; revoke the app password and find out who.",
	ReasonNotInteractive:   "Rule 5: an app password is never accepted at an interactive client.",
	ReasonServicePrimary:   "A service account has no primary password: refused.",
	ReasonPrimary:          "MFA is off and nothing demands app passwords: the primary password is accepted.",
	ReasonPrimaryAndSecond: "The primary password counts together with the second factor: accepted.",
	ReasonPrimaryWithMFA:   "Rule 2: a legacy client is refused the primary password of an account with MFA on. Give it an app password.",
	ReasonPrimaryNotHere:   "Rule 4: app passwords are demanded here, so a legacy client is refused the primary password.",
	ReasonWouldRefuseMFA:   "Rule 2 would refuse the primary password of an account with MFA on; report-only accepts it and records that.",
	ReasonWouldRefuseHere:  "Rule 4 would refuse the primary password where app passwords are demanded; report-only accepts it and records that.",
	ReasonGrace:            "Nothing is enrolled yet and grace lasts: at a legacy client the account counts as one without MFA.",
	ReasonAskSecondFactor:  "The primary password is right; a second factor is asked for.",
	ReasonAskEnrol:         "Rule 6: the primary password is right; a second factor must be enrolled first.",
}

// Sentence says the reason to a person who knows the rules: an administrator.
// It is not for the wire.
func (r Reason) Sentence() string { return sentences[r] }

// findings are the facts in words, in the order in which they are looked at,
// as far as the decision came.
func (s *supposed) findings() []string {
	if s.account.ID == "" {
		return []string{"Nobody is known by that name, or more than one."}
	}
	found := []string{s.accountFinding()}
	if s.facts.Account != AccountActive {
		return found
	}
	if s.facts.Match == MatchPrimary && s.facts.Braked {
		return append(found, "The brake is on for that address.")
	}
	switch s.facts.Match {
	case MatchPrimary:
		return append(found, s.ruleFindings()...)
	case MatchNone:
		return append(found, "There is no primary password.")
	case MatchAppPassword:
		return append(found, "The app password is live and in scope.")
	}
	return found
}

func (s *supposed) accountFinding() string {
	switch s.facts.Account {
	case AccountActive:
		return "The account is active."
	case AccountDisabled:
		return "The account is disabled."
	case AccountExpired:
		return "The account expired on " + day(s.account.ExpiresAt) + "."
	}
	return "The service account does not stand in the configuration."
}

// ruleFindings say what rules 2, 4 and 6 ask for of a right primary password.
func (s *supposed) ruleFindings() []string {
	if s.account.Kind != directory.Person {
		return nil
	}
	found := []string{s.mfaFinding()}
	if s.facts.Client == Interactive {
		return found
	}
	if demand, group := s.rules.Demand(s.holder, s.service); demand == AppPasswordDemanded {
		found = append(found, demandFinding(s.service, group))
	}
	if s.facts.Grace && s.facts.MFA == MFAEnabled {
		found = append(found, "Grace lasts until "+day(s.rules.GraceUntil)+".")
	}
	if s.facts.ReportOnly {
		found = append(found, "Report-only holds for the account until "+day(s.rules.ReportOnlyUntil)+".")
	}
	return found
}

func (s *supposed) mfaFinding() string {
	state, group := s.rules.MFA(s.holder)
	switch {
	case s.exempt:
		return "MFA is off: the login stands in policy.exempt."
	case state == MFAOff:
		return "MFA is off: neither the account's own switch nor a group demands it."
	}
	by := "the account's own switch demands it"
	if group != "" {
		by = fmt.Sprintf("group %q demands it", group)
	}
	if state == MFAEnabled {
		return "MFA is enabled: " + by + "; no second factor is enrolled."
	}
	return "MFA is enforced: " + by + "; a second factor is enrolled."
}

func demandFinding(service, group string) string {
	if group != "" {
		return fmt.Sprintf("Group %q demands app passwords.", group)
	}
	return fmt.Sprintf("Service %q demands app passwords.", service)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
