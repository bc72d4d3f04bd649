package radiussrv

import (
	"encoding/binary"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"
)

const (
	headerLen     = 20
	maxAttributes = 200 // a flood of two-byte attributes costs the codec an allocation each
	macLen        = 16

	// replyMAC is where the Message-Authenticator's value starts in every
	// reply that has one: the attribute comes first.
	replyMAC = headerLen + 2
)

// credentials is a set of the ways in which a request presents a credential.
type credentials uint8

const (
	userPassword credentials = 1 << iota
	chapPassword
	msCHAP
	eapMessage
)

// several reports whether more than one way is in the set.
func (c credentials) several() bool { return c&(c-1) != 0 }

// shape is what the walk over a packet's attributes found, without believing
// any of it.
type shape struct {
	count       int // attributes
	mac         int // offset of the Message-Authenticator's value; 0: there is none
	proxyState  bool
	credentials credentials
	stateAt     int // offset of the State's value; 0: there is none
	stateLen    int
}

// frame returns the packet inside a datagram. Octets behind Length are
// padding and are cut off (RFC 2865 §3).
func frame(datagram []byte) ([]byte, bool) {
	if len(datagram) < headerLen {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(datagram[2:4]))
	if n < headerLen || n > radius.MaxPacketLength || n > len(datagram) {
		return nil, false
	}
	return datagram[:n], true
}

// once are the attributes of which a request may hold one (RFC 2865 §5.44,
// RFC 2869 §5.19). A second one could be read differently by two readers.
var once = [256]bool{
	rfc2865.UserName_Type:             true,
	rfc2865.UserPassword_Type:         true,
	rfc2865.CHAPPassword_Type:         true,
	rfc2865.State_Type:                true,
	rfc2865.CHAPChallenge_Type:        true,
	rfc2869.MessageAuthenticator_Type: true,
}

// inspect walks the attributes of a framed packet. It reports false for what
// no reader should have to make sense of.
func inspect(packet []byte) (shape, bool) {
	var s shape
	var seen [256]bool
	var last byte
	for at := headerLen; at < len(packet); s.count++ {
		if s.count == maxAttributes || len(packet)-at < 2 {
			return shape{}, false
		}
		kind, n := packet[at], int(packet[at+1])
		if n < 2 || n > len(packet)-at || seen[kind] && once[kind] {
			return shape{}, false
		}
		if kind == byte(rfc2869.EAPMessage_Type) && seen[kind] && last != kind {
			return shape{}, false // they stand one behind the other (RFC 3579 §3.1)
		}
		seen[kind], last = true, kind
		if !s.note(kind, at+2, packet[at+2:at+n]) {
			return shape{}, false
		}
		at += n
	}
	return s, true
}

// note adds one attribute to the shape; value starts at the given offset.
func (s *shape) note(kind byte, offset int, value []byte) bool {
	switch radius.Type(kind) {
	case rfc2869.MessageAuthenticator_Type:
		s.mac = offset
		return len(value) == macLen
	case rfc2865.ProxyState_Type:
		s.proxyState = true
	case rfc2865.State_Type:
		s.stateAt, s.stateLen = offset, len(value)
	case rfc2865.UserPassword_Type:
		s.credentials |= userPassword
		return len(value) >= 16 && len(value) <= 128 && len(value)%16 == 0
	case rfc2865.CHAPPassword_Type:
		s.credentials |= chapPassword
		return len(value) == 17
	case rfc2869.EAPMessage_Type:
		s.credentials |= eapMessage
	case rfc2865.VendorSpecific_Type:
		if carriesMSCHAP(value) {
			s.credentials |= msCHAP
		}
	}
	return true
}

const vendorMicrosoft = 311

// carriesMSCHAP looks for MS-CHAP-Response (1) and MS-CHAP2-Response (25,
// RFC 2548 §2) among the sub-attributes of a Vendor-Specific. Vendors fill
// these as they please, so one whose inner lengths lie is not an error.
func carriesMSCHAP(value []byte) bool {
	if len(value) < 4 || binary.BigEndian.Uint32(value) != vendorMicrosoft {
		return false
	}
	for rest := value[4:]; len(rest) >= 2; {
		if rest[0] == 1 || rest[0] == 25 {
			return true
		}
		n := int(rest[1])
		if n < 2 || n > len(rest) {
			return false
		}
		rest = rest[n:]
	}
	return false
}

// parse takes the attributes of the packet apart, whose shape is known to be
// right. What it returns is part of x and gone with it: the codec makes copies
// of every attribute, which is most of what it costs.
func (x *exchange) parse() *radius.Packet {
	x.request = radius.Packet{
		Code: radius.Code(x.packet[0]), Identifier: x.packet[1], Authenticator: [16]byte(x.packet[4:headerLen]),
		Secret: x.client.key.secret,
	}
	if cap(x.attributes) < x.shape.count {
		x.attributes, x.list = make([]radius.AVP, x.shape.count), make([]*radius.AVP, x.shape.count)
	}
	all, list := x.attributes[:x.shape.count], x.list[:x.shape.count]
	rest := x.packet[headerLen:]
	for i := range all {
		n := rest[1]
		all[i] = radius.AVP{Type: radius.Type(rest[0]), Attribute: rest[2:n:n]}
		list[i], rest = &all[i], rest[n:]
	}
	x.request.Attributes = list
	return &x.request
}
