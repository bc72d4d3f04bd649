package radiussrv

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"postern/policy"
	"postern/secret"
)

// MinSecret is the shortest shared secret, in bytes, that is taken. The
// Message-Authenticator and the hiding of passwords are no stronger than it
// (RFC 2865 §3 asks for 16).
const MinSecret = 16

// Client is one RADIUS client (a NAS) or a network of them under one secret.
// The zero value of each switch is the strict one.
type Client struct {
	Name    string
	Address netip.Prefix // of a single address: /32 or /128
	Secret  secret.Text
	Methods []Method

	// AllowUnsigned takes Access-Requests without a Message-Authenticator.
	// Such requests can be forged by whoever sits on the path (CVE-2024-3596).
	AllowUnsigned bool
	// AllowUnsignedProxyState takes them with Proxy-State in them too, which
	// is what the forgery needs. It means nothing without AllowUnsigned.
	AllowUnsignedProxyState bool
	// InsecureMSCHAP takes challenge methods outside TLS, where a recording of
	// them can be broken; see Method.Exposed.
	InsecureMSCHAP bool
	// OTPChallenge says that the client can ask its user for a code.
	OTPChallenge bool
	// Certificates make it a client of RADIUS over TLS alone, without a Secret:
	// its certificate must have one of these names (DNS, IP or URI), or be the
	// one with a fingerprint, "sha256:" and hexadecimal digits. A
	// Message-Authenticator is not needed there; one that is there must be
	// right.
	Certificates []string
}

func (c Client) check() error {
	switch {
	case c.Name == "":
		return errors.New("a RADIUS client needs a name")
	case !c.Address.IsValid():
		return fmt.Errorf("RADIUS client %q needs an address or a prefix", c.Name)
	case len(c.Certificates) == 0 && c.Secret.Len() < MinSecret:
		return fmt.Errorf("RADIUS client %q: the secret is shorter than %d characters; use a longer one", c.Name, MinSecret)
	case len(c.Methods) == 0:
		return fmt.Errorf("RADIUS client %q allows no method; name at least one, such as %q", c.Name, PAP)
	}
	for _, m := range c.Methods {
		if !m.Known() {
			return fmt.Errorf("RADIUS client %q: %q is not a method this server speaks", c.Name, m)
		}
	}
	return nil
}

// client is a Client at work. It is never changed after it was made, save for
// its counters; a reload makes new ones.
type client struct {
	Client
	key    keyring
	kind   policy.ClientKind
	load   *load
	share  *share
	status *allowance
	lines  *[drops]sampler // what is dropped
	unfit  *sampler        // what is refused unseen

	heard *heard
	spent *spent // answers to questions for a code
}

// clients finds the client of an address. It is never changed after it was
// made and may be used concurrently.
type clients struct {
	lengths4, lengths6 []int // prefix lengths in use, longest first
	byPrefix           map[netip.Prefix]*client
	tls                []*client
}

// newClients checks list whole before it takes any of it. Every complaint is
// reported at once.
func newClients(list []Client) (*clients, error) {
	set := &clients{byPrefix: make(map[netip.Prefix]*client, len(list))}
	names := make(map[string]bool, len(list))
	var errs []error
	for _, c := range list {
		if err := c.check(); err != nil {
			errs = append(errs, err)
			continue
		}
		if names[c.Name] {
			errs = append(errs, fmt.Errorf("two RADIUS clients are named %q", c.Name))
		}
		names[c.Name] = true
		if err := set.add(c); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return set, nil
}

func (s *clients) add(c Client) error {
	c.Address = unmap(c.Address)
	c.Methods = slices.Clone(c.Methods)
	if len(c.Certificates) > 0 {
		s.addTLS(c)
		return nil
	}
	if other := s.byPrefix[c.Address]; other != nil {
		return fmt.Errorf("RADIUS clients %q and %q have the same address %s", other.Name, c.Name, c.Address)
	}
	made := &client{Client: c, key: newKeyring(c.Secret)}
	if c.OTPChallenge {
		made.kind = policy.LegacyOTP
	}
	s.byPrefix[c.Address] = made
	lengths := &s.lengths6
	if c.Address.Addr().Is4() {
		lengths = &s.lengths4
	}
	if !slices.Contains(*lengths, c.Address.Bits()) {
		*lengths = append(*lengths, c.Address.Bits())
		slices.SortFunc(*lengths, func(a, b int) int { return b - a })
	}
	return nil
}

func (s *clients) addTLS(c Client) {
	c.Secret = secret.NewText(radsecSecret)
	c.AllowUnsigned, c.AllowUnsignedProxyState = true, true
	made := &client{Client: c, key: newKeyring(c.Secret)}
	if c.OTPChallenge {
		made.kind = policy.LegacyOTP
	}
	s.tls = append(s.tls, made)
}

// unmap masks p and turns an IPv4-mapped prefix into the IPv4 one, so that a
// socket that listens on both families finds the same client.
func unmap(p netip.Prefix) netip.Prefix {
	addr, bits := p.Addr().WithZone(""), p.Bits()
	if addr.Is4In6() && bits >= 96 {
		addr, bits = addr.Unmap(), bits-96
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

// find returns the client with the longest prefix that holds addr, nil for
// none.
func (s *clients) find(addr netip.Addr) *client {
	addr = addr.Unmap().WithZone("")
	lengths := s.lengths6
	if addr.Is4() {
		lengths = s.lengths4
	}
	for _, bits := range lengths {
		p, err := addr.Prefix(bits)
		if err != nil {
			continue
		}
		if c := s.byPrefix[p]; c != nil {
			return c
		}
	}
	return nil
}

// byName returns every client by its name; of no set, none.
func (s *clients) byName() map[string]*client {
	if s == nil {
		return nil
	}
	out := make(map[string]*client, len(s.byPrefix))
	for _, c := range s.byPrefix {
		out[c.Name] = c
	}
	for _, c := range s.tls {
		out[c.Name] = c
	}
	return out
}

// inherit takes over the counters of the client of that name before a reload,
// so that a reload gives nobody a fresh allowance. old may be nil.
func (c *client) inherit(old *client, statusRate int) {
	if old != nil {
		c.load, c.status, c.lines, c.unfit, c.spent = old.load, old.status, old.lines, old.unfit, old.spent
		c.heard = old.heard
		return
	}
	c.load, c.status, c.lines, c.unfit, c.spent = new(load), newAllowance(statusRate), new([drops]sampler), new(sampler), new(spent)
	c.heard = new(heard)
}

func (s *clients) single() bool { return len(s.byPrefix)+len(s.tls) == 1 }
