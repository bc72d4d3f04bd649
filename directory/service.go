package directory

import "net/netip"

// DefaultService is the service of every attempt that no other claims. It
// always exists.
const DefaultService = "default"

// Service is what an app password can be limited to: an entry of the
// configuration, and the ways an attempt is known to belong to it.
type Service struct {
	Name          string
	LDAPNetworks  []netip.Prefix // binds from here; the longest prefix wins
	LDAPListeners []string       // binds that arrive on these listen addresses
	LDAPBase      string         // "app=mail": binds below this RDN
	RADIUSClients []string       // names of RADIUS clients

	// RequireAppPassword refuses the primary password here also for accounts
	// without MFA.
	RequireAppPassword bool
}
