package ldapsrv

import (
	"context"
	"strings"

	"postern/ldapsrv/wire"
	"postern/policy"
	"postern/secret"
)

// bind carries out RFC 4511 §4.2. The session is anonymous already, and stays
// so unless the decision is Accept.
func (s *session) bind(ctx context.Context, r request, b *wire.BindRequest, out []byte) answer {
	name, result, attempt := s.screen(b)
	if !attempt {
		return refuse(r, out, result)
	}
	d := s.auth.Authenticate(ctx, s.attempt(r, b, name))
	if d.Outcome == policy.Accept {
		s.who = identity{
			bound: true, account: d.Account, primary: d.Credential == "", login: d.Login, naming: name.naming, application: name.application, grant: d.Grant,
		}
	}
	a := refuse(r, out, resultOf(d))
	a.hold = d.ReplyAt
	return a
}

// screen answers what can be answered from the request and the connection
// alone, and so says nothing of any account. Otherwise attempt is true and
// name is who is meant.
func (s *session) screen(b *wire.BindRequest) (name bindName, result wire.Result, attempt bool) {
	switch {
	case b.Version != 3:
		result = wire.Result{Code: wire.ProtocolError, Text: "only version 3 of the protocol is offered"}
	case b.Method != wire.Simple:
		result = wire.Result{Code: wire.AuthMethodNotSupported, Text: "only simple binds are offered"}
	case len(b.Password) == 0 && len(b.Name) == 0:
		result = wire.Result{Code: wire.Success} // anonymous (RFC 4513 §5.1.1)
	case len(b.Password) == 0:
		// RFC 4513 §5.1.2: a program that forgot the password must not take
		// this for a success.
		result = wire.Result{Code: wire.UnwillingToPerform, Text: "a bind with a name needs a password"}
	case !s.mayBindInClear():
		result = wire.Result{Code: wire.ConfidentialityRequired, Text: "a bind with a password needs TLS"}
	default:
		if name, attempt = s.tree.resolve(s.rules().withoutDomain(string(b.Name)), s.rules().applications); !attempt {
			result = wire.Result{Code: wire.InvalidDNSyntax, Text: "the name is not a distinguished name"}
		}
	}
	return name, result, attempt
}

// withoutDomain takes the domain off a name of the form DOMAIN\user, which
// clients of Active Directory send, where it is the one of the base.
func (r *rules) withoutDomain(name string) string {
	if !r.ActiveDirectory {
		return name
	}
	domain, user, found := strings.Cut(name, `\`)
	if found && !strings.Contains(name, "=") && r.entries.IsDomain(domain) {
		return user
	}
	return name
}

func (s *session) mayBindInClear() bool {
	if s.peer.secure {
		return true
	}
	switch s.rules().CleartextBind {
	case CleartextAlways:
		return true
	case CleartextLoopback:
		return s.peer.remote.Addr().IsLoopback()
	}
	return false
}

func (s *session) attempt(r request, b *wire.BindRequest, name bindName) policy.Attempt {
	return policy.Attempt{
		At:     r.at,
		Login:  name.login,
		Naming: name.naming,
		Secret: secret.NewText(string(b.Password)),
		Client: policy.Client{
			Kind:     policy.Legacy,
			Protocol: policy.LDAP,
			Listener: s.peer.listener,
			Base:     name.application,
			Method:   "simple",
		},
		Remote: s.peer.remote,
		Secure: s.peer.secure,
	}
}
