package eap

import (
	"encoding/binary"
	"errors"
)

// Code is the kind of an EAP packet (RFC 3748 §4).
type Code uint8

// The codes.
const (
	Request  Code = 1
	Response Code = 2
	Success  Code = 3
	Failure  Code = 4
)

// Type says what a request or response is about (RFC 3748 §5).
type Type uint8

// The types.
const (
	TypeIdentity     Type = 1
	TypeNotification Type = 2
	TypeNak          Type = 3
	TypeMD5          Type = 4
	TypeGTC          Type = 6
	TypeTLS          Type = 13
	TypeTTLS         Type = 21
	TypePEAP         Type = 25
	TypeMSCHAPv2     Type = 26
	TypeTLV          Type = 33 // PEAP's extensions
)

// Packet is one EAP packet. Type and Data belong to requests and responses.
type Packet struct {
	Code Code
	ID   uint8
	Type Type
	Data []byte
}

// ErrPacket says that bytes are no EAP packet.
var ErrPacket = errors.New("not an EAP packet")

// maxPacket is what fits the EAP-Message attributes of one RADIUS packet.
const maxPacket = 4096

// Decode reads the packet that b is, all of it (RFC 3748 §4). The data aliases
// b.
func Decode(b []byte) (Packet, error) {
	if len(b) < 4 || len(b) > maxPacket || int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return Packet{}, ErrPacket
	}
	p := Packet{Code: Code(b[0]), ID: b[1]}
	switch p.Code {
	case Success, Failure:
		if len(b) != 4 {
			return Packet{}, ErrPacket
		}
	case Request, Response:
		if len(b) < 5 {
			return Packet{}, ErrPacket
		}
		p.Type, p.Data = Type(b[4]), b[5:]
	default:
		return Packet{}, ErrPacket
	}
	return p, nil
}

// Encode writes the packet.
func (p Packet) Encode() []byte {
	b := []byte{byte(p.Code), p.ID, 0, 0}
	if p.Code == Request || p.Code == Response {
		b = append(b, byte(p.Type))
		b = append(b, p.Data...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}
