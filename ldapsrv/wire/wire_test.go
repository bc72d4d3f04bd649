package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/filter"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// message returns a message with that ID, operation, and hexadecimal content
// and trailer, lengths filled in.
func message(t testing.TB, op Op, content, trailer string) []byte {
	t.Helper()
	b, whole := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, 5)
	b, inner := ber.Begin(b, op)
	b = ber.End(append(b, unhex(t, content)...), inner)
	return ber.End(append(b, unhex(t, trailer)...), whole)
}

func TestDecodeReadsEveryRequest(t *testing.T) {
	presence := filter.Filter{Choice: filter.Present, Leaf: &filter.Assertion{Attribute: []byte("cn")}}
	for _, c := range []struct {
		name    string
		op      Op
		content string
		want    Request
	}{
		{"a simple bind (RFC 4511 §4.2)", OpBind, "02 01 03 04 02 6162 80 01 70",
			&BindRequest{Version: 3, Name: []byte("ab"), Method: Simple, Password: []byte("p")}},
		{"an anonymous bind (RFC 4513 §5.1.1)", OpBind, "02 01 03 04 00 80 00",
			&BindRequest{Version: 3, Name: []byte{}, Method: Simple, Password: []byte{}}},
		{"a bind of version 2", OpBind, "02 01 02 04 00 80 00",
			&BindRequest{Version: 2, Name: []byte{}, Method: Simple, Password: []byte{}}},
		{"a SASL bind with credentials", OpBind, "02 01 03 04 00 a3 0a 04 05 504c41494e 04 01 78",
			&BindRequest{Version: 3, Name: []byte{}, Method: SASL, Mechanism: []byte("PLAIN")}},
		{"a bind by another method", OpBind, "02 01 03 04 00 84 00",
			&BindRequest{Version: 3, Name: []byte{}, Method: OtherMethod}},
		{"a bind with a component of later times (RFC 4511 §4)", OpBind, "02 01 03 04 00 80 01 70 04 01 78",
			&BindRequest{Version: 3, Name: []byte{}, Method: Simple, Password: []byte("p")}},
		{"an unbind (§4.3)", OpUnbind, "", UnbindRequest{}},
		{"a search (§4.5.1)", OpSearch, "04 02 6162 0a 01 02 0a 01 03 02 01 0a 02 01 14 01 01 ff 87 02 636e 30 06 04 01 2a 04 01 2b",
			&SearchRequest{
				Base: []byte("ab"), Scope: WholeSubtree, Aliases: 3, SizeLimit: 10, TimeLimit: 20, TypesOnly: true,
				Filter: presence, RawFilter: []byte("\x87\x02cn"), Attributes: [][]byte{[]byte("*"), []byte("+")},
				RawAttributes: []byte("\x04\x01*\x04\x01+"),
			}},
		{"a search without an attribute list", OpSearch, "04 00 0a 01 00 0a 01 00 02 01 00 02 01 00 01 01 00 87 02 636e",
			&SearchRequest{Base: []byte{}, Filter: presence, RawFilter: []byte("\x87\x02cn")}},
		{"a modify (§4.6)", OpModify, "04 01 61 30 0f 30 0d 0a 01 02 30 08 04 02 636e 31 02 04 00", ModifyRequest{Entry: []byte("a")}},
		{"an add (§4.7)", OpAdd, "04 01 61 30 0a 30 08 04 02 636e 31 02 04 00", AddRequest{Entry: []byte("a")}},
		{"a delete (§4.8)", OpDelete, "6162", DeleteRequest{Entry: []byte("ab")}},
		{"a modify DN (§4.9)", OpModifyDN, "04 01 61 04 01 62 01 01 ff 80 01 63",
			ModifyDNRequest{Entry: []byte("a"), NewRDN: []byte("b"), DeleteOldRDN: true, NewSuperior: []byte("c")}},
		{"a modify DN without a new superior", OpModifyDN, "04 01 61 04 01 62 01 01 00",
			ModifyDNRequest{Entry: []byte("a"), NewRDN: []byte("b")}},
		{"a compare (§4.10)", OpCompare, "04 01 61 30 06 04 01 62 04 01 63",
			CompareRequest{Entry: []byte("a"), Attribute: []byte("b"), Value: []byte("c")}},
		{"an abandon (§4.11)", OpAbandon, "05", AbandonRequest{ID: 5}},
		{"an extended request (§4.12)", OpExtended, "80 01 61 81 01 62",
			ExtendedRequest{Name: []byte("a"), Value: []byte("b"), HasValue: true}},
		{"an extended request without a value", OpExtended, "80 01 61", ExtendedRequest{Name: []byte("a")}},
	} {
		m, err := Decode(message(t, c.op, c.content, ""))
		if err != nil || m.ID != 5 || m.Op != c.op || !reflect.DeepEqual(m.Request, c.want) || m.Controls != nil {
			t.Errorf("%s became %+v, %v; want %+v", c.name, m, err, c.want)
		}
	}
}

