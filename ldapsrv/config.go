package ldapsrv

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"postern/ldapsrv/dn"
	"postern/ldapsrv/entry"
	"postern/policy"
)

// Authenticator decides about a bind. It is called concurrently. It keeps to
// ctx, which ends when the server stops waiting for it.
type Authenticator interface {
	Authenticate(ctx context.Context, a policy.Attempt) policy.Decision
}

// Entitler says whether what a bind was granted would be granted now. It is
// asked before each operation of a bound session. With an error it is not
// known. It is called concurrently.
type Entitler interface {
	Entitled(ctx context.Context, g policy.Grant) (bool, error)
}

// CleartextBind says where a bind that is not under TLS may carry a password.
// The zero value is nowhere.
type CleartextBind uint8

const (
	// CleartextNever refuses it everywhere, on loopback too.
	CleartextNever CleartextBind = iota
	// CleartextLoopback allows it to clients whose address is a loopback one.
	CleartextLoopback
	// CleartextAlways allows it to everybody.
	CleartextAlways
)

// Rules is the part of the configuration that can be replaced while the
// server runs. It is not changed in place.
type Rules struct {
	CleartextBind CleartextBind
	// TrustedRelays are where relays and load balancers connect from, which
	// stand for many clients: no limit by address holds for them.
	TrustedRelays []netip.Prefix
	// Applications are the application bases of the services, as configured
	// ("app=mail"): a bind may name uid=LOGIN,ou=people,app=mail,BASE.
	Applications []string
	// ServiceAccounts are what service accounts may read; others nothing.
	ServiceAccounts []ServiceAccount
	// Readers are the normalised names of groups whose members may read
	// everything. Other people read their own entry and their own groups.
	Readers []string
	// HideRoot keeps the root DSE and the schema from who has not bound.
	HideRoot bool
	// ActiveDirectory adds to entries what clients look for that know Active
	// Directory only, and takes its matching rules.
	ActiveDirectory bool
	// NestedMemberOf makes memberOf list groups by nesting, too.
	NestedMemberOf bool
	Search         SearchLimits
}

// SearchLimits bounds what one search can take. A zero field has the default
// that its comment names.
type SearchLimits struct {
	Entries     int           // that it returns, over all its pages: 1000000
	LookThrough int           // entries that it, or one page of it, considers: 1000000
	Time        time.Duration // sending included: 1 h
}

func (l SearchLimits) withDefaults() SearchLimits {
	return SearchLimits{
		Entries:     cmp.Or(l.Entries, 1_000_000),
		LookThrough: cmp.Or(l.LookThrough, 1_000_000),
		Time:        cmp.Or(l.Time, time.Hour),
	}
}

// Limits bounds what clients can take. A zero field has the default that its
// comment names.
type Limits struct {
	Connections       int // in all: 10000
	PerAddress        int // of one address: 4096
	UnboundPerAddress int // of one address, without a successful bind: 512
	UnboundFrame      int // bytes of a message before a successful bind: 16384
	BoundFrame        int // and after one: 262144

	Handshake time.Duration // for a TLS handshake: 10 s
	Frame     time.Duration // for a message, from its first byte on: 10 s
	Idle      time.Duration // between messages: 15 min
	Write     time.Duration // for the client to take an answer: 30 s
	Drain     time.Duration // for what is in hand when the server stops: 10 s
}

// WithDefaults returns l with its zero fields filled.
func (l Limits) WithDefaults() Limits {
	return Limits{
		Connections:       cmp.Or(l.Connections, 10_000),
		PerAddress:        cmp.Or(l.PerAddress, 4096),
		UnboundPerAddress: cmp.Or(l.UnboundPerAddress, 512),
		UnboundFrame:      cmp.Or(l.UnboundFrame, 16<<10),
		BoundFrame:        cmp.Or(l.BoundFrame, 256<<10),
		Handshake:         cmp.Or(l.Handshake, 10*time.Second),
		Frame:             cmp.Or(l.Frame, 10*time.Second),
		Idle:              cmp.Or(l.Idle, 15*time.Minute),
		Write:             cmp.Or(l.Write, 30*time.Second),
		Drain:             cmp.Or(l.Drain, 10*time.Second),
	}
}

// Config is what a Server is made of.
type Config struct {
	// BaseDN is the naming context ("dc=example,dc=org"). Needed.
	BaseDN string
	// Authenticator decides about binds. Needed.
	Authenticator Authenticator
	// Entitler says whether a bind still stands. Needed.
	Entitler Entitler
	// Directory is what entries are made of; nil: there is nothing to search.
	Directory Directory
	// Cookies authenticate the cookies of paged searches; nil: they are not
	// offered.
	Cookies CookieKeys
	// Made is when the directory came to be, which its base and units show as
	// their times; zero: they show none.
	Made time.Time
	// Passwords changes primary passwords (RFC 3062); nil: nobody's can be.
	Passwords PasswordChanger
	// TLS is offered by StartTLS, and used by listeners with
	// ListenerOptions.TLS. nil: neither. Certificates that change are the
	// business of its GetCertificate.
	TLS    *tls.Config
	Rules  Rules
	Limits Limits
	// Version is shown as vendorVersion in the root DSE; empty: not shown.
	Version string
	// Log takes what an administrator should know; nil: nothing is logged.
	// Nothing that a client sent is ever in it.
	Log *slog.Logger
}

// rules is Rules, checked and made ready for use.
type rules struct {
	Rules
	applications []application
	entries      *entry.Tree
	grants       map[string]access // of service accounts, by normalised name
	plans        *plans            // of searches by people
}

// application is an application base: as configured, and as a DN.
type application struct {
	name   string
	normal dn.DN
}

func compileRules(base string, made time.Time, r Rules) (*rules, error) {
	r.Search = r.Search.withDefaults()
	out := &rules{Rules: r, grants: map[string]access{}, plans: &plans{may: entry.Everything}}
	var problems []error
	for _, name := range r.Applications {
		d, err := dn.Parse(name)
		if err != nil || len(d) != 1 {
			problems = append(problems, fmt.Errorf("the application base %q is not of the form app=NAME", name))
			continue
		}
		out.applications = append(out.applications, application{name, d.Normal()})
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return out, out.prepare(base, made)
}

// prepare makes ready what searches need.
func (r *rules) prepare(base string, made time.Time) (err error) {
	r.entries, err = entry.NewTree(base, entry.Options{
		Applications: r.Applications, ActiveDirectory: r.ActiveDirectory, NestedMemberOf: r.NestedMemberOf, Made: made,
	})
	if err != nil {
		return fmt.Errorf("base_dn %q: %w", base, err)
	}
	for _, a := range r.ServiceAccounts {
		if r.grants[a.Name], err = grant(r.entries, a); err != nil {
			return fmt.Errorf("what service account %s may read: %w", a.Name, err)
		}
	}
	return nil
}
