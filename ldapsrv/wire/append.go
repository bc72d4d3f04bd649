package wire

import "postern/ldapsrv/ber"

// begin opens an LDAPMessage and the operation in it.
func begin(b []byte, id int32, op Op) (_ []byte, message, operation int) {
	b, message = ber.Begin(b, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, id)
	b, operation = ber.Begin(b, op)
	return b, message, operation
}

// appendResult appends the components of an LDAPResult.
func appendResult(b []byte, r Result) []byte {
	b = ber.AppendInt(b, ber.Enumerated, int32(r.Code))
	b = ber.AppendString(b, ber.OctetString, r.Matched)
	return ber.AppendString(b, ber.OctetString, r.Text)
}

// AppendResult appends the message that answers operation id with r. op is
// the answering operation, as ResponseTo gives it.
func AppendResult(b []byte, id int32, op Op, r Result) []byte {
	b, message, operation := begin(b, id, op)
	b = appendResult(b, r)
	return ber.End(ber.End(b, operation), message)
}

// Extended is an ExtendedResponse (RFC 4511 §4.12).
type Extended struct {
	Result
	Name     string // responseName; "" for none
	Value    string // responseValue
	HasValue bool   // also where Value is empty
}

// AppendExtended appends the message that answers extended operation id.
func AppendExtended(b []byte, id int32, x Extended) []byte {
	b, message, operation := begin(b, id, OpExtendedResponse)
	b = appendResult(b, x.Result)
	if x.Name != "" {
		b = ber.AppendString(b, ber.Context(10), x.Name)
	}
	if x.HasValue {
		b = ber.AppendString(b, ber.Context(11), x.Value)
	}
	return ber.End(ber.End(b, operation), message)
}

// AppendNotice appends a Notice of Disconnection (RFC 4511 §4.4.1).
func AppendNotice(b []byte, r Result) []byte {
	return AppendExtended(b, 0, Extended{Result: r, Name: OIDNoticeOfDisconnection})
}

// Attribute is an attribute of an entry to be sent.
type Attribute struct {
	Name   string
	Values []string
}

// AppendEntry appends a SearchResultEntry (RFC 4511 §4.5.2).
func AppendEntry(b []byte, id int32, name string, attributes []Attribute) []byte {
	b, message, operation := begin(b, id, OpSearchEntry)
	b = ber.AppendString(b, ber.OctetString, name)
	b, list := ber.Begin(b, ber.Sequence)
	for _, a := range attributes {
		b = appendAttribute(b, a)
	}
	b = ber.End(b, list)
	return ber.End(ber.End(b, operation), message)
}

func appendAttribute(b []byte, a Attribute) []byte {
	b, attribute := ber.Begin(b, ber.Sequence)
	b = ber.AppendString(b, ber.OctetString, a.Name)
	b, values := ber.Begin(b, ber.Set)
	for _, v := range a.Values {
		b = ber.AppendString(b, ber.OctetString, v)
	}
	return ber.End(ber.End(b, values), attribute)
}
