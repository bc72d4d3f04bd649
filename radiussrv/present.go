package radiussrv

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"postern/policy"
	"postern/radiussrv/eap"
	"postern/radiussrv/mschap"
	"postern/secret"
)

// presented is what a request without EAP presents: a secret or a proof.
type presented struct {
	method Method
	secret secret.Text
	proof  policy.Proof
	// more is what the method wants in a reply of that code; nil: nothing.
	more extra
}

// extra returns what goes into a reply beside what is in every one. Where it
// fails nothing is sent: an accept without its keys would be none.
type extra func(radius.Code) (radius.Attributes, error)

// presented reads what the request presents. why says why there is no attempt
// to make of it; "" where there is.
func (x *exchange) presented(request *radius.Packet) (p presented, why string) {
	switch x.shape.credentials {
	case 0:
		return p, "it has no credential"
	case userPassword:
		return presented{method: PAP, secret: x.password(request)}, ""
	case chapPassword:
		return presented{method: CHAP, proof: chapOf(request)}, ""
	case msCHAP:
		return msCHAPOf(request)
	}
	return p, "it uses a method this server does not speak"
}

// chapOf reads a CHAP response. Its challenge is the Request Authenticator
// where there is no CHAP-Challenge (RFC 2865 §5.3).
func chapOf(request *radius.Packet) policy.Proof {
	challenge := request.Authenticator[:]
	if sent, ok := request.Lookup(rfc2865.CHAPChallenge_Type); ok {
		challenge = sent
	}
	response := request.Get(rfc2865.CHAPPassword_Type)
	return eap.NewCHAP(response[0], bytes.Clone(challenge), bytes.Clone(response[1:]))
}

// Sub-attributes of Microsoft (RFC 2548 §2).
const (
	msResponse    = 1
	msError       = 2
	msPolicy      = 7
	msTypes       = 8
	msKeys1       = 12
	msChallenge   = 11
	msSendKey     = 16
	msReceiveKey  = 17
	msResponse2   = 25
	msSuccess2    = 26
	msResponseLen = 50
)

const unreadableMSCHAP = "its MS-CHAP attributes cannot be read"

// msCHAPOf reads an MS-CHAP response of either version (RFC 2548 §2.1.3,
// §2.3.2): an identifier, a flag, 48 octets.
func msCHAPOf(request *radius.Packet) (presented, string) {
	sent := microsoft(request)
	challenges, v1, v2 := sent[msChallenge], sent[msResponse], sent[msResponse2]
	if len(challenges) != 1 || len(v1)+len(v2) != 1 || len(append(v1, v2...)[0]) != msResponseLen {
		return presented{}, unreadableMSCHAP
	}
	challenge, response := challenges[0], append(v1, v2...)[0]
	failed := failedMSCHAP(response[0], len(challenge) == 16)
	switch {
	case len(v1) == 1 && len(challenge) == 8:
		p := &mschap.V1{Challenge: [8]byte(challenge), Response: [24]byte(response[26:])}
		return presented{method: MSCHAPv1, proof: p, more: succeeded1{p, request, failed}.attributes}, ""
	case len(v2) == 1 && len(challenge) == 16:
		p := &mschap.V2{
			Authenticator: [16]byte(challenge), Peer: [16]byte(response[2:18]), Response: [24]byte(response[26:]),
			Name: string(request.Get(rfc2865.UserName_Type)),
		}
		return presented{method: MSCHAPv2, proof: p, more: succeeded{p, response[0], request, failed}.attributes}, ""
	}
	return presented{}, unreadableMSCHAP
}

// microsoft collects Microsoft's sub-attributes. What lies about its length
// ends its Vendor-Specific.
func microsoft(request *radius.Packet) map[byte][][]byte {
	found := map[byte][][]byte{}
	for _, a := range request.Attributes {
		if a.Type != rfc2865.VendorSpecific_Type || len(a.Attribute) < 4 || binary.BigEndian.Uint32(a.Attribute) != vendorMicrosoft {
			continue
		}
		for rest := a.Attribute[4:]; len(rest) >= 2; {
			n := int(rest[1])
			if n < 2 || n > len(rest) {
				break
			}
			found[rest[0]] = append(found[rest[0]], rest[2:n])
			rest = rest[n:]
		}
	}
	return found
}

// vendorMS makes a Vendor-Specific of one of Microsoft's sub-attributes.
func vendorMS(kind byte, value []byte) *radius.AVP {
	b := binary.BigEndian.AppendUint32(nil, vendorMicrosoft)
	return &radius.AVP{Type: rfc2865.VendorSpecific_Type, Attribute: append(append(b, kind, byte(2+len(value))), value...)}
}

// failure is MS-CHAP-Error (RFC 2548 §2.1.5): 691, do not try again. It
// depends on the request alone, as every refusal does.
type failure []byte

func failedMSCHAP(identifier byte, v2 bool) failure {
	text := "E=691 R=0"
	if v2 {
		text += " C=00000000000000000000000000000000 V=3 M=Access denied"
	}
	return append([]byte{identifier}, text...)
}

func (f failure) only(code radius.Code) (radius.Attributes, error) {
	if code != radius.CodeAccessReject {
		return nil, nil
	}
	return radius.Attributes{vendorMS(msError, f)}, nil
}

// encryption says that MPPE is allowed, with keys of 128 bits (RFC 2548 §2.1).
func encryption() radius.Attributes {
	return radius.Attributes{vendorMS(msPolicy, []byte{0, 0, 0, 1}), vendorMS(msTypes, []byte{0, 0, 0, 4})}
}

// succeeded1 is what an MS-CHAPv1 exchange leaves behind: session keys, hidden
// as a password is (RFC 2548 §2.4.1), and no proof of the server.
type succeeded1 struct {
	proof   *mschap.V1
	request *radius.Packet
	failure
}

func (s succeeded1) attributes(code radius.Code) (radius.Attributes, error) {
	if code != radius.CodeAccessAccept {
		return s.only(code)
	}
	keys, err := s.proof.Keys()
	if err != nil {
		return nil, fmt.Errorf("making MPPE keys: %w", err)
	}
	hidden, err := radius.NewUserPassword(append(keys, make([]byte, 8)...), s.request.Secret, s.request.Authenticator[:])
	if err != nil {
		return nil, fmt.Errorf("hiding MPPE keys: %w", err)
	}
	return append(encryption(), vendorMS(msKeys1, hidden)), nil
}

// succeeded is what an MS-CHAPv2 exchange leaves behind: the server's own
// proof, and session keys.
type succeeded struct {
	proof      *mschap.V2
	identifier byte
	request    *radius.Packet
	failure
}

func (s succeeded) attributes(code radius.Code) (radius.Attributes, error) {
	if code != radius.CodeAccessAccept {
		return s.only(code)
	}
	shown, err := s.proof.Success()
	if err != nil {
		return nil, err
	}
	send, receive, err := s.proof.Keys()
	if err != nil {
		return nil, fmt.Errorf("making MPPE keys: %w", err)
	}
	keys, err := mppeKeys(s.request, send, receive)
	if err != nil {
		return nil, err
	}
	list := append(encryption(), vendorMS(msSuccess2, append([]byte{s.identifier}, shown...)))
	return append(list, keys...), nil
}
