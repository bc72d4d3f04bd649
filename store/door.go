package store

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// door is what one answer of AppPassword says, in a compact form. It is never
// changed.
type door struct {
	text   string // the app password's id, its account's id and login
	limits *limits
	read   time.Duration // when it was asked for
	// In seconds, as they are stored.
	created, expires, revoked, used, ends int64

	digest secret.Digest
	mac    secret.MAC

	id, account     uint16 // bytes of text
	kind            directory.CredentialKind
	holder          directory.Kind
	disabled, named bool
	lively          bool // there was a sign of life not long before it was asked for
}

// limits are where an app password may be used. The lists are shared by all who
// are given them and are never changed.
type limits struct {
	services []string
	networks []netip.Prefix
}

// appendQuestion appends to b what AppPassword is asked, digests and name, so
// that no two questions are the same bytes.
func appendQuestion(b []byte, digests []secret.Digest, name *directory.Name) []byte {
	b = append(b, byte(len(digests)))
	for i := range digests {
		b = append(b, digests[i][:]...)
	}
	b = append(b, byte(name.Kind))
	for _, s := range [...]string{name.Login, name.Mail, name.Local} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

// compact returns h in the compact form, but for its limits, and how those are
// written. It returns nil where h is too large to be kept with a question of so
// many bytes.
func compact(h *policy.Holding, question int) (d *door, written string) {
	c, a := &h.Credential, &h.Holder.Account
	if len(c.Services)+len(c.Networks) > doorLimits {
		return nil, ""
	}
	services, wrong := joinServices(c.Services)
	networks, bad := joinNetworks(c.Networks)
	text := c.ID + a.ID + a.Login
	if wrong != nil || bad != nil || question+len(text)+len(services)+len(networks) > doorText {
		return nil, ""
	}
	return &door{
		text: text, digest: h.Digest, mac: h.RowMAC,
		created: seconds(c.CreatedAt), expires: seconds(c.ExpiresAt), revoked: seconds(c.RevokedAt), used: seconds(c.LastUsedAt), ends: seconds(a.ExpiresAt),
		id: uint16(len(c.ID)), account: uint16(len(a.ID)), kind: c.Kind, holder: a.Kind, disabled: a.Disabled, named: h.Named,
	}, services + " " + networks // which hold no space, so no two are written alike
}

// share returns the limits of c, which are so written, as they were kept before
// if they were. The caller holds mu.
func (g *doorShard) share(written string, c *directory.AppPassword) *limits {
	l := g.shared[written]
	if l == nil {
		l = &limits{slices.Clip(c.Services), slices.Clip(c.Networks)}
		if g.shared == nil {
			g.shared = make(map[string]*limits)
		}
		g.shared[written] = l
	}
	return l
}

// age is how long the row is used.
func (d *door) age() time.Duration {
	if d.lively {
		return livelyAge
	}
	return doorAge
}

// holding returns what the row was read as.
func (d *door) holding() (h policy.Holding) {
	c, a := &h.Credential, &h.Holder.Account
	ids := d.id + d.account
	c.ID, c.Kind, c.AccountID = d.text[:d.id], d.kind, d.text[d.id:ids]
	c.Services, c.Networks = d.limits.services, d.limits.networks
	c.CreatedAt, c.ExpiresAt, c.RevokedAt, c.LastUsedAt = fromSeconds(d.created), fromSeconds(d.expires), fromSeconds(d.revoked), fromSeconds(d.used)
	a.ID, a.Kind, a.Login, a.Disabled, a.ExpiresAt = c.AccountID, d.holder, d.text[ids:], d.disabled, fromSeconds(d.ends)
	h.Digest, h.RowMAC, h.Named = d.digest, d.mac, d.named
	return h
}
