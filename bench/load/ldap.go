package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// Bind encodes a simple bind, message 1.
func Bind(name, password string) []byte {
	b, message := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, 1)
	b, bind := ber.Begin(b, wire.OpBind)
	b = ber.AppendInt(b, ber.Integer, 3)
	b = ber.AppendString(b, ber.OctetString, name)
	b = ber.AppendString(b, ber.Context(0), password)
	return ber.End(ber.End(b, bind), message)
}

// Search encodes a search of the whole tree for (attribute=value), message 1;
// without a value for (objectClass=*).
func Search(base, attribute, value string, want []string, controls []byte) []byte {
	b, message := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, 1)
	b, search := ber.Begin(b, wire.OpSearch)
	b = ber.AppendString(b, ber.OctetString, base)
	b = ber.AppendInt(b, ber.Enumerated, 2)
	b = ber.AppendInt(b, ber.Enumerated, 0)
	b = ber.AppendInt(b, ber.Integer, 0)
	b = ber.AppendInt(b, ber.Integer, 0)
	b = append(b, 0x01, 0x01, 0x00)
	if value == "" {
		b = ber.AppendString(b, ber.Context(7), attribute)
	} else {
		var equal int
		b, equal = ber.Begin(b, ber.ContextConstructed(3))
		b = ber.AppendString(b, ber.OctetString, attribute)
		b = ber.AppendString(b, ber.OctetString, value)
		b = ber.End(b, equal)
	}
	b, list := ber.Begin(b, ber.Sequence)
	for _, name := range want {
		b = ber.AppendString(b, ber.OctetString, name)
	}
	b = ber.End(ber.End(b, list), search)
	return ber.End(append(b, controls...), message)
}

// Paged encodes the controls of a message with the paged results control
// alone (RFC 2696).
func Paged(size int32, cookie []byte) []byte {
	value, v := ber.Begin(nil, ber.Sequence)
	value = ber.AppendInt(value, ber.Integer, size)
	value = ber.AppendString(value, ber.OctetString, string(cookie))
	value = ber.End(value, v)
	b, all := ber.Begin(nil, ber.ContextConstructed(0))
	b, one := ber.Begin(b, ber.Sequence)
	b = ber.AppendString(b, ber.OctetString, "1.2.840.113556.1.4.319")
	b = append(b, 0x01, 0x01, 0xff)
	b = ber.AppendString(b, ber.OctetString, string(value))
	return ber.End(ber.End(b, one), all)
}

// LDAP is a connection's part in a load of binds or searches.
type LDAP struct {
	// First is said once, and answered by a BindResponse, before the rest; nil:
	// nothing.
	First []byte
	// Requests are said in order, from At on, as often as Left says.
	Requests [][]byte
	At, Left int
	// Entry is what the one entry of each answer must hold, by the place of the
	// request; nil: the answers are BindResponses.
	Entry func(at int) []byte

	answering int // the place of the request that is being answered
	began     bool
	entries   int
}

// Next returns the next request.
func (l *LDAP) Next() []byte {
	if l.First != nil && !l.began {
		l.began = true
		return l.First
	}
	if l.Left == 0 {
		return nil
	}
	l.Left--
	request := l.Requests[l.At%len(l.Requests)]
	l.answering = l.At % len(l.Requests)
	l.At++
	return request
}

// accepted is a BindResponse of success to message 1, with nothing more to say.
var accepted = []byte("0\x0c\x02\x01\x01a\x07\x0a\x01\x00\x04\x00\x04\x00")

// Take takes one message. One request at a time is on the way.
func (l *LDAP) Take(arrived []byte) (n, ended int, err error) {
	n, err = messageLen(arrived)
	if n == 0 || n > len(arrived) || err != nil {
		return 0, 0, err
	}
	message := arrived[:n]
	greeted := l.First != nil
	switch {
	case l.Entry == nil || greeted:
		if !bytes.Equal(message, accepted) {
			return n, 0, fmt.Errorf("a bind was answered with %x", message)
		}
		l.First = nil
		return n, 1, nil
	case op(message) == byte(wire.OpSearchEntry):
		l.entries++
		if want := l.Entry(l.answering); !bytes.Contains(message, want) {
			return n, 0, fmt.Errorf("the entry of %q was answered with %q", want, message)
		}
		return n, 0, nil
	case op(message) == byte(wire.OpSearchDone) && l.entries == 1 && bytes.Contains(message, []byte{0x0a, 0x01, 0x00, 0x04, 0x00}):
		l.entries = 0
		return n, 1, nil
	}
	return n, 0, fmt.Errorf("after %d entries came %x", l.entries, message)
}

// messageLen is the length of the message that begins here, 0 where too little
// of it is there to say.
func messageLen(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, nil
	}
	octets := int(b[1]) - 0x80
	switch {
	case b[0] != 0x30:
		return 0, fmt.Errorf("an answer begins with %#x", b[0])
	case octets < 0:
		return 2 + int(b[1]), nil
	case octets == 0 || octets > 4:
		return 0, errors.New("an answer has a strange length")
	case len(b) < 2+octets:
		return 0, nil
	}
	var long [8]byte
	copy(long[8-octets:], b[2:2+octets])
	return 2 + octets + int(binary.BigEndian.Uint64(long[:])), nil
}

// op is the tag of the operation of a message 1 that is there as a whole.
func op(message []byte) byte {
	at := 2
	if message[1] > 0x80 {
		at += int(message[1] & 0x7f)
	}
	if len(message) < at+4 {
		return 0
	}
	return message[at+3]
}
