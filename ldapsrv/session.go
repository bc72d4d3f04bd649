package ldapsrv

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"postern/directory"
	"postern/ldapsrv/wire"
	"postern/policy"
)

// next is what a connection does behind an answer.
type next uint8

const (
	carryOn  next = iota
	hangUp        // the client is leaving
	startTLS      // the answer goes out in clear, then TLS begins
)

// peer is what is known of the client without a word from it.
type peer struct {
	remote   netip.AddrPort // unmapped
	listener string
	secure   bool // under TLS
}

// identity is whom a session is bound as. The zero identity is anonymous.
type identity struct {
	bound       bool
	account     string // its id
	primary     bool   // by the primary password
	login       string
	naming      directory.Naming
	application string // the application base it was bound under; "" for none
	grant       policy.Grant
}

// request is a message on its way through a session.
type request struct {
	wire.Message
	at time.Time // when it was read
	// ahead says that the client has sent more behind it.
	ahead bool
	// stream sends the parts of a long answer. From the first on the context ends
	// where the client wants no more of it. nil: the whole answer is gathered.
	stream *stream
}

// answer is what a session says to a request.
type answer struct {
	out  []byte    // whole messages; empty where the request has no answer
	hold time.Time // no byte of out leaves before; zero: at once
	next next
}

// session is the state of one LDAP session (RFC 4511 §3): who it is bound as,
// and what the client is. It takes one request at a time.
type session struct {
	*service
	peer peer
	who  identity
	// canceled is the message ID of the operation that a Cancel has ended and
	// that was not yet answered; 0: none.
	canceled int32
}

// service is what all sessions of a server share.
type service struct {
	tree      tree
	auth      Authenticator
	entitle   Entitler
	directory Directory       // nil: there is nothing to search
	cookies   CookieKeys      // nil: searches are not paged
	passwords PasswordChanger // nil: no password can be changed
	reading   reading
	limits    Limits
	log       *slog.Logger
	version   string
	canTLS    bool
	rules     func() *rules
}

// handle carries out a request, appending its answer to out. fault is what
// wire.Decode said of it, if anything.
func (s *session) handle(ctx context.Context, r request, fault *wire.Fault, out []byte) answer {
	if r.Op == wire.OpBind {
		s.who = identity{} // whatever comes of it (RFC 4511 §4.2.1)
	}
	if r.Op == wire.OpUnbind {
		return answer{out: out, next: hangUp}
	}
	if fault != nil {
		return refuse(r, out, fault.Result)
	}
	if r.Op != wire.OpAbandon && s.unknownCritical(r.Message) {
		return refuse(r, out, wire.Result{
			Code: wire.UnavailableCriticalExtension, Text: "a critical control is not known",
		})
	}
	switch q := r.Request.(type) {
	case *wire.BindRequest:
		return s.bind(ctx, r, q, out)
	case wire.AbandonRequest:
		// One operation at a time: what it names is over (RFC 4511 §4.11).
		return answer{out: out}
	}
	if !s.recheck(ctx) {
		return refuse(r, out, wire.Result{Code: wire.Unavailable})
	}
	return s.operate(ctx, r, out)
}

// recheck asks whether what the session is bound with still stands, and makes
// it anonymous if not. It reports false where that cannot be known: the
// operation is then not carried out.
func (s *session) recheck(ctx context.Context) bool {
	if !s.who.bound {
		return true
	}
	entitled, err := s.entitle.Entitled(ctx, s.who.grant)
	if err != nil {
		return false
	}
	if !entitled {
		s.who = identity{}
	}
	return true
}

// operate carries out an operation for whom the session is bound as.
func (s *session) operate(ctx context.Context, r request, out []byte) answer {
	switch q := r.Request.(type) {
	case wire.ExtendedRequest:
		return s.extended(ctx, r, q, out)
	case *wire.SearchRequest:
		return s.search(ctx, r, q, out)
	case wire.CompareRequest:
		return s.compare(ctx, r, q, out)
	}
	return refuse(r, out, wire.Result{Code: wire.UnwillingToPerform, Text: "the operation is not offered"})
}

// refuse answers r with result, in the form its operation demands. A request
// that has no answer gets none.
func refuse(r request, out []byte, result wire.Result) answer {
	op, ok := wire.ResponseTo(r.Op)
	if !ok {
		return answer{out: out}
	}
	return answer{out: wire.AppendResult(out, r.ID, op, result)}
}

// unknownCritical reports whether m has a control that is not known and must
// not be passed over (RFC 4511 §4.1.11). ManageDsaIT is known for every
// operation: it asks to see referrals as entries, and there are none (RFC
// 3296).
func (s *session) unknownCritical(m wire.Message) bool {
	for _, c := range m.Controls {
		name := string(c.Type)
		known := name == wire.OIDManageDsaIT || m.Op == wire.OpSearch && s.directory != nil && slices.Contains(offered, name)
		if c.Critical && !known {
			return true
		}
	}
	return false
}
