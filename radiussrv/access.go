package radiussrv

import (
	"bytes"
	"context"
	"strings"
	"unicode"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"postern/policy"
	"postern/secret"
)

// access decides one Access-Request.
func (l *listener) access(ctx context.Context, x *exchange) {
	request := x.parse()
	if len(request.Get(rfc2865.UserName_Type)) == 0 && x.shape.credentials != eapMessage {
		l.refuse(x, "it has no User-Name")
		l.reply(x, request, policy.Decision{}, nil)
		return
	}
	if x.shape.credentials == eapMessage {
		l.converse(ctx, x, request)
		return
	}
	var decision policy.Decision
	p, why := x.presented(request)
	if why == "" && !x.client.allows(p.method, l.protected) {
		why = "it uses " + string(p.method) + ", which its client is not allowed"
	}
	switch {
	case why != "":
		l.refuse(x, why)
	case !l.asks(x.client, p.method):
		decision = l.cfg.Authenticator.Authenticate(ctx, x.attempt(request, p))
	case x.state() != nil:
		decision = l.second(ctx, x, request, p)
	default:
		l.first(x, request, l.cfg.Authenticator.Authenticate(ctx, x.attempt(request, p)))
		return
	}
	l.reply(x, request, decision, p.more)
}

// refuse says now and then what a device asks for in vain.
func (l *listener) refuse(x *exchange, why string) {
	l.count.unfit.Add(1)
	if omitted, ok := x.client.unfit.take(x.received); ok {
		l.cfg.Logger.Warn("RADIUS request refused unseen", "why", why, "client", x.client.Name,
			"source", x.from.peer, "omitted", omitted)
	}
}

// attempt makes the attempt that a request stands for.
func (x *exchange) attempt(request *radius.Packet, p presented) policy.Attempt {
	return policy.Attempt{
		At:     x.received,
		Login:  string(request.Get(rfc2865.UserName_Type)),
		Secret: p.secret,
		Proof:  p.proof,
		Client: policy.Client{
			Kind:     x.client.kindFor(p.method),
			Protocol: policy.RADIUS,
			Name:     x.client.Name,
			Method:   string(p.method),
			Reported: printable(request.Get(rfc2865.CallingStationID_Type)),
		},
		Remote: x.from.peer,
		Secure: x.shape.mac != 0 || len(x.client.Certificates) > 0,
	}
}

// password returns the User-Password without its padding. One that goes on
// behind a NUL octet is nobody's: it is given as the empty secret, which takes
// the way of every wrong one. Cutting it there would make two passwords one.
func (x *exchange) password(request *radius.Packet) secret.Text {
	signer := x.client.key.get()
	defer x.client.key.put(signer)
	var buf [128]byte
	defer clear(buf[:])
	shown := signer.reveal(&buf, request.Get(rfc2865.UserPassword_Type), request.Authenticator[:])
	password := bytes.TrimRight(shown, "\x00")
	if bytes.IndexByte(password, 0) >= 0 {
		return secret.Text{}
	}
	return secret.NewText(string(password))
}

// printable keeps what a device reports fit for logs and pages.
func printable(reported []byte) string {
	for _, b := range reported {
		if b < ' ' || b > '~' {
			return strings.Map(shown, string(reported))
		}
	}
	return string(reported)
}

// shown is r, or -1 where it is not to be printed.
func shown(r rune) rune {
	if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
		return -1
	}
	return r
}
