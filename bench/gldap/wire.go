package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Tags of RFC 4511, with the class and the constructed bit in place.
const (
	tagInteger     = 0x02
	tagOctets      = 0x04
	tagEnumerated  = 0x0a
	tagSequence    = 0x30
	tagBindRequest = 0x60
	tagSearch      = 0x63
	tagCompare     = 0x6e
	tagAbandon     = 0x50
	tagExtended    = 0x77
	tagNot         = 0xa2
	tagPresent     = 0x87
	tagSimple      = 0x80
	tagSASL        = 0xa3
	tagRequestName = 0x80
	tagEntry       = 0x64
)

// tlv encodes an element of BER with a definite length.
func tlv(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := []byte{tag}
	if n < 0x80 {
		out = append(out, byte(n))
	} else {
		out = binary.BigEndian.AppendUint32(append(out, 0x84), uint32(n)) //nolint:gosec // the largest message here is 24 MB
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// str encodes a string under a tag.
func str(tag byte, s string) []byte { return tlv(tag, []byte(s)) }

// num encodes a number from 0 to 32767 under a tag, in as few octets as it needs.
func num(tag byte, n int) []byte {
	if n < 0x80 {
		return tlv(tag, []byte{byte(n)})
	}
	return tlv(tag, []byte{byte(n >> 8), byte(n)})
}

// message wraps an operation as an LDAPMessage.
func message(id int, operation []byte) []byte {
	return tlv(tagSequence, num(tagInteger, id), operation)
}

// bindRequest is a simple bind, RFC 4511 §4.2.
func bindRequest(id int, dn, password string) []byte {
	return message(id, tlv(tagBindRequest, num(tagInteger, 3), str(tagOctets, dn), str(tagSimple, password)))
}

// searchRequest is a base search with the filter given, RFC 4511 §4.5.1.
func searchRequest(id int, filter []byte) []byte {
	return message(id, tlv(tagSearch,
		str(tagOctets, "dc=example,dc=org"), num(tagEnumerated, 0), num(tagEnumerated, 0),
		num(tagInteger, 0), num(tagInteger, 0), tlv(0x01, []byte{0}),
		filter, tlv(tagSequence)))
}

// nested returns a filter of that many nots around a presence test.
func nested(depth int) []byte {
	// Lengths are known from the inside out; written from the outside in.
	inner := str(tagPresent, "objectClass")
	sizes := make([]int, depth)
	size := len(inner)
	for i := depth - 1; i >= 0; i-- {
		sizes[i] = size
		size += 6
	}
	out := make([]byte, 0, size)
	for _, n := range sizes {
		out = append(out, tagNot, 0x84)
		out = binary.BigEndian.AppendUint32(out, uint32(n)) //nolint:gosec // under a megabyte
	}
	return append(out, inner...)
}

// answer is what these cases want to know of an LDAPMessage.
type answer struct {
	id   int
	tag  byte
	code int
}

// read returns the next message that ends an operation; entries that a search
// found on the way are passed over.
func read(r *bufio.Reader) (answer, error) {
	body, err := element(r)
	for err == nil && len(body) > 2 && int(body[1])+2 < len(body) && body[2+body[1]] == tagEntry {
		body, err = element(r)
	}
	if err != nil {
		return answer{}, err
	}
	// 02 n id… tag n 0a 01 code, every length short
	if len(body) < 4 || body[0] != tagInteger || int(body[1])+7 > len(body) {
		return answer{}, fmt.Errorf("not an answer: % x", body)
	}
	a := answer{}
	for _, b := range body[2 : 2+body[1]] {
		a.id = a.id<<8 | int(b)
	}
	rest := body[2+body[1]:]
	a.tag, a.code = rest[0], int(rest[4])
	return a, nil
}

// element reads one element and returns its contents.
func element(r *bufio.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	length := int(head[1])
	if octets := length - 0x80; octets >= 0 {
		var long [8]byte
		if octets > 4 {
			return nil, errors.New("an answer whose length has more than four octets")
		}
		if _, err := io.ReadFull(r, long[8-octets:]); err != nil {
			return nil, err
		}
		if length = int(binary.BigEndian.Uint64(long[:])); length > 1<<20 {
			return nil, errors.New("an answer longer than a megabyte")
		}
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	return body, err
}
