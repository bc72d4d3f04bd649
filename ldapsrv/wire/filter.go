package wire

import "postern/ldapsrv/ber"

// MaxFilterNodes bounds the nodes of a filter.
const MaxFilterNodes = 1024

// The choices of a filter (RFC 4511 §4.5.1.7).
const (
	FilterAnd        ber.Tag = 0xa0
	FilterOr         ber.Tag = 0xa1
	FilterNot        ber.Tag = 0xa2
	FilterEqual      ber.Tag = 0xa3
	FilterSubstrings ber.Tag = 0xa4
	FilterAtLeast    ber.Tag = 0xa5
	FilterAtMost     ber.Tag = 0xa6
	FilterPresent    ber.Tag = 0x87
	FilterApprox     ber.Tag = 0xa8
	FilterExtensible ber.Tag = 0xa9
)

var (
	errFilter        = malformed("the filter cannot be decoded")
	errFilterTooLong = &Fault{Result{Code: AdminLimitExceeded, Text: "the filter has too many parts"}}
)

// checkFilter validates a filter that ber.Check has passed: one element,
// nested no deeper than ber.MaxDepth. A choice that RFC 4511 does not know is
// valid and matches nothing.
func checkFilter(filter []byte) error {
	left := MaxFilterNodes
	r := ber.NewReader(filter)
	return checkNode(&r, &left)
}

// checkNode validates the next node of r. It recurses no deeper than elements
// may be nested.
func checkNode(r *ber.Reader, left *int) error {
	tag, content, err := r.Next()
	if err != nil {
		return errFilter
	}
	if *left--; *left < 0 {
		return errFilterTooLong
	}
	in := ber.NewReader(content)
	switch tag {
	case FilterAnd, FilterOr: // none within is "true" and "false" (RFC 4526)
		for !in.Empty() {
			if err := checkNode(&in, left); err != nil {
				return err
			}
		}
		return nil
	case FilterNot:
		if err := checkNode(&in, left); err != nil {
			return err
		}
		return ended(&in)
	case FilterEqual, FilterAtLeast, FilterAtMost, FilterApprox:
		return checkAssertion(&in)
	case FilterSubstrings:
		return checkSubstrings(&in)
	case FilterExtensible:
		return checkExtensible(&in)
	}
	return nil
}

func ended(r *ber.Reader) error {
	if !r.Empty() {
		return errFilter
	}
	return nil
}

// checkAssertion validates an AttributeValueAssertion (RFC 4511 §4.1.6).
func checkAssertion(r *ber.Reader) error {
	if _, err := r.Read(ber.OctetString); err != nil {
		return errFilter
	}
	if _, err := r.Read(ber.OctetString); err != nil {
		return errFilter
	}
	return nil
}

// checkSubstrings validates a SubstringFilter: at least one part, "initial"
// first if at all, "final" last if at all.
func checkSubstrings(r *ber.Reader) error {
	if _, err := r.Read(ber.OctetString); err != nil {
		return errFilter
	}
	parts, err := r.Sub(ber.Sequence)
	if err != nil || parts.Empty() {
		return errFilter
	}
	for first := true; !parts.Empty(); first = false {
		tag, _, err := parts.Next()
		initial, middle, final := tag == ber.Context(0), tag == ber.Context(1), tag == ber.Context(2)
		if err != nil || !(initial && first || middle || final && parts.Empty()) {
			return errFilter
		}
	}
	return nil
}

// checkExtensible validates a MatchingRuleAssertion: a rule or a type, then
// the value, then perhaps dnAttributes.
func checkExtensible(r *ber.Reader) error {
	named := false
	for _, tag := range []ber.Tag{ber.Context(1), ber.Context(2)} {
		if r.Peek() == tag {
			if _, err := r.Read(tag); err != nil {
				return errFilter
			}
			named = true
		}
	}
	if _, err := r.Read(ber.Context(3)); err != nil || !named {
		return errFilter
	}
	if r.Peek() == ber.Context(4) {
		if _, err := r.Bool(ber.Context(4)); err != nil {
			return errFilter
		}
	}
	return nil
}
