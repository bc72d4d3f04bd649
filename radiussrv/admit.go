package radiussrv

import "layeh.com/radius"

// admit says whether the datagram is an authentic request that this port
// takes. What it fills in of x is then true of the packet. It touches nothing
// that outlives the datagram: a stranger changes no state here.
func (l *listener) admit(x *exchange, datagram []byte) (Drop, bool) {
	packet, ok := frame(datagram)
	if !ok {
		return DropMalformed, false
	}
	if !l.role.takes(radius.Code(packet[0])) {
		return DropUnexpectedCode, false
	}
	found, ok := inspect(packet)
	if !ok {
		return DropMalformed, false
	}
	x.packet, x.shape = packet, found
	if why, ok := x.client.needsSignature(radius.Code(packet[0]), found); !ok {
		return why, false
	}
	if !x.client.authentic(packet, found) {
		return DropBadAuthenticator, false
	}
	if found.credentials.several() {
		return DropContradictory, false
	}
	return 0, true
}

// takes reports whether a packet of that code belongs on the port.
func (r Role) takes(code radius.Code) bool {
	switch code {
	case radius.CodeStatusServer:
		return true
	case radius.CodeAccessRequest:
		return r != Accounting
	case radius.CodeAccountingRequest:
		return r != Authentication
	}
	return false
}

// needsSignature reports false, and why, where a Message-Authenticator is
// missing that this client owes. Status-Server (RFC 5997 §3) and EAP (RFC 3579
// §3.2) owe one whatever the configuration says; an Accounting-Request is
// covered by its Request Authenticator and owes none.
func (c *client) needsSignature(code radius.Code, s shape) (Drop, bool) {
	switch {
	case s.mac != 0, code == radius.CodeAccountingRequest:
		return 0, true
	case code == radius.CodeStatusServer, s.credentials&eapMessage != 0, !c.AllowUnsigned:
		return DropUnsigned, false
	case s.proxyState && !c.AllowUnsignedProxyState:
		return DropUnsignedProxyState, false
	}
	return 0, true
}

// authentic checks what authenticators the packet has.
func (c *client) authentic(packet []byte, s shape) bool {
	signer := c.key.get()
	defer c.key.put(signer)
	if radius.Code(packet[0]) == radius.CodeAccountingRequest && !signer.accountingAuthentic(packet) {
		return false
	}
	return s.mac == 0 || signer.messageAuthentic(packet, s.mac)
}
