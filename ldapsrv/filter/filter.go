package filter

import (
	"errors"

	"postern/ldapsrv/ber"
)

// MaxNodes bounds the nodes of a filter.
const MaxNodes = 1024

// Errors of Decode.
var (
	ErrSyntax  = errors.New("not a filter")
	ErrTooLong = errors.New("the filter has too many nodes")
)

// Choice says what a node of a filter is: its tag on the wire.
type Choice = ber.Tag

// The choices.
const (
	And        Choice = 0xa0
	Or         Choice = 0xa1
	Not        Choice = 0xa2
	Equal      Choice = 0xa3
	Substrings Choice = 0xa4
	AtLeast    Choice = 0xa5
	AtMost     Choice = 0xa6
	Present    Choice = 0x87
	Approx     Choice = 0xa8
	Extensible Choice = 0xa9
)

// Filter is a node with what is beneath it. It aliases the bytes it was
// decoded from.
type Filter struct {
	Choice Choice
	Parts  []Filter   // of And and Or: any number; of Not: one
	Leaf   *Assertion // of the others; nil where Choice is none of the above
}

// Assertion is what a leaf asserts of an entry. Fields that its choice has no
// use for are nil.
type Assertion struct {
	// Place counts the leaves of a filter that was decoded, from 0.
	Place int

	Attribute    []byte // description; nil for an Extensible that names none
	Value        []byte
	Initial      []byte // of Substrings; nil where there is none
	Any          [][]byte
	Final        []byte
	Rule         []byte // of Extensible; nil where there is none
	DNAttributes bool
}

// Decode decodes the one element that b is. Elements must not be nested deeper
// than ber.Check allows: it recurses. A choice that RFC 4511 does not know is
// no error; it is worth nothing (see Eval).
func Decode(b []byte) (Filter, error) { return DecodeInto(b, nil) }

// DecodeInto is Decode with room for the first assertion, which most filters
// have no other beside; nil: there is none.
func DecodeInto(b []byte, room *Assertion) (Filter, error) {
	d := decoder{left: MaxNodes, room: room}
	r := ber.NewReader(b)
	f, err := d.decode(&r)
	if err == nil && !r.Empty() {
		err = ErrSyntax
	}
	return f, err
}

// decoder counts what was decoded.
type decoder struct {
	left   int        // nodes there may still be
	leaves int        // assertions there were
	room   *Assertion // for the next assertion; nil: there is none
}

// assertion keeps a, in the room there is or in its own.
func (d *decoder) assertion(a Assertion) *Assertion {
	kept := d.room
	if d.room = nil; kept == nil {
		kept = new(Assertion)
	}
	*kept = a
	return kept
}

// decode decodes the next node of r.
func (d *decoder) decode(r *ber.Reader) (f Filter, err error) {
	tag, content, err := r.Next()
	if err != nil {
		return f, ErrSyntax
	}
	if d.left--; d.left < 0 {
		return f, ErrTooLong
	}
	f.Choice = tag
	in := ber.NewReader(content)
	switch tag {
	case And, Or: // none within is "true" and "false" (RFC 4526)
		f.Parts, err = d.decodeParts(&in)
	case Not:
		f.Parts, err = d.decodeParts(&in)
		if err == nil && len(f.Parts) != 1 {
			err = ErrSyntax
		}
	case Equal, AtLeast, AtMost, Approx:
		f.Leaf, err = d.decodeAssertion(&in)
	case Present:
		f.Leaf = d.assertion(Assertion{Attribute: content})
	case Substrings:
		f.Leaf, err = decodeSubstrings(&in)
	case Extensible:
		f.Leaf, err = decodeExtensible(&in)
	}
	if f.Leaf != nil {
		f.Leaf.Place = d.leaves
		d.leaves++
	}
	return f, err
}

func (d *decoder) decodeParts(r *ber.Reader) ([]Filter, error) {
	var parts []Filter
	for !r.Empty() {
		f, err := d.decode(r)
		if err != nil {
			return nil, err
		}
		parts = append(parts, f)
	}
	return parts, nil
}

// decodeAssertion decodes an AttributeValueAssertion (RFC 4511 §4.1.6).
func (d *decoder) decodeAssertion(r *ber.Reader) (*Assertion, error) {
	attribute, err := r.Read(ber.OctetString)
	if err != nil {
		return nil, ErrSyntax
	}
	value, err := r.Read(ber.OctetString)
	if err != nil {
		return nil, ErrSyntax
	}
	return d.assertion(Assertion{Attribute: attribute, Value: value}), nil
}

// The tags within a SubstringFilter and a MatchingRuleAssertion.
const (
	initialTag      ber.Tag = 0x80
	anyTag          ber.Tag = 0x81
	finalTag        ber.Tag = 0x82
	ruleTag         ber.Tag = 0x81
	typeTag         ber.Tag = 0x82
	valueTag        ber.Tag = 0x83
	dnAttributesTag ber.Tag = 0x84
)

// decodeSubstrings decodes a SubstringFilter: at least one part, "initial"
// first if at all, "final" last if at all.
func decodeSubstrings(r *ber.Reader) (*Assertion, error) {
	attribute, err := r.Read(ber.OctetString)
	if err != nil {
		return nil, ErrSyntax
	}
	parts, err := r.Sub(ber.Sequence)
	if err != nil || parts.Empty() {
		return nil, ErrSyntax
	}
	a := &Assertion{Attribute: attribute}
	for first := true; !parts.Empty(); first = false {
		tag, part, err := parts.Next()
		switch {
		case err != nil:
			return nil, ErrSyntax
		case tag == initialTag && first:
			a.Initial = part
		case tag == anyTag:
			a.Any = append(a.Any, part)
		case tag == finalTag && parts.Empty():
			a.Final = part
		default:
			return nil, ErrSyntax
		}
	}
	return a, nil
}

// decodeExtensible decodes a MatchingRuleAssertion: a rule or a type, then the
// value, then perhaps dnAttributes.
func decodeExtensible(r *ber.Reader) (*Assertion, error) {
	a := &Assertion{}
	var err [4]error
	if r.Peek() == ruleTag {
		a.Rule, err[0] = r.Read(ruleTag)
	}
	if r.Peek() == typeTag {
		a.Attribute, err[1] = r.Read(typeTag)
	}
	a.Value, err[2] = r.Read(valueTag)
	if r.Peek() == dnAttributesTag {
		a.DNAttributes, err[3] = r.Bool(dnAttributesTag)
	}
	if err != [4]error{} || a.Rule == nil && a.Attribute == nil {
		return nil, ErrSyntax
	}
	return a, nil
}
