package policy

import (
	"net/netip"
	"slices"
	"time"

	"postern/directory"
	"postern/policy/brake"
)

// Rules is what the configuration says, compiled. It is replaced as a whole at
// reload and never changed in place. Group names and logins are normalised.
type Rules struct {
	// Domain is the domain of base_dn: login@Domain denotes login.
	Domain string

	MFAGroups         []string // members are demanded MFA; admin_group is among them
	Exempt            []string // logins that are never demanded MFA
	AppPasswordGroups []string // members need app passwords whatever their MFA state

	GraceUntil       time.Time // zero: no grace
	ReportOnlyGroups []string  // "*" for everybody
	ReportOnlyUntil  time.Time // zero: report-only is off

	Services        []directory.Service
	ServiceAccounts []ServiceAccount

	MaxPerAccount int           // candidates a failing challenge computes
	UnusedAfter   time.Duration // zero: app passwords do not end for lack of use

	// Brakes are how guessing is slowed; zero: DefaultBrakes.
	Brakes Brakes
	// TrustedRelays are where many people come from by one address, such as a
	// mail server: they have no limit as a source. RADIUS clients are that too.
	TrustedRelays []netip.Prefix
}

// Brakes are the figures of the brakes, and how long results of hashes are
// remembered.
type Brakes struct {
	brake.Limits
	RememberAccepted time.Duration // accepted primaries of accounts without MFA; 0: not
	RememberRefused  time.Duration // refused ones, from the last time on; 0: not
}

// DefaultBrakes returns the figures of an installation that sets none.
func DefaultBrakes() Brakes {
	return Brakes{Limits: brake.Default(), RememberAccepted: 5 * time.Minute, RememberRefused: 24 * time.Hour}
}

// ServiceAccount is the configured side of a service account: one that is not
// configured any more is unknown.
type ServiceAccount struct {
	Name     string         // normalised
	Networks []netip.Prefix // where it may come from; none: nowhere
}

// Everybody in Rules.ReportOnlyGroups means every account.
const Everybody = "*"

// Exempts says whether a is never demanded MFA. A service account is not
// exempt: MFA never applied to it.
func (r *Rules) Exempts(a directory.Account) bool {
	return len(r.Exempt) > 0 && a.Kind == directory.Person && slices.Contains(r.Exempt, loginKey(a))
}

// MFA says how MFA stands for h, whose Groups must be filled, and names the
// group that demands it, "" where none does.
func (r *Rules) MFA(h Holder) (state MFAState, group string) {
	if h.Account.Kind != directory.Person || r.Exempts(h.Account) {
		return MFAOff, ""
	}
	group = inBoth(r.MFAGroups, h.Groups)
	switch {
	case !h.MFADemanded && group == "":
		return MFAOff, ""
	case !h.Enrolled:
		return MFAEnabled, group
	}
	return MFAEnforced, group
}

// Demand says whether the service or a group demands app passwords of h, whose
// Groups must be filled, and names the group, "" where it is the service.
func (r *Rules) Demand(h Holder, service string) (demand Demand, group string) {
	if h.Account.Kind != directory.Person {
		return PrimaryWillDo, ""
	}
	if slices.ContainsFunc(r.Services, func(s directory.Service) bool { return s.Name == service && s.RequireAppPassword }) {
		return AppPasswordDemanded, ""
	}
	if group = inBoth(r.AppPasswordGroups, h.Groups); group != "" {
		return AppPasswordDemanded, group
	}
	return PrimaryWillDo, ""
}

// ReportsOnly says whether switch (a), report-only, holds for h at now. Groups
// must be filled.
func (r *Rules) ReportsOnly(h Holder, now time.Time) bool {
	if h.Account.Kind != directory.Person || !now.Before(r.ReportOnlyUntil) {
		return false
	}
	return slices.Contains(r.ReportOnlyGroups, Everybody) || inBoth(r.ReportOnlyGroups, h.Groups) != ""
}

// InGrace says whether switch (b), grace, holds at now for accounts that are
// MFAEnabled.
func (r *Rules) InGrace(now time.Time) bool { return now.Before(r.GraceUntil) }

// inBoth returns the first of names that is among groups too, "" for none.
func inBoth(names, groups []string) string {
	for _, n := range names {
		if slices.Contains(groups, n) {
			return n
		}
	}
	return ""
}

// loginKey is the login as the rules hold it; "" where it is none.
func loginKey(a directory.Account) string {
	key, err := directory.NormalizeLogin(a.Login)
	if err != nil {
		return ""
	}
	return key
}
