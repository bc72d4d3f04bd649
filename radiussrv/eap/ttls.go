package eap

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"slices"
	"strings"

	"postern/radiussrv/mschap"
	"postern/secret"
)

// AVPs of EAP-TTLS (RFC 5281 §10, §11).
const (
	avpUserName      = 1
	avpUserPassword  = 2
	avpCHAPPassword  = 3
	avpCHAPChallenge = 60
	avpEAPMessage    = 79

	vendorMicrosoft  = 311
	avpMSResponse    = 1
	avpMSChallenge   = 11
	avpMS2Response   = 25
	avpMS2Success    = 26
	avpMandatory     = 0x40
	avpVendor        = 0x80
	maxTunnelMessage = 16 << 10
)

type avp struct {
	vendor, code uint32
	data         []byte
}

// decodeAVPs reads Diameter AVPs (RFC 6733 §4.1), each at most once but for
// EAP-Message, which is put together.
func decodeAVPs(b []byte) ([]avp, error) {
	var all []avp
	for len(b) > 0 {
		if len(b) < 8 || len(all) == 32 {
			return nil, failed("the inner attributes cannot be read")
		}
		a := avp{code: binary.BigEndian.Uint32(b)}
		flags, n, head := b[4], int(binary.BigEndian.Uint32(b[4:])&0xffffff), 8
		if flags&avpVendor != 0 {
			head = 12
		}
		if n < head || n > len(b) {
			return nil, failed("the inner attributes cannot be read")
		}
		if head == 12 {
			a.vendor = binary.BigEndian.Uint32(b[8:])
		}
		a.data = b[head:n]
		if flags&avpMandatory != 0 && !a.known() {
			return nil, failed("the peer demands inner attribute %d/%d, which is not known", a.vendor, a.code)
		}
		if slices.ContainsFunc(all, func(o avp) bool { return o.vendor == a.vendor && o.code == a.code && a.code != avpEAPMessage }) {
			return nil, failed("the peer sends inner attribute %d/%d twice", a.vendor, a.code)
		}
		all = append(all, a)
		b = b[min(len(b), (n+3)&^3):]
	}
	return all, nil
}

func (a avp) known() bool {
	switch {
	case a.vendor == vendorMicrosoft:
		return a.code == avpMSResponse || a.code == avpMSChallenge || a.code == avpMS2Response
	case a.vendor != 0:
		return false
	}
	switch a.code {
	case avpUserName, avpUserPassword, avpCHAPPassword, avpCHAPChallenge, avpEAPMessage:
		return true
	}
	return false
}

// encode writes a with its padding.
func (a avp) encode() []byte {
	head, flags := 8, uint32(avpMandatory)
	if a.vendor != 0 {
		head, flags = 12, flags|avpVendor
	}
	b := binary.BigEndian.AppendUint32(nil, a.code)
	b = binary.BigEndian.AppendUint32(b, flags<<24|uint32(head+len(a.data)))
	if a.vendor != 0 {
		b = binary.BigEndian.AppendUint32(b, a.vendor)
	}
	b = append(b, a.data...)
	return append(b, make([]byte, -len(b)&3)...)
}

// avps finds the data of an AVP, nil where there is none.
func find(all []avp, vendor, code uint32) []byte {
	var data []byte
	for _, a := range all {
		if a.vendor == vendor && a.code == code {
			data = append(data, a.data...)
			if data == nil {
				data = []byte{}
			}
		}
	}
	return data
}

// talkTTLS is EAP-TTLSv0: TLS, then what the peer presents inside.
func talkTTLS(c *Conversation, m *method, first Packet) ([]byte, error) {
	t, err := m.handshake(c, first, nil)
	if err != nil {
		return nil, err
	}
	if t.resumed != nil && t.state.DidResume {
		if err := t.again(c, m); err != nil {
			return nil, err
		}
		t.finished(c.decision)
		return t.msk(m)
	}
	message, err := t.receive(maxTunnelMessage)
	if err != nil {
		return nil, err
	}
	all, err := decodeAVPs(message)
	if err != nil {
		return nil, err
	}
	if err := t.inside(c, m, all); err != nil {
		return nil, err
	}
	if err := t.drain(); err != nil {
		return nil, err
	}
	t.finished(c.decision)
	return t.msk(m)
}

// inside has what the AVPs present decided.
func (t *tunnel) inside(c *Conversation, m *method, all []avp) error {
	ways := []struct {
		method  Method // "" for EAP, which has several
		vendor  uint32
		code    uint32
		present func(*Conversation, *method, []avp) error
	}{
		{TTLSPAP, 0, avpUserPassword, t.pap},
		{TTLSCHAP, 0, avpCHAPPassword, t.chap},
		{TTLSMSCHAPv1, vendorMicrosoft, avpMSResponse, t.mschap},
		{TTLSMSCHAPv2, vendorMicrosoft, avpMS2Response, t.mschapv2},
		{"", 0, avpEAPMessage, t.innerEAP},
	}
	found := -1
	for i, w := range ways {
		if find(all, w.vendor, w.code) == nil {
			continue
		}
		if found >= 0 {
			return failed("the peer presents two credentials at once")
		}
		found = i
	}
	if found < 0 {
		return failed("the peer presents no credential that is known")
	}
	w := ways[found]
	if w.method != "" {
		if !c.cfg.allows(w.method) {
			return failed("method %s is not allowed for this client", w.method)
		}
		m.name += strings.Replace(string(w.method), "ttls-", "/", 1)
	}
	return w.present(c, m, all)
}