func TestDecodeReadsControls(t *testing.T) {
	for _, c := range []struct {
		name, trailer string
		want          []Control
	}{
		{"none", "", nil},
		{"an empty list", "a0 00", nil},
		{"a name alone (RFC 4511 §4.1.11)", "a0 05 30 03 04 01 31", []Control{{Type: []byte("1")}}},
		{"one that is critical, with a value", "a0 0c 30 0a 04 01 31 01 01 ff 04 02 3000",
			[]Control{{Type: []byte("1"), Critical: true, Value: []byte("0\x00")}}},
		{"one that is spelled out as not critical", "a0 08 30 06 04 01 31 01 01 00", []Control{{Type: []byte("1")}}},
		{"two", "a0 0a 30 03 04 01 31 30 03 04 01 32", []Control{{Type: []byte("1")}, {Type: []byte("2")}}},
		{"behind a component of later times", "8a 01 00 a0 05 30 03 04 01 31", []Control{{Type: []byte("1")}}},
	} {
		m, err := Decode(message(t, OpDelete, "61", c.trailer))
		if err != nil || !reflect.DeepEqual(m.Controls, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", c.name, m.Controls, err, c.want)
		}
	}
}

func TestWhatCannotBeDecodedIsAnsweredWhereItsEnvelopeCan(t *testing.T) {
	head := "04 00 0a 01 00 0a 01 00 02 01 00 02 01 00 01 01 00"
	for _, c := range []struct {
		name             string
		op               Op
		content, trailer string
		want             Code
	}{
		{"a bind without its method", OpBind, "02 01 03 04 00", "", ProtocolError},
		{"a bind without a version", OpBind, "04 00 80 00", "", ProtocolError},
		{"a bind with a version of five octets", OpBind, "02 05 0000000003 04 00 80 00", "", ProtocolError},
		{"a bind without a name", OpBind, "02 01 03 80 00", "", ProtocolError},
		{"a bind without anything", OpBind, "", "", ProtocolError},
		{"SASL without a mechanism", OpBind, "02 01 03 04 00 a3 00", "", ProtocolError},
		{"a scope that is none", OpSearch, "04 00 0a 01 04 0a 01 00 02 01 00 02 01 00 01 01 00 87 01 61 30 00", "", ProtocolError},
		{"derefAliases that is none", OpSearch, "04 00 0a 01 00 0a 01 04 02 01 00 02 01 00 01 01 00 87 01 61 30 00", "", ProtocolError},
		{"a negative size limit", OpSearch, "04 00 0a 01 00 0a 01 00 02 01 ff 02 01 00 01 01 00 87 01 61 30 00", "", ProtocolError},
		{"a search cut behind its head", OpSearch, head, "", ProtocolError},
		{"a search with a limit missing", OpSearch, "04 00 0a 01 00 0a 01 00 02 01 00 01 01 00 87 01 61 30 00", "", ProtocolError},
		{"a filter that is none", OpSearch, head + "a2 00 30 00", "", ProtocolError},
		{"an attribute list that is none", OpSearch, head + "87 01 61 04 00", "", ProtocolError},
		{"an attribute that is no string", OpSearch, head + "87 01 61 30 03 02 01 00", "", ProtocolError},
		{"too many attributes", OpSearch, head + "87 01 61 30 82 0804" + strings.Repeat("04 00", 1026), "", AdminLimitExceeded},
		{"too many nodes", OpSearch, head + "a1 82 0c03" + strings.Repeat("87 01 61", 1025) + "30 00", "", AdminLimitExceeded},
		{"a modify without changes", OpModify, "04 01 61", "", ProtocolError},
		{"a change without an operation", OpModify, "04 01 61 30 0a 30 08 30 06 04 00 31 02 04 00", "", ProtocolError},
		{"an add whose values are no set", OpAdd, "04 01 61 30 08 30 06 04 00 30 02 04 00", "", ProtocolError},
		{"an add without attributes", OpAdd, "04 01 61", "", ProtocolError},
		{"a modify DN cut short", OpModifyDN, "04 01 61 04 01 62", "", ProtocolError},
		{"a compare without an assertion", OpCompare, "04 01 61", "", ProtocolError},
		{"a compare without a value", OpCompare, "04 01 61 30 03 04 01 62", "", ProtocolError},
		{"a compare without an attribute", OpCompare, "04 01 61 30 00", "", ProtocolError},
		{"a compare without an entry", OpCompare, "30 06 04 01 62 04 01 63", "", ProtocolError},
		{"an abandon of five octets", OpAbandon, "0000000005", "", ProtocolError},
		{"an extended request without a name", OpExtended, "81 01 62", "", ProtocolError},
		{"controls that are no sequences", OpDelete, "61", "a0 03 04 01 31", ProtocolError},
		{"a control without a name", OpDelete, "61", "a0 02 30 00", ProtocolError},
		{"a criticality of two octets", OpDelete, "61", "a0 09 30 07 04 01 31 01 02 ffff", ProtocolError},
	} {
		m, err := Decode(message(t, c.op, c.content, c.trailer))
		var fault *Fault
		if !errors.As(err, &fault) || fault.Code != c.want || m.ID != 5 || m.Op != c.op {
			t.Errorf("%s: %+v, %v; want %v for operation %#x", c.name, m, err, c.want, c.op)
		}
		if fault != nil && (fault.Text == "" || fault.Matched != "" || !strings.Contains(fault.Error(), fault.Text)) {
			t.Errorf("%s: the fault is %+v: %v", c.name, *fault, fault)
		}
	}
}

func TestWhatHasNoEnvelopeIsNotAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"nothing":                   {"", ErrEnvelope},
		"a string":                  {"04 01 61", ErrEnvelope},
		"an empty sequence":         {"30 00", ErrEnvelope},
		"two messages in one frame": {"30 05 02 01 01 42 00 30 05 02 01 02 42 00", ErrEnvelope},
		"no message ID":             {"30 02 42 00", ErrEnvelope},
		"message ID 0":              {"30 05 02 01 00 42 00", ErrEnvelope},
		"a negative message ID":     {"30 05 02 01 ff 42 00", ErrEnvelope},
		"no operation":              {"30 03 02 01 01", ErrEnvelope},
		"a response":                {"30 0c 02 01 01 61 07 0a 01 00 04 00 04 00", ErrNoRequest},
		"an unknown operation":      {"30 05 02 01 01 7e 00", ErrNoRequest},
		"a length that lies":        {"30 0c 02 01 01 60 07 02 01 03 04 7f 80 00", ErrEnvelope},
		"too deep":                  {"30 " + strings.Repeat("30 80", 64), ErrEnvelope},
	} {
		_, err := Decode(unhex(t, c.in))
		var fault *Fault
		if !errors.Is(err, c.want) || errors.As(err, &fault) {
			t.Errorf("%s: %v, want %v and no fault", name, err, c.want)
		}
	}
}

