package policy

import (
	"net/netip"
	"slices"
	"strings"

	"postern/directory"
)

// ruleSet is Rules with the services in the shape the engine asks for them in:
// every question is a map lookup and allocates nothing. It is never changed
// after compile.
type ruleSet struct {
	*Rules
	serviceAccounts map[string][]netip.Prefix
	relays          []netip.Prefix
	brakes          Brakes

	byClient, byBase, byListener map[string]string
	byNetwork                    map[netip.Prefix]string
	bits                         []int // prefix lengths in byNetwork, longest first
}

func compile(r *Rules) *ruleSet {
	rs := &ruleSet{
		Rules:           r,
		serviceAccounts: make(map[string][]netip.Prefix, len(r.ServiceAccounts)),
		relays:          plainPrefixes(r.TrustedRelays),
		brakes:          r.Brakes,
		byClient:        map[string]string{},
		byBase:          map[string]string{},
		byListener:      map[string]string{},
		byNetwork:       map[netip.Prefix]string{},
	}
	if rs.brakes == (Brakes{}) {
		rs.brakes = DefaultBrakes()
	}
	for _, sa := range r.ServiceAccounts {
		rs.serviceAccounts[sa.Name] = plainPrefixes(sa.Networks)
	}
	for _, s := range r.Services {
		rs.addService(s)
	}
	slices.Sort(rs.bits)
	slices.Reverse(rs.bits)
	return rs
}

// addService files s under everything an attempt is matched by. The check of
// the configuration refuses ties; should one get here, the service named
// first keeps what it claimed.
func (rs *ruleSet) addService(s directory.Service) {
	for _, c := range s.RADIUSClients {
		claim(rs.byClient, c, s.Name)
	}
	for _, l := range s.LDAPListeners {
		claim(rs.byListener, l, s.Name)
	}
	if s.LDAPBase != "" {
		claim(rs.byBase, strings.ToLower(s.LDAPBase), s.Name)
	}
	for _, n := range s.LDAPNetworks {
		n = plainPrefix(n)
		claim(rs.byNetwork, n, s.Name)
		if !slices.Contains(rs.bits, n.Bits()) {
			rs.bits = append(rs.bits, n.Bits())
		}
	}
}

func claim[K comparable](m map[K]string, key K, service string) {
	if _, taken := m[key]; !taken {
		m[key] = service
	}
}

// plainPrefix is p without host bits, and as IPv4 where it is a mapped IPv4
// prefix, as addresses are unmapped before they are compared.
func plainPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

func plainPrefixes(list []netip.Prefix) []netip.Prefix {
	plain := make([]netip.Prefix, len(list))
	for i, p := range list {
		plain[i] = plainPrefix(p)
	}
	return plain
}

// service names the one service an attempt counts under: for RADIUS the one
// that names the client; for LDAP by application base, then listener, then
// longest network prefix; else the default.
func (rs *ruleSet) service(c Client, from netip.Addr) string {
	switch c.Protocol {
	case RADIUS:
		if s, ok := rs.byClient[c.Name]; ok {
			return s
		}
	case LDAP:
		return rs.ldapService(c, from)
	}
	return directory.DefaultService
}

func (rs *ruleSet) ldapService(c Client, from netip.Addr) string {
	if c.Base != "" {
		if s, ok := rs.byBase[strings.ToLower(c.Base)]; ok {
			return s
		}
	}
	if s, ok := rs.byListener[c.Listener]; ok {
		return s
	}
	from = from.Unmap().WithZone("")
	for _, bits := range rs.bits {
		p, err := from.Prefix(bits)
		if err != nil {
			continue // longer than the address, or no address at all
		}
		if s, ok := rs.byNetwork[p]; ok {
			return s
		}
	}
	return directory.DefaultService
}

// Service names the service an attempt of client from that address counts
// under. It is for asking once, not for every attempt: it compiles the rules.
func (r *Rules) Service(client Client, from netip.Addr) string {
	return compile(r).service(client, from)
}

// isRelay reports whether many people come from that address.
func (rs *ruleSet) isRelay(from netip.Addr) bool {
	return slices.ContainsFunc(rs.relays, func(n netip.Prefix) bool { return n.Contains(from) })
}
