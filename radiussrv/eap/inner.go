package eap

import (
	"crypto/md5" //nolint:gosec // CHAP and EAP-MD5 are built on it
	"crypto/subtle"
	"encoding/binary"
	"slices"

	"postern/policy"
	"postern/radiussrv/mschap"
	"postern/secret"
)

// inner is a method without TLS of its own: inside a tunnel, or bare.
type inner interface {
	name() string
	opening() []byte // data of its first request
	// talk goes on from the peer's answer to the opening.
	talk(c *Conversation, method string, ask asker, first Packet, tunnel bool) error
	// msk is the key the method leaves behind, nil where it makes none.
	msk() ([]byte, error)
}

func newInner(t Type, identity string) inner {
	switch t {
	case TypeMSCHAPv2:
		return &mschapv2{identity: identity}
	case TypeMD5:
		return &md5Challenge{identity: identity}
	}
	return &gtc{identity: identity}
}

// innerCarrier holds an inner EAP conversation over whatever carries it.
type innerCarrier struct {
	c        *Conversation
	exchange func(Packet) (Packet, error)
	id       uint8
}

func (i *innerCarrier) ask(t Type, data []byte) (Packet, error) {
	i.id++
	p, err := i.exchange(Packet{Request, i.id, t, data})
	if err != nil {
		return Packet{}, err
	}
	if p.Code != Response || p.ID != i.id {
		return Packet{}, failed("the peer's inner answer is to something else")
	}
	return p, nil
}

// talk goes on from the inner identity: asks for the allowed methods in turn,
// without those that the peer does not want, until it takes one; then has what
// it presents decided.
func (i *innerCarrier) talk(m *method, identity Packet) error {
	name, err := i.c.insideAs(identity.Data)
	if err != nil {
		return err
	}
	i.id = identity.ID
	left := i.c.cfg.inside(m.typ)
	for len(left) > 0 {
		in := newInner(left[0], name)
		answer, err := i.ask(left[0], in.opening())
		if err != nil {
			return err
		}
		if answer.Type != TypeNak {
			m.name += "/eap-" + in.name()
			return in.talk(i.c, m.name, i.ask, answer, true)
		}
		left = slices.DeleteFunc(left[1:], func(t Type) bool { return !slices.Contains(answer.Data, byte(t)) })
	}
	return failed("the peer wants no inner method that is allowed")
}

// gtc asks for a password in clear (RFC 3748 §5.6).
type gtc struct{ identity string }

func (*gtc) name() string         { return "gtc" }
func (*gtc) opening() []byte      { return []byte("Password: ") }
func (*gtc) msk() ([]byte, error) { return nil, nil }

func (g *gtc) talk(c *Conversation, method string, _ asker, first Packet, tunnel bool) error {
	if first.Type != TypeGTC {
		return failed("the peer leaves the inner method")
	}
	return c.judged(Credential{Identity: g.identity, Secret: secret.NewText(string(first.Data)), Method: method, Tunnel: tunnel})
}

// md5Challenge is CHAP in EAP (RFC 3748 §5.4).
type md5Challenge struct {
	identity  string
	challenge [16]byte
}

func (*md5Challenge) name() string         { return "md5" }
func (*md5Challenge) msk() ([]byte, error) { return nil, nil }

func (d *md5Challenge) opening() []byte {
	if random(d.challenge[:]) != nil {
		return nil
	}
	return append([]byte{16}, d.challenge[:]...)
}

func (d *md5Challenge) talk(c *Conversation, method string, _ asker, first Packet, tunnel bool) error {
	if first.Type != TypeMD5 || len(first.Data) < 17 || first.Data[0] != 16 || d.challenge == [16]byte{} {
		return failed("the MD5 response cannot be read")
	}
	proof := NewCHAP(first.ID, d.challenge[:], first.Data[1:17])
	return c.judged(Credential{Identity: d.identity, Proof: proof, Method: method, Tunnel: tunnel})
}

// CHAP is a CHAP response (RFC 1994 §4.1). It is a policy.Proof.
type CHAP struct {
	id        byte
	challenge []byte
	response  []byte
}

// NewCHAP returns the response to challenge under identifier id.
func NewCHAP(id byte, challenge, response []byte) *CHAP {
	return &CHAP{id: id, challenge: challenge, response: response}
}

// Form says that it takes the secret in clear.
func (*CHAP) Form() policy.ProofForm { return policy.ProofClear }

// Explains reports whether the response was made with candidate.
func (p *CHAP) Explains(candidate []byte) bool {
	return subtle.ConstantTimeCompare(CHAPResponse(p.id, candidate, p.challenge), p.response) == 1
}

// CHAPResponse is what a secret answers challenge with under identifier id.
func CHAPResponse(id byte, secret, challenge []byte) []byte {
	h := md5.New() //nolint:gosec // as above
	h.Write([]byte{id})
	h.Write(secret)
	h.Write(challenge)
	return h.Sum(nil)
}

// mschapv2 is EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2).
type mschapv2 struct {
	identity  string
	challenge [16]byte
	proof     *mschap.V2 // once it was accepted
}

// Operations of EAP-MSCHAPv2.
const (
	opChallenge = 1
	opResponse  = 2
	opSuccess   = 3
)

func (*mschapv2) name() string { return "mschapv2" }

func (v *mschapv2) opening() []byte {
	if random(v.challenge[:]) != nil {
		return nil
	}
	return v.packet(opChallenge, append(append([]byte{16}, v.challenge[:]...), "postern"...))
}

// packet writes an EAP-MSCHAPv2 packet; its id counts nothing.
func (*mschapv2) packet(op byte, value []byte) []byte {
	b := []byte{op, 1, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(4+len(value)))
	return append(b, value...)
}

func (v *mschapv2) talk(c *Conversation, method string, ask asker, first Packet, tunnel bool) error {
	proof, err := v.decode(first)
	if err != nil {
		return err
	}
	if err := c.judged(Credential{Identity: v.identity, Proof: proof, Method: method, Tunnel: tunnel}); err != nil {
		return err
	}
	shown, err := proof.Success()
	if err != nil {
		return err
	}
	answer, err := ask(TypeMSCHAPv2, v.packet(opSuccess, []byte(shown+" M=OK")))
	if err != nil {
		return err
	}
	if answer.Type != TypeMSCHAPv2 || len(answer.Data) == 0 || answer.Data[0] != opSuccess {
		return failed("the peer does not accept the server's proof")
	}
	v.proof = proof
	return nil
}

// msk is the key that the server receives with, then the one it sends with
// (draft-kamath-pppext-eap-mschapv2 §2; RFC 3079 §3). Whoever needs 64 octets
// fills them up with zeros.
func (v *mschapv2) msk() ([]byte, error) {
	if v.proof == nil {
		return nil, mschap.ErrUnexplained
	}
	send, receive, err := v.proof.Keys()
	return append(receive, send...), err
}

// decode reads the response: operation, id, length, 49, peer challenge,
// reserved, NT response, flags, name.
func (v *mschapv2) decode(p Packet) (*mschap.V2, error) {
	d := p.Data
	if p.Type != TypeMSCHAPv2 || len(d) < 54 || d[0] != opResponse || d[4] != 49 || v.challenge == [16]byte{} {
		return nil, failed("the MS-CHAPv2 response cannot be read")
	}
	proof := &mschap.V2{Authenticator: v.challenge, Peer: [16]byte(d[5:21]), Response: [24]byte(d[29:53]), Name: string(d[54:])}
	if proof.Name == "" {
		proof.Name = v.identity
	}
	return proof, nil
}
