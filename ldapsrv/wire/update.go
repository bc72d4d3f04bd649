package wire

import "postern/ldapsrv/ber"

// The requests that would change or compare an entry. Of the lists of a
// modify and an add only the shape is kept in view: they are validated and
// not taken apart.
type (
	// ModifyRequest is RFC 4511 §4.6.
	ModifyRequest struct{ Entry []byte }
	// AddRequest is RFC 4511 §4.7.
	AddRequest struct{ Entry []byte }
	// DeleteRequest is RFC 4511 §4.8.
	DeleteRequest struct{ Entry []byte }
	// ModifyDNRequest is RFC 4511 §4.9.
	ModifyDNRequest struct {
		Entry, NewRDN []byte
		DeleteOldRDN  bool
		NewSuperior   []byte // nil where there is none
	}
	// CompareRequest is RFC 4511 §4.10.
	CompareRequest struct{ Entry, Attribute, Value []byte }
)

func (ModifyRequest) request()   {}
func (AddRequest) request()      {}
func (DeleteRequest) request()   {}
func (ModifyDNRequest) request() {}
func (CompareRequest) request()  {}

var (
	errModify   = malformed("the modify request cannot be decoded")
	errAdd      = malformed("the add request cannot be decoded")
	errModifyDN = malformed("the modify DN request cannot be decoded")
	errCompare  = malformed("the compare request cannot be decoded")
)

func decodeModify(content []byte) (Request, error) {
	r := ber.NewReader(content)
	entry, err := r.Read(ber.OctetString)
	if err != nil {
		return nil, errModify
	}
	changes, err := r.Sub(ber.Sequence)
	for err == nil && !changes.Empty() {
		err = checkChange(&changes)
	}
	if err != nil {
		return nil, errModify
	}
	return ModifyRequest{Entry: entry}, nil
}

func checkChange(changes *ber.Reader) error {
	r, err := changes.Sub(ber.Sequence)
	if err != nil {
		return err
	}
	if _, err := r.Int(ber.Enumerated); err != nil {
		return err
	}
	return checkAttribute(&r)
}

// checkAttribute validates a PartialAttribute (RFC 4511 §4.1.7).
func checkAttribute(list *ber.Reader) error {
	r, err := list.Sub(ber.Sequence)
	if err != nil {
		return err
	}
	if _, err := r.Read(ber.OctetString); err != nil {
		return err
	}
	values, err := r.Sub(ber.Set)
	for err == nil && !values.Empty() {
		_, err = values.Read(ber.OctetString)
	}
	return err
}

func decodeAdd(content []byte) (Request, error) {
	r := ber.NewReader(content)
	entry, err := r.Read(ber.OctetString)
	if err != nil {
		return nil, errAdd
	}
	attributes, err := r.Sub(ber.Sequence)
	for err == nil && !attributes.Empty() {
		err = checkAttribute(&attributes)
	}
	if err != nil {
		return nil, errAdd
	}
	return AddRequest{Entry: entry}, nil
}

func decodeDelete(content []byte) (Request, error) {
	return DeleteRequest{Entry: content}, nil
}

func decodeModifyDN(content []byte) (Request, error) {
	r := ber.NewReader(content)
	var m ModifyDNRequest
	var err [4]error
	m.Entry, err[0] = r.Read(ber.OctetString)
	m.NewRDN, err[1] = r.Read(ber.OctetString)
	m.DeleteOldRDN, err[2] = r.Bool(ber.Boolean)
	if r.Peek() == ber.Context(0) {
		m.NewSuperior, err[3] = r.Read(ber.Context(0))
	}
	for _, e := range err {
		if e != nil {
			return nil, errModifyDN
		}
	}
	return m, nil
}

func decodeCompare(content []byte) (Request, error) {
	r := ber.NewReader(content)
	var c CompareRequest
	var err error
	if c.Entry, err = r.Read(ber.OctetString); err != nil {
		return nil, errCompare
	}
	assertion, err := r.Sub(ber.Sequence)
	if err != nil {
		return nil, errCompare
	}
	if c.Attribute, err = assertion.Read(ber.OctetString); err != nil {
		return nil, errCompare
	}
	if c.Value, err = assertion.Read(ber.OctetString); err != nil {
		return nil, errCompare
	}
	return c, nil
}
