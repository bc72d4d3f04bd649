package ldapsrv

import (
	"postern/ldapsrv/wire"
	"postern/policy"
)

// resultOf is the one place where a decision becomes an LDAP result. A refusal
// has one form whatever its reason, with no text, no matchedDN and no control;
// an outcome that is not known here is a refusal too.
func resultOf(d policy.Decision) wire.Result {
	switch d.Outcome {
	case policy.Accept:
		return wire.Result{Code: wire.Success}
	case policy.Busy:
		return wire.Result{Code: wire.Busy}
	case policy.Unavailable:
		return wire.Result{Code: wire.Unavailable}
	}
	return wire.Result{Code: wire.InvalidCredentials}
}
