package radiussrv

import (
	"bytes"
	"context"
	"strings"
	"time"
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
	if attempt, ok := x.attempt(request); ok {
		decision = l.cfg.Authenticator.Authenticate(ctx, attempt)
		l.trace(x, decision)
	}
	l.reply(x, request, decision)
}

// attempt makes the attempt the request stands for. It reports false where
// there is none to make: no name, no credential, or a method this client may
// not use. Such a request is authentic and well-formed, so it is refused like
// any other and not ignored (RFC 2865 §4.1, §4.3); what it gets depends on the
// request alone.
func (x *exchange) attempt(request *radius.Packet) (policy.Attempt, bool) {
	name := request.Get(rfc2865.UserName_Type)
	if len(name) == 0 || x.shape.credentials != userPassword || !x.client.pap {
		return policy.Attempt{}, false
	}
	return policy.Attempt{
		At:     x.received,
		Login:  string(name),
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
	}, true
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

// trace says what was decided, without the name: people type passwords there.
func (l *listener) trace(x *exchange, d policy.Decision) {
	l.cfg.Logger.Debug("RADIUS attempt decided", "client", x.client.Name, "source", x.from.peer,
		"outcome", d.Outcome.String(), "reason", string(d.Reason), "took", time.Since(x.received))
}
