package eap

import (
	"bytes"
	"encoding/binary"
)

// talkPEAP is PEAPv0 (draft-kamath-pppext-peapv0): TLS, then EAP inside
// without the headers of its packets, and a Result TLV at the end.
func talkPEAP(c *Conversation, m *method, first Packet) ([]byte, error) {
	t, err := m.handshake(c, first, nil)
	if err != nil {
		return nil, err
	}
	if err := t.settle(); err != nil {
		return nil, err
	}
	if t.resumed != nil && t.state.DidResume {
		if err := t.again(c, m); err != nil {
			return nil, err
		}
	} else if err := t.peapInside(c, m); err != nil {
		return nil, err
	}
	if err := t.result(); err != nil {
		return nil, err
	}
	t.finished(c.decision)
	return t.msk(m)
}

func (t *tunnel) peapInside(c *Conversation, m *method) error {
	carry := &innerCarrier{c: c, exchange: t.peapExchange}
	first, err := t.peapExchange(Packet{Request, 1, TypeIdentity, nil})
	if err != nil {
		return err
	}
	if first.Type != TypeIdentity {
		return failed("the peer begins inside with no identity")
	}
	return carry.talk(m, first)
}

// peapExchange sends an inner request and returns the response, both without
// their four octets of header. Some peers send the header all the same.
func (t *tunnel) peapExchange(p Packet) (Packet, error) {
	if _, err := t.Write(p.Encode()[4:]); err != nil {
		return Packet{}, t.broken(err)
	}
	b, err := t.receive(maxPacket)
	if err != nil {
		return Packet{}, err
	}
	if whole, err := Decode(b); err == nil && whole.Code == Response && whole.ID == p.ID {
		return whole, nil
	}
	return Packet{Response, p.ID, Type(b[0]), b[1:]}, nil
}

// The Result TLV of PEAPv0: mandatory, type 3, two octets of which the last is
// 1 for success.
var resultSuccess = []byte{0x80, 3, 0, 2, 0, 1}

// result tells the peer inside that it succeeded, and hears it agree. Without
// that, an end outside the tunnel could be anybody's.
func (t *tunnel) result() error {
	request := Packet{Request, 99, TypeTLV, resultSuccess}.Encode()
	if _, err := t.Write(request); err != nil {
		return t.broken(err)
	}
	b, err := t.receive(maxPacket)
	if err != nil {
		return err
	}
	if whole, err := Decode(b); err == nil && whole.Type == TypeTLV {
		b = whole.Data
	} else if len(b) > 0 && Type(b[0]) == TypeTLV {
		b = b[1:]
	}
	if !agrees(b) {
		return failed("the peer does not agree that it succeeded")
	}
	return nil
}

// agrees finds a Result TLV of success among the peer's TLVs.
func agrees(tlvs []byte) bool {
	for len(tlvs) >= 4 {
		typ, n := binary.BigEndian.Uint16(tlvs)&0x3fff, int(binary.BigEndian.Uint16(tlvs[2:]))
		if n > len(tlvs)-4 {
			return false
		}
		if typ == 3 {
			return bytes.Equal(tlvs[4:4+n], resultSuccess[4:])
		}
		tlvs = tlvs[4+n:]
	}
	return false
}
