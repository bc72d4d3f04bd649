package policy

import (
	"net/netip"
	"time"

	"postern/directory"
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
}

// ServiceAccount is the configured side of a service account: one that is not
// configured any more is unknown.
type ServiceAccount struct {
	Name     string         // normalised
	Networks []netip.Prefix // where it may come from; none: nowhere
}
