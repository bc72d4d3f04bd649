package load

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"

	"layeh.com/radius/rfc2759"
)

// Method is an EAP method with what is inside it.
type Method uint8

// The methods that a load can be of.
const (
	TTLSPAP Method = iota
	PEAPMSCHAPv2
)

// String is the name the configuration of Postern has for it.
func (m Method) String() string {
	if m == PEAPMSCHAPv2 {
		return "peap-mschapv2"
	}
	return "ttls-pap"
}

func (m Method) outer() byte {
	if m == PEAPMSCHAPv2 {
		return typePEAP
	}
	return typeTTLS
}

// inside presents the device's password through the tunnel. A session that was
// resumed presents nothing.
func (m Method) inside(s *supplicant, t *tls.Conn, resumed bool) error {
	if m == PEAPMSCHAPv2 {
		return peap{t, s}.run(resumed)
	}
	if resumed {
		return nil
	}
	if t.ConnectionState().Version == tls.VersionTLS13 {
		// As wpa_supplicant does: the end of the handshake goes by itself, and the
		// server answers with its ticket.
		if err := s.flush(); err != nil {
			return err
		}
	}
	if _, err := t.Write(avps(s.Login, s.Password)); err != nil {
		return fmt.Errorf("presenting a password: %w", err)
	}
	return nil
}

// avps are the User-Name and the User-Password of RFC 5281 §11.2.5.
func avps(login, password string) []byte {
	hidden := make([]byte, (len(password)+15)/16*16)
	copy(hidden, password)
	return appendAVP(appendAVP(nil, 1, []byte(login)), 2, hidden)
}

// appendAVP is RFC 5281 §10.1: a mandatory one.
func appendAVP(b []byte, code uint32, value []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, code)
	b = binary.BigEndian.AppendUint32(b, 0x40<<24|uint32(8+len(value))) //nolint:gosec // it is some octets
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// peap is what is inside PEAPv0: EAP without the headers of its packets, but
// with them around a TLV.
type peap struct {
	*tls.Conn
	s *supplicant
}

// run answers until the server has said that it succeeded.
func (p peap) run(resumed bool) error {
	for range 6 {
		typ, data, id, err := p.hear()
		switch {
		case resumed && p.s.accepted:
			return nil
		case err != nil:
			return err
		case resumed && typ == 0: // nothing more will be asked (RFC 9427 §3)
			continue
		case typ == typeTLV:
			return p.agree(data, id)
		case resumed:
			return fmt.Errorf("a resumed session is asked for type %d", typ)
		case typ == typeIdentity:
			err = p.say(typeIdentity, []byte(p.s.Login))
		case typ == typeMSCHAPv2 && len(data) > 0:
			err = p.mschap(data)
		default:
			err = p.say(typeNak, []byte{typeMSCHAPv2})
		}
		if err != nil {
			return err
		}
	}
	return errors.New("what is inside PEAP does not end")
}

func (p peap) hear() (typ byte, data []byte, id byte, err error) {
	buf := make([]byte, 2048)
	n, err := p.Read(buf)
	if err != nil {
		return 0, nil, 0, fmt.Errorf("reading inside PEAP: %w", err)
	}
	if b := buf[:n]; n > 4 && b[0] == eapRequest && int(binary.BigEndian.Uint16(b[2:])) == n {
		return b[4], b[5:], b[1], nil
	}
	return buf[0], buf[1:n], 0, nil
}

func (p peap) say(typ byte, data []byte) error {
	if _, err := p.Write(append([]byte{typ}, data...)); err != nil {
		return fmt.Errorf("answering inside PEAP: %w", err)
	}
	return nil
}

// resultSuccess is a Result TLV.
var resultSuccess = []byte{0x80, 3, 0, 2, 0, 1}

func (p peap) agree(tlvs []byte, id byte) error {
	if !bytes.Contains(tlvs, resultSuccess) {
		return fmt.Errorf("the server does not say that it succeeded: %x", tlvs)
	}
	if _, err := p.Write(append([]byte{eapResponse, id, 0, byte(5 + len(resultSuccess)), typeTLV}, resultSuccess...)); err != nil {
		return fmt.Errorf("agreeing inside PEAP: %w", err)
	}
	return nil
}

// Operations of EAP-MSCHAPv2.
const opChallenge, opResponse, opSuccess = 1, 2, 3

// mschap answers a message of EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2).
func (p peap) mschap(data []byte) error {
	switch {
	case data[0] == opSuccess:
		return p.say(typeMSCHAPv2, []byte{opSuccess})
	case data[0] != opChallenge || len(data) < 21 || data[4] != 16:
		return fmt.Errorf("the password is refused: %q", data)
	}
	var own [16]byte
	_, _ = rand.Read(own[:]) // never fails
	response, err := rfc2759.GenerateNTResponse(data[5:21], own[:], []byte(p.s.Login), []byte(p.s.Password))
	if err != nil {
		return fmt.Errorf("computing the MS-CHAPv2 response: %w", err)
	}
	b := []byte{opResponse, data[1], 0, byte(54 + len(p.s.Login)), 49}
	b = append(append(append(b, own[:]...), make([]byte, 8)...), response...)
	return p.say(typeMSCHAPv2, append(append(b, 0), p.s.Login...))
}
