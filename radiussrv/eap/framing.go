package eap

import (
	"encoding/binary"
)

// Flags of EAP-TLS, EAP-TTLS and PEAP (RFC 5216 §3.1). The low bits are the
// version, zero in all that is spoken here.
const (
	flagLength = 0x80
	flagMore   = 0x40
	flagStart  = 0x20
	versions   = 0x07
)

// maxFlight bounds what a peer may send in one flight (RFC 5216 §2.1.5).
const maxFlight = 64 << 10

// defaultFragment fits a RADIUS packet over any network, with room for State
// and the rest.
const defaultFragment = 1000

// flight sends out in fragments and returns what the peer sends back, put
// together.
func (m *method) flight(c *Conversation, out []byte) ([]byte, error) {
	answer, err := m.sendFragments(c, out)
	if err != nil {
		return nil, err
	}
	return m.assemble(answer)
}

func (m *method) sendFragments(c *Conversation, out []byte) (Packet, error) {
	size := c.cfg.fragment()
	first := true
	for {
		data := []byte{0}
		piece := out
		if len(piece) > size {
			piece = piece[:size]
			data[0] |= flagMore
			if first {
				data[0] |= flagLength
				data = binary.BigEndian.AppendUint32(data, uint32(len(out)))
			}
		}
		out, first = out[len(piece):], false
		answer, err := m.ask(m.typ, append(data, piece...))
		switch {
		case err != nil:
			return Packet{}, err
		case answer.Type != m.typ || len(answer.Data) == 0:
			return Packet{}, failed("the peer leaves the method")
		case len(out) == 0:
			return answer, nil
		case len(answer.Data) != 1:
			return Packet{}, failed("the peer speaks before it has heard all")
		}
	}
}

// assemble takes the peer's fragments, acknowledging each.
func (m *method) assemble(p Packet) ([]byte, error) {
	var whole []byte
	announced := -1
	for {
		flags, data := p.Data[0], p.Data[1:]
		switch {
		case flags&flagStart != 0 || flags&versions != 0:
			return nil, failed("the peer's flags are wrong")
		case flags&flagLength != 0 && len(data) < 4:
			return nil, failed("the peer announces no length")
		case flags&flagLength != 0:
			n := binary.BigEndian.Uint32(data)
			if n > maxFlight || announced >= 0 && int(n) != announced {
				return nil, failed("the peer announces %d bytes", n)
			}
			announced, data = int(n), data[4:]
		}
		whole = append(whole, data...)
		if len(whole) > maxFlight || announced >= 0 && len(whole) > announced {
			return nil, failed("the peer sends more than it announced or may")
		}
		if flags&flagMore == 0 {
			if announced >= 0 && len(whole) != announced {
				return nil, failed("the peer sends less than it announced")
			}
			return whole, nil
		}
		if len(data) == 0 {
			return nil, failed("the peer sends an empty fragment")
		}
		var err error
		if p, err = m.ask(m.typ, []byte{0}); err != nil {
			return nil, err
		}
		if p.Type != m.typ || len(p.Data) == 0 {
			return nil, failed("the peer leaves the method")
		}
	}
}
