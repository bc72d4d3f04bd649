package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// askWithin is how long the demonstration waits for one answer.
const askWithin = 10 * time.Second

// simpleBind binds over a connection of its own, as an LDAP client would, and
// returns the result code it received (RFC 4511 §4.2).
func simpleBind(ctx context.Context, address, name, password string) (wire.Code, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, fmt.Errorf("connecting to the LDAP server: %w", err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, fmt.Errorf("setting a deadline: %w", err)
	}
	if _, err := conn.Write(bindRequest(name, password)); err != nil {
		return 0, fmt.Errorf("sending the bind: %w", err)
	}
	return readBindResult(bufio.NewReader(conn))
}

const bindID = 1

func bindRequest(name, password string) []byte {
	b, message := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, bindID)
	b, bind := ber.Begin(b, wire.OpBind)
	b = ber.AppendInt(b, ber.Integer, 3) // the version
	b = ber.AppendString(b, ber.OctetString, name)
	b = ber.AppendString(b, ber.Context(0), password)
	return ber.End(ber.End(b, bind), message)
}

var errNotBindResponse = errors.New("the answer to the bind is not a BindResponse")

// readBindResult reads one LDAPMessage that holds a BindResponse.
func readBindResult(r *bufio.Reader) (wire.Code, error) {
	head, err := r.Peek(2)
	if err != nil {
		return 0, fmt.Errorf("reading the answer to the bind: %w", err)
	}
	if head[1] >= 0x80 { // a refusal or an acceptance is short
		return 0, errNotBindResponse
	}
	frame := make([]byte, 2+int(head[1]))
	if _, err := io.ReadFull(r, frame); err != nil {
		return 0, fmt.Errorf("reading the answer to the bind: %w", err)
	}
	message := ber.NewReader(frame[2:])
	id, err := message.Int(ber.Integer)
	if err != nil || id != bindID {
		return 0, errNotBindResponse
	}
	response, err := message.Read(wire.OpBindResponse)
	if err != nil {
		return 0, errNotBindResponse
	}
	result := ber.NewReader(response)
	code, err := result.Int(ber.Enumerated)
	if err != nil {
		return 0, errNotBindResponse
	}
	return wire.Code(code), nil
}
