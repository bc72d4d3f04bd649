// Package ber reads and writes the part of the Basic Encoding Rules that LDAP
// uses (RFC 4511 §5.1, X.690): single-octet tags and definite lengths.
//
// Reading copies nothing: what a Reader returns lies inside the bytes it was
// given. Nothing is allocated by the length that an element claims. Lengths
// and integers need not be minimal, because old clients do not send them so;
// indefinite lengths are refused, as LDAP demands.
//
// It may import nothing of Postern's own.
package ber

import "errors"

// Errors of reading. They are compared with errors.Is, and say nothing of the
// bytes that were read.
var (
	// ErrTruncated says that an element reaches beyond the bytes there are.
	// For Header it is the one error that more bytes can cure.
	ErrTruncated = errors.New("an element is cut short")
	// ErrIndefinite says that a length is of the indefinite form.
	ErrIndefinite = errors.New("an element has no definite length")
	// ErrLength says that a length has more than four octets, or is beyond
	// 2147483647.
	ErrLength = errors.New("an element's length is out of range")
	// ErrTag says that a tag has more than one octet.
	ErrTag = errors.New("an element's tag has more than one octet")
	// ErrUnexpected says that another element, or none, stands where one of a
	// certain tag must.
	ErrUnexpected = errors.New("an element is missing or out of place")
	// ErrInteger says that an integer has no octet, or more than four.
	ErrInteger = errors.New("an integer is out of range")
	// ErrBoolean says that a boolean has not exactly one octet.
	ErrBoolean = errors.New("a boolean has not one octet")
	// ErrTooDeep says that elements are nested deeper than MaxDepth.
	ErrTooDeep = errors.New("elements are nested too deeply")
	// ErrTooMany says that there are more elements than allowed.
	ErrTooMany = errors.New("there are too many elements")
)
