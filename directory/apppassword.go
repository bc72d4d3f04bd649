package directory

import (
	"net/netip"
	"time"
)

// AnyService in AppPassword.Services means every service there is.
const AnyService = "any"

// Challenge says which challenge methods an app password can answer besides
// the methods that present it in clear.
type Challenge uint8

const (
	ChallengeNone Challenge = iota
	// ChallengeNT keeps a sealed NT hash: the MS-CHAP family.
	ChallengeNT
	// ChallengeCHAP keeps a sealed copy as well: CHAP and EAP-MD5 too.
	ChallengeCHAP
)

// String returns the word shown for the challenge forms: "none", "nt", "chap".
func (c Challenge) String() string {
	switch c {
	case ChallengeNT:
		return "nt"
	case ChallengeCHAP:
		return "chap"
	}
	return "none"
}

// CredentialKind tells an app password from a client certificate, which is a
// credential of the same kind and lives by the same rules.
type CredentialKind uint8

const (
	KindAppPassword CredentialKind = iota
	KindCertificate
)

// AppPassword describes an issued credential. It holds no secret, no digest
// and nothing that one could be computed from. Times are UTC, in seconds.
type AppPassword struct {
	ID        string // UUID
	Kind      CredentialKind
	AccountID string
	Label     string         // the name its owner gave it
	Services  []string       // service names, or AnyService alone; sorted
	Networks  []netip.Prefix // where it may be used from; empty: anywhere. Sorted
	Challenge Challenge
	CreatedAt time.Time
	ExpiresAt time.Time // zero: until revoked
	RevokedAt time.Time // zero: live

	LastUsedAt      time.Time // zero: never used. May lag by 30 s
	LastUsedFrom    string    // address of the LDAP or RADIUS client
	LastUsedService string
}

// AppPasswordState is how an app password stands at a moment.
type AppPasswordState uint8

const (
	AppPasswordRevoked AppPasswordState = iota
	AppPasswordExpired
	AppPasswordUnused // ended for lack of use
	AppPasswordLive
)

// String returns the word shown for the state.
func (s AppPasswordState) String() string {
	switch s {
	case AppPasswordLive:
		return "active"
	case AppPasswordExpired:
		return "expired"
	case AppPasswordUnused:
		return "unused"
	}
	return "revoked"
}

// State returns how the app password stands at now. unusedAfter ends one that
// was not used (or, never used, not made) for that long; zero: never.
func (p AppPassword) State(now time.Time, unusedAfter time.Duration) AppPasswordState {
	if !p.RevokedAt.IsZero() {
		return AppPasswordRevoked
	}
	if !p.ExpiresAt.IsZero() && !now.Before(p.ExpiresAt) {
		return AppPasswordExpired
	}
	if unusedAfter > 0 && now.Sub(p.lastSign()) >= unusedAfter {
		return AppPasswordUnused
	}
	return AppPasswordLive
}

func (p AppPassword) lastSign() time.Time {
	if p.LastUsedAt.After(p.CreatedAt) {
		return p.LastUsedAt
	}
	return p.CreatedAt
}

// ForService reports whether the app password is issued for that service.
func (p AppPassword) ForService(name string) bool {
	for _, s := range p.Services {
		if s == AnyService || s == name {
			return true
		}
	}
	return false
}

// FromNetwork reports whether the app password may be used from addr.
func (p AppPassword) FromNetwork(addr netip.Addr) bool {
	if len(p.Networks) == 0 {
		return true
	}
	addr = addr.Unmap()
	for _, n := range p.Networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
