package wire

import (
	"errors"
	"fmt"

	"postern/ldapsrv/ber"
)

// maxElements bounds the elements of one message, nested ones included.
const maxElements = 16384

// Message is a request as it arrived (RFC 4511 §4.1.1).
type Message struct {
	ID       int32 // 1 to 2147483647
	Op       Op
	Request  Request // nil with a Fault
	Controls []Control
}

// Request is one of the request types of this package.
type Request interface{ request() }

// Control is a request control (RFC 4511 §4.1.11).
type Control struct {
	Type     []byte
	Critical bool
	Value    []byte // nil where there is none
}

// Errors of a message that cannot be answered, because not even its envelope
// can be relied upon. RFC 4511 §4.1.1 wants a Notice of Disconnection for it.
var (
	ErrEnvelope  = errors.New("the message's envelope cannot be decoded")
	ErrNoRequest = errors.New("the message is no request")
)

// Fault is the error of a message whose envelope is in order and whose
// operation is not: it can be answered.
type Fault struct{ Result }

// Error describes the fault in the words of the answer.
func (f *Fault) Error() string { return f.Code.String() + ": " + f.Text }

func malformed(text string) *Fault {
	return &Fault{Result{Code: ProtocolError, Text: text}}
}

// Decode decodes a frame, which is exactly one BER element. With a Fault, the
// ID and Op of the message are right. With any other error nothing is.
func Decode(frame []byte) (Message, error) {
	if err := ber.Check(frame, maxElements); err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	outer := ber.NewReader(frame)
	r, err := outer.Sub(ber.Sequence)
	if err != nil || !outer.Empty() {
		return Message{}, fmt.Errorf("%w: it is not one sequence", ErrEnvelope)
	}
	var m Message
	if m.ID, err = r.Int(ber.Integer); err != nil || m.ID <= 0 {
		return Message{}, fmt.Errorf("%w: its message ID is out of range", ErrEnvelope)
	}
	var content []byte
	if m.Op, content, err = r.Next(); err != nil {
		return Message{}, fmt.Errorf("%w: it has no operation", ErrEnvelope)
	}
	decode, ok := decoder(m.Op)
	if !ok {
		return Message{}, ErrNoRequest
	}
	if m.Request, err = decode(content); err != nil {
		m.Request = nil
		return m, err
	}
	m.Controls, err = decodeControls(r)
	return m, err
}

// decoder returns what decodes the content of op; false for what a client may
// not send.
func decoder(op Op) (func([]byte) (Request, error), bool) {
	switch op {
	case OpBind:
		return decodeBind, true
	case OpUnbind:
		return decodeUnbind, true
	case OpSearch:
		return decodeSearch, true
	case OpModify:
		return decodeModify, true
	case OpAdd:
		return decodeAdd, true
	case OpDelete:
		return decodeDelete, true
	case OpModifyDN:
		return decodeModifyDN, true
	case OpCompare:
		return decodeCompare, true
	case OpAbandon:
		return decodeAbandon, true
	case OpExtended:
		return decodeExtended, true
	}
	return nil, false
}

// controlsTag is that of the controls behind an operation.
const controlsTag ber.Tag = 0xa0

// decodeControls decodes what follows the operation in r. Elements of other
// tags are extensions of later times and are passed over (RFC 4511 §4).
func decodeControls(r ber.Reader) ([]Control, error) {
	for !r.Empty() && r.Peek() != controlsTag {
		if _, _, err := r.Next(); err != nil {
			return nil, malformed("the message cannot be decoded")
		}
	}
	if r.Empty() {
		return nil, nil
	}
	list, err := r.Sub(controlsTag)
	if err != nil {
		return nil, malformed("the controls cannot be decoded")
	}
	var controls []Control
	for !list.Empty() {
		c, err := decodeControl(&list)
		if err != nil {
			return nil, malformed("a control cannot be decoded")
		}
		controls = append(controls, c)
	}
	return controls, nil
}

func decodeControl(list *ber.Reader) (c Control, err error) {
	r, err := list.Sub(ber.Sequence)
	if err != nil {
		return c, err
	}
	if c.Type, err = r.Read(ber.OctetString); err != nil {
		return c, err
	}
	if r.Peek() == ber.Boolean {
		if c.Critical, err = r.Bool(ber.Boolean); err != nil {
			return c, err
		}
	}
	if r.Peek() == ber.OctetString {
		c.Value, err = r.Read(ber.OctetString)
	}
	return c, err
}