// identity is the name inside. An outer one that is not anonymous must be the
// same: two names for one sign-in would let one be seen and the other checked.
func (c *Conversation) insideAs(name []byte) (string, error) {
	if len(name) == 0 || len(name) > 253 {
		return "", failed("the peer names nobody inside")
	}
	if !anonymous(c.identity) && c.identity != string(name) {
		return "", failed("the peer names somebody else inside than outside")
	}
	return string(name), nil
}

// named is the outer identity where it names somebody, else "".
func (c *Conversation) named() string {
	if anonymous(c.identity) {
		return ""
	}
	return c.identity
}

// anonymous reports whether an outer identity names nobody: "anonymous" in any
// realm, an empty user, or nothing (RFC 7542 §2.4).
func anonymous(identity string) bool {
	user := []byte(identity)
	if at := bytes.LastIndexByte(user, '@'); at >= 0 {
		user = user[:at]
	}
	return len(user) == 0 || bytes.EqualFold(user, []byte("anonymous"))
}

func (t *tunnel) pap(c *Conversation, m *method, all []avp) error {
	name, err := c.insideAs(find(all, 0, avpUserName))
	if err != nil {
		return err
	}
	password := bytes.TrimRight(find(all, 0, avpUserPassword), "\x00")
	text := secret.NewText(string(password))
	if bytes.IndexByte(password, 0) >= 0 {
		text = secret.Text{} // nobody's: cutting it would make two passwords one
	}
	return c.judged(Credential{Identity: name, Secret: text, Method: m.name, Tunnel: true})
}

// implicit is the challenge that both ends derive (RFC 5281 §11.1).
func (t *tunnel) implicit(n int, sent []byte, ident byte) ([]byte, error) {
	derived, err := t.exported("ttls challenge", nil, n+1)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(derived[:n], sent) != 1 || derived[n] != ident {
		return nil, failed("the peer answers another challenge than that of the tunnel")
	}
	return derived[:n], nil
}

func (t *tunnel) chap(c *Conversation, m *method, all []avp) error {
	name, err := c.insideAs(find(all, 0, avpUserName))
	if err != nil {
		return err
	}
	response := find(all, 0, avpCHAPPassword)
	if len(response) != 17 {
		return failed("the inner CHAP response is %d bytes long", len(response))
	}
	challenge, err := t.implicit(16, find(all, 0, avpCHAPChallenge), response[0])
	if err != nil {
		return err
	}
	return c.judged(Credential{Identity: name, Proof: NewCHAP(response[0], challenge, response[1:]), Method: m.name, Tunnel: true})
}

func (t *tunnel) mschap(c *Conversation, m *method, all []avp) error {
	name, err := c.insideAs(find(all, 0, avpUserName))
	if err != nil {
		return err
	}
	response := find(all, vendorMicrosoft, avpMSResponse)
	if len(response) != 50 {
		return failed("the inner MS-CHAP response is %d bytes long", len(response))
	}
	challenge, err := t.implicit(8, find(all, vendorMicrosoft, avpMSChallenge), response[0])
	if err != nil {
		return err
	}
	proof := &mschap.V1{Challenge: [8]byte(challenge), Response: [24]byte(response[26:])}
	return c.judged(Credential{Identity: name, Proof: proof, Method: m.name, Tunnel: true})
}

func (t *tunnel) mschapv2(c *Conversation, m *method, all []avp) error {
	name, err := c.insideAs(find(all, 0, avpUserName))
	if err != nil {
		return err
	}
	response := find(all, vendorMicrosoft, avpMS2Response)
	if len(response) != 50 {
		return failed("the inner MS-CHAPv2 response is %d bytes long", len(response))
	}
	challenge, err := t.implicit(16, find(all, vendorMicrosoft, avpMSChallenge), response[0])
	if err != nil {
		return err
	}
	proof := &mschap.V2{Authenticator: [16]byte(challenge), Peer: [16]byte(response[2:18]), Response: [24]byte(response[26:]), Name: name}
	if err := c.judged(Credential{Identity: name, Proof: proof, Method: m.name, Tunnel: true}); err != nil {
		return err
	}
	shown, err := proof.Success()
	if err != nil {
		return err
	}
	answer := avp{vendorMicrosoft, avpMS2Success, append([]byte{response[0]}, shown...)}
	if _, err := t.Write(answer.encode()); err != nil {
		return t.broken(err)
	}
	return t.acknowledged()
}

// innerEAP is EAP inside TTLS: every message in an AVP of its own.
func (t *tunnel) innerEAP(c *Conversation, m *method, all []avp) error {
	carry := &innerCarrier{c: c, exchange: func(p Packet) (Packet, error) {
		if _, err := t.Write(avp{0, avpEAPMessage, p.Encode()}.encode()); err != nil {
			return Packet{}, t.broken(err)
		}
		message, err := t.receive(maxTunnelMessage)
		if err != nil {
			return Packet{}, err
		}
		answer, err := decodeAVPs(message)
		if err != nil {
			return Packet{}, err
		}
		return Decode(find(answer, 0, avpEAPMessage))
	}}
	first, err := Decode(find(all, 0, avpEAPMessage))
	if err != nil || first.Code != Response || first.Type != TypeIdentity {
		return failed("the peer begins inside with no identity")
	}
	return carry.talk(m, first)
}
