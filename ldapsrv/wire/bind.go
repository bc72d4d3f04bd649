package wire

import "postern/ldapsrv/ber"

// AuthMethod is the authentication choice of a bind.
type AuthMethod uint8

const (
	// OtherMethod is a choice that this package does not know.
	OtherMethod AuthMethod = iota
	Simple
	SASL
)

// BindRequest is RFC 4511 §4.2.
type BindRequest struct {
	Version  int32
	Name     []byte
	Method   AuthMethod
	Password []byte // Simple
	// Mechanism names the SASL mechanism.
	Mechanism []byte
}

// UnbindRequest is RFC 4511 §4.3.
type UnbindRequest struct{}

// AbandonRequest is RFC 4511 §4.11.
type AbandonRequest struct {
	ID int32 // of the message whose operation is to be abandoned
}

// ExtendedRequest is RFC 4511 §4.12.
type ExtendedRequest struct {
	Name     []byte // an OID
	Value    []byte
	HasValue bool
}

func (*BindRequest) request()    {}
func (UnbindRequest) request()   {}
func (AbandonRequest) request()  {}
func (ExtendedRequest) request() {}

// The context-specific tags of these requests.
const (
	simpleTag        ber.Tag = 0x80
	saslTag          ber.Tag = 0xa3
	extendedNameTag  ber.Tag = 0x80
	extendedValueTag ber.Tag = 0x81
)

var (
	errBind     = malformed("the bind request cannot be decoded")
	errSASL     = malformed("the SASL credentials cannot be decoded")
	errExtended = malformed("the extended request cannot be decoded")
	errAbandon  = malformed("the abandon request cannot be decoded")
)

func (room *Room) decodeBind(content []byte) (Request, error) {
	r := ber.NewReader(content)
	b := &room.bind
	var err error
	if b.Version, err = r.Int(ber.Integer); err != nil {
		return nil, errBind
	}
	if b.Name, err = r.Read(ber.OctetString); err != nil {
		return nil, errBind
	}
	tag, credentials, err := r.Next()
	if err != nil {
		return nil, errBind
	}
	switch tag {
	case simpleTag:
		b.Method, b.Password = Simple, credentials
	case saslTag:
		sasl := ber.NewReader(credentials)
		b.Method = SASL
		if b.Mechanism, err = sasl.Read(ber.OctetString); err != nil {
			return nil, errSASL
		}
	}
	return b, nil
}

// decodeUnbind takes any content: the client is leaving.
func decodeUnbind([]byte) (Request, error) { return UnbindRequest{}, nil }

func decodeAbandon(content []byte) (Request, error) {
	id, err := ber.ParseInt(content)
	if err != nil {
		return nil, errAbandon
	}
	return AbandonRequest{ID: id}, nil
}

func decodeExtended(content []byte) (Request, error) {
	r := ber.NewReader(content)
	var x ExtendedRequest
	var err error
	if x.Name, err = r.Read(extendedNameTag); err != nil {
		return nil, errExtended
	}
	if r.Peek() == extendedValueTag {
		x.HasValue = true
		x.Value, err = r.Read(extendedValueTag)
	}
	if err != nil {
		return nil, errExtended
	}
	return x, nil
}
