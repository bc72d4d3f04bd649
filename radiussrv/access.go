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
	request, err := radius.Parse(x.packet, x.client.key.secret)
	if err != nil {
		l.silence(x, DropMalformed)
		return
	}
	var decision policy.Decision
	if why := x.unfit(request); why == "" {
		decision = l.cfg.Authenticator.Authenticate(ctx, x.attempt(request))
	} else {
		l.refuse(x, why)
	}
	l.reply(x, request, decision)
}

// unfit says why there is no attempt to make of the request; "" where there
// is. Such a request is authentic and well-formed, so it is refused and not
// ignored (RFC 2865 §4.1, §4.3): another server would be no better for it.
// What it gets depends on the request and the client alone.
func (x *exchange) unfit(request *radius.Packet) string {
	switch {
	case len(request.Get(rfc2865.UserName_Type)) == 0:
		return "it has no User-Name"
	case x.shape.credentials == 0:
		return "it has no credential"
	case x.shape.credentials != userPassword:
		return "it uses a method this server does not speak"
	case !x.client.pap:
		return "it uses a method its client is not allowed"
	}
	return ""
}

// refuse says now and then what a device asks for in vain.
func (l *listener) refuse(x *exchange, why string) {
	l.count.unfit.Add(1)
	if omitted, ok := x.client.unfit.take(x.received); ok {
		l.cfg.Logger.Warn("RADIUS request refused unseen", "why", why, "client", x.client.Name,
			"source", x.from.peer, "omitted", omitted)
	}
}

// attempt makes the attempt that a fit request stands for.
func (x *exchange) attempt(request *radius.Packet) policy.Attempt {
	return policy.Attempt{
		At:     x.received,
		Login:  string(request.Get(rfc2865.UserName_Type)),
		Secret: x.password(request),
		Client: policy.Client{
			Kind:     x.client.kind,
			Protocol: policy.RADIUS,
			Name:     x.client.Name,
			Method:   string(PAP),
			Reported: printable(request.Get(rfc2865.CallingStationID_Type)),
		},
		Remote: x.from.peer,
		Secure: x.shape.mac != 0,
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
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(reported))
}
