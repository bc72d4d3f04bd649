package policy

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/directory"
	"postern/secret"
)

// Purposes under which the key file serves credentials. Who seals names the
// id of the credential as the row.
const (
	SealedNT    = "app-password-nt"    // Holding.Sealed: the NT hash
	SealedClear = "app-password-clear" // Holding.SealedClear: the canonical app password

	credentialRow = "credential-row"
)

// CredentialMAC is the row MAC of h: over id, account id, digest, services,
// networks, expiry and kind. Whoever can write the database and has no key can
// neither move a credential to another account nor widen it. It is made at
// issue, and again whenever one of these changes. Of h it reads Credential and
// Digest.
func CredentialMAC(keys *secret.Keys, h Holding) secret.MAC {
	return keys.RowMAC(credentialRow, appendRow(nil, &h))
}

// appendRow spells the fields the MAC is over, each behind its length, so
// that no two rows are spelt alike. Order of services and networks is no
// difference.
func appendRow(b []byte, h *Holding) []byte {
	c := &h.Credential
	b = appendField(b, c.ID)
	b = appendField(b, c.AccountID)
	b = append(b, byte(c.Kind))
	b = append(b, h.Digest[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(expiry(*c)))
	services := sorted(c.Services, strings.Compare)
	b = binary.BigEndian.AppendUint32(b, uint32(len(services)))
	for _, s := range services {
		b = appendField(b, s)
	}
	networks := sorted(c.Networks, netip.Prefix.Compare)
	b = binary.BigEndian.AppendUint32(b, uint32(len(networks)))
	for _, n := range networks {
		b = appendNetwork(b, n)
	}
	return b
}

func appendNetwork(b []byte, n netip.Prefix) []byte {
	at := len(b)
	b = n.AppendTo(append(b, 0, 0, 0, 0))
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

func appendField(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// expiry is in Unix seconds, the resolution it is stored with; 0 is never.
func expiry(c directory.AppPassword) int64 {
	if c.ExpiresAt.IsZero() {
		return 0
	}
	return c.ExpiresAt.Unix()
}

// sorted returns list itself where it is in order, as it is stored, and a
// sorted copy where it is not.
func sorted[E any](list []E, cmp func(a, b E) int) []E {
	if slices.IsSortedFunc(list, cmp) {
		return list
	}
	list = slices.Clone(list)
	slices.SortFunc(list, cmp)
	return list
}

// CertificateText is what the digest of a certificate bound to an account is
// made of, in place of an app password. It never has the shape of one.
func CertificateText(fingerprint [32]byte) secret.Text {
	return secret.NewText("certificate:" + hex.EncodeToString(fingerprint[:]))
}

// standing says how credential c stands at now for an attempt under service
// from that address. MatchAppPassword is the only answer that can let in.
func (rs *ruleSet) standing(c directory.AppPassword, now time.Time, service string, from netip.Addr) Match {
	switch c.State(now, rs.UnusedAfter) {
	case directory.AppPasswordLive:
	case directory.AppPasswordExpired:
		return MatchExpired
	case directory.AppPasswordUnused:
		return MatchUnused
	default:
		return MatchRevoked
	}
	switch {
	case !c.ForService(service):
		return MatchOtherService
	case !c.FromNetwork(from):
		return MatchOtherNetwork
	}
	return MatchAppPassword
}
