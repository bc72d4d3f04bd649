package ldapsrv

import (
	"context"

	"postern/ldapsrv/wire"
)

// extended carries out RFC 4511 §4.12.
func (s *session) extended(ctx context.Context, r request, x wire.ExtendedRequest, out []byte) answer {
	switch string(x.Name) {
	case wire.OIDWhoAmI:
		return s.whoAmI(r, x, out)
	case wire.OIDStartTLS:
		return s.startTLS(r, x, out)
	case wire.OIDPasswordModify:
		return s.modifyPassword(ctx, r, x, out)
	case wire.OIDCancel:
		return s.cancel(r, x, out)
	}
	return refuse(r, out, wire.Result{Code: wire.ProtocolError, Text: "the extended operation is not known"})
}

// whoAmI answers RFC 4532: "dn:" and the name of the account's entry, or
// nothing for an anonymous session.
func (s *session) whoAmI(r request, x wire.ExtendedRequest, out []byte) answer {
	if x.HasValue {
		return refuse(r, out, wire.Result{Code: wire.ProtocolError, Text: "the operation takes no value"})
	}
	response := wire.Extended{HasValue: true}
	if s.who.bound {
		response.Value = "dn:" + s.tree.entryName(s.who.login, s.who.naming, s.who.application)
	}
	return answer{out: wire.AppendExtended(out, r.ID, response)}
}

// startTLS answers RFC 4511 §4.14. After success the session is anonymous: who
// bound in clear may be somebody else than who speaks under TLS.
func (s *session) startTLS(r request, x wire.ExtendedRequest, out []byte) answer {
	response := wire.Extended{Name: wire.OIDStartTLS}
	switch {
	case x.HasValue:
		response.Result = wire.Result{Code: wire.ProtocolError, Text: "the operation takes no value"}
	case !s.canTLS:
		response.Result = wire.Result{Code: wire.ProtocolError, Text: "TLS is not offered"}
	case s.peer.secure:
		response.Result = wire.Result{Code: wire.OperationsError, Text: "TLS is in place already"}
	case r.ahead:
		// What was sent ahead in clear must not count as sent under TLS.
		response.Result = wire.Result{Code: wire.OperationsError, Text: "more was sent ahead of the answer"}
	}
	a := answer{out: wire.AppendExtended(out, r.ID, response)}
	if response.Code == wire.Success {
		s.who = identity{}
		s.peer.secure = true
		a.next = startTLS
	}
	return a
}