func TestResponsesAreWrittenAsTheRFCsSay(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"a bind that succeeded (RFC 4511 §4.2.2)", AppendResult(nil, 1, OpBindResponse, Result{}),
			"30 0c 02 01 01 61 07 0a 01 00 04 00 04 00"},
		{"a bind that failed", AppendResult(nil, 1000, OpBindResponse, Result{Code: InvalidCredentials}),
			"30 0d 02 02 03e8 61 07 0a 01 31 04 00 04 00"},
		{"a result with all there is (§4.1.9)", AppendResult(nil, 1, OpSearchDone, Result{NoSuchObject, "o=x", "no"}),
			"30 11 02 01 01 65 0c 0a 01 20 04 03 6f3d78 04 02 6e6f"},
		{"WhoAmI of nobody (RFC 4532 §2.2)", AppendExtended(nil, 2, Extended{HasValue: true}),
			"30 0e 02 01 02 78 09 0a 01 00 04 00 04 00 8b 00"},
		{"StartTLS (RFC 4511 §4.14.2)", AppendExtended(nil, 2, Extended{Name: OIDStartTLS}),
			"30 24 02 01 02 78 1f 0a 01 00 04 00 04 00 8a 16 312e332e362e312e342e312e313436362e3230303337"},
		{"a Notice of Disconnection (§4.4.1)", AppendNotice(nil, Result{Code: Unavailable}),
			"30 24 02 01 00 78 1f 0a 01 34 04 00 04 00 8a 16 312e332e362e312e342e312e313436362e3230303336"},
		{"an entry (§4.5.2)", AppendEntry(nil, 3, "o=x", []Attribute{{"o", []string{"x", "y"}}, {"cn", nil}}),
			"30 21 02 01 03 64 1c 04 03 6f3d78 30 15 30 0b 04 01 6f 31 06 04 01 78 04 01 79 30 06 04 02 636e 31 00"},
	} {
		if !bytes.Equal(c.got, unhex(t, c.want)) {
			t.Errorf("%s is %x, want %s", c.name, c.got, c.want)
		}
	}
}

func TestEveryRequestHasTheResponseThatTheRFCNames(t *testing.T) {
	for request, want := range map[Op]Op{
		OpBind: OpBindResponse, OpSearch: OpSearchDone, OpModify: OpModifyResponse, OpAdd: OpAddResponse,
		OpDelete: OpDeleteResponse, OpModifyDN: OpModifyDNResponse, OpCompare: OpCompareResponse,
		OpExtended: OpExtendedResponse, OpUnbind: 0, OpAbandon: 0, OpBindResponse: 0,
	} {
		if got, ok := ResponseTo(request); got != want || ok != (want != 0) {
			t.Errorf("operation %#x is answered by %#x, %v; want %#x", request, got, ok, want)
		}
	}
}

func TestCodesHaveTheirNames(t *testing.T) {
	if got := InvalidCredentials.String() + " " + Code(200).String(); got != "invalidCredentials(49) code(200)" {
		t.Errorf("the names are %q", got)
	}
}

// FuzzDecode shows that no frame breaks decoding, that what is decoded can be
// answered, and that nothing of it lies outside the frame.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"30 0c 02 01 01 60 07 02 01 03 04 00 80 00",
		"30 84 00 00 00 10 02 01 01 60 84 00 00 00 07 02 01 03 04 00 80 00",
		"30 16 02 01 01 60 11 02 01 03 04 00 a3 0a 04 05 504c41494e 04 01 78",
		"30 05 02 01 02 42 00", "30 06 02 01 03 50 01 02", "30 06 02 01 04 4a 01 61",
		"30 20 02 01 05 63 1b 04 00 0a 01 00 0a 01 00 02 01 00 02 01 00 01 01 00 87 02 636e 30 03 04 01 2b a0 05 30 03 04 01 31",
		"30 1e 02 01 06 66 19 04 01 61 30 14 30 12 0a 01 02 30 0d 04 02 636e 31 07 04 01 61 04 02 6262",
		"30 12 02 01 07 68 0d 04 01 61 30 08 30 06 04 00 31 02 04 00",
		"30 11 02 01 08 6c 0c 04 01 61 04 01 62 01 01 ff 80 01 63",
		"30 10 02 01 09 6e 0b 04 01 61 30 06 04 01 62 04 01 63",
		"30 1d 02 01 0a 77 18 80 16 312e332e362e312e342e312e313436362e3230303337",
		"30 80", "30 80 30 80",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := Decode(frame)
		var fault *Fault
		switch {
		case err == nil && (m.Request == nil || m.ID <= 0):
			t.Errorf("%x was decoded to %+v", frame, m)
		case errors.As(err, &fault):
			if _, ok := ResponseTo(m.Op); !ok && m.Op != OpAbandon && m.Op != OpUnbind {
				t.Errorf("%x has the fault %v and operation %#x, which has no answer", frame, fault, m.Op)
			}
		case err != nil && !errors.Is(err, ErrEnvelope) && !errors.Is(err, ErrNoRequest):
			t.Errorf("%x: %v is neither a fault nor a broken envelope", frame, err)
		}
	})
}
