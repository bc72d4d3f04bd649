package wire

import "postern/ldapsrv/ber"

// EntryMarks are what EndEntry closes.
type EntryMarks struct{ message, operation, list int }

// BeginEntry opens a SearchResultEntry (RFC 4511 §4.5.2). Append its
// attributes with AppendAttribute and then call EndEntry.
func BeginEntry(b []byte, id int32, name string) ([]byte, EntryMarks) {
	var m EntryMarks
	b, m.message, m.operation = begin(b, id, OpSearchEntry)
	b = ber.AppendString(b, ber.OctetString, name)
	b, m.list = ber.Begin(b, ber.Sequence)
	return b, m
}

// AppendAttribute appends an attribute of an entry. values may be empty: then
// only the type is sent.
func AppendAttribute(b []byte, name string, values []string) []byte {
	return appendAttribute(b, Attribute{Name: name, Values: values})
}

// EndEntry closes an entry.
func EndEntry(b []byte, m EntryMarks) []byte {
	return ber.End(ber.End(ber.End(b, m.list), m.operation), m.message)
}

// ResponseControl is a control of a response.
type ResponseControl struct {
	OID   string
	Value []byte
}

// AppendResultWith appends a result as AppendResult does, with controls.
func AppendResultWith(b []byte, id int32, op Op, r Result, controls []ResponseControl) []byte {
	b, message, operation := begin(b, id, op)
	b = ber.End(appendResult(b, r), operation)
	if len(controls) > 0 {
		var list int
		b, list = ber.Begin(b, controlsTag)
		for _, c := range controls {
			var one int
			b, one = ber.Begin(b, ber.Sequence)
			b = ber.AppendString(b, ber.OctetString, c.OID)
			b = ber.AppendString(b, ber.OctetString, c.Value)
			b = ber.End(b, one)
		}
		b = ber.End(b, list)
	}
	return ber.End(b, message)
}
