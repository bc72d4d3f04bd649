package wire

import (
	"errors"
	"fmt"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/filter"
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
func Decode(frame []byte) (Message, error) { return new(Room).Decode(frame) }

// Room is where the requests that come again and again are decoded into, one at
// a time. The zero Room is ready.
type Room struct {
	bind   BindRequest
	search SearchRequest
	leaf   filter.Assertion // the first of the search's filter
	names  [8][]byte        // the search's attribute list
}

// Clear ends the use of the request that was decoded last. It comes before the
// next Decode.
func (room *Room) Clear() { *room = Room{} }

// Decode is like the function Decode. The request is good until Clear.
func (room *Room) Decode(frame []byte) (Message, error) {
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
	if m.Request, err = room.decode(m.Op, content); err == ErrNoRequest {
		return Message{}, err
	} else if err != nil {
		m.Request = nil
		return m, err
	}
	m.Controls, err = decodeControls(r)
	return m, err
}

// decode decodes the content of op.
func (room *Room) decode(op Op, content []byte) (Request, error) {
	switch op {
	case OpBind:
		return room.decodeBind(content)
	case OpSearch:
		return room.decodeSearch(content)
	}
	if decode, ok := decoder(op); ok {
		return decode(content)
	}
	return nil, ErrNoRequest
}

// decoder returns what decodes the content of an op that needs no room; false
// for what a client may not send.
func decoder(op Op) (func([]byte) (Request, error), bool) {
	switch op {
	case OpUnbind:
		return decodeUnbind, true
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
