package dn

import (
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"

	"postern/ldapsrv/ber"
)

// ErrSyntax says that a string is no distinguished name.
var ErrSyntax = errors.New("not a distinguished name")

// maxAVAs bounds the parts of a name. It is far beyond any real one.
const maxAVAs = 128

// Parse reads a distinguished name. The empty string, and one of spaces only,
// is the empty DN. The error is ErrSyntax.
func Parse(s string) (DN, error) {
	p := parser{rest: s}
	p.skipSpaces()
	if p.rest == "" {
		return nil, nil
	}
	d := make(DN, 0, 1+strings.Count(s, "="))
	for joined := false; ; {
		a, err := p.ava()
		if err != nil {
			return nil, err
		}
		a.Joined = joined
		if len(d) == maxAVAs {
			return nil, ErrSyntax
		}
		d = append(d, a)
		if p.rest == "" {
			return d, nil
		}
		joined = p.rest[0] == '+'
		p.rest = p.rest[1:]
	}
}

// parser reads a name from its beginning; rest is what is left.
type parser struct{ rest string }

func (p *parser) skipSpaces() { p.rest = strings.TrimLeft(p.rest, " ") }

// ava reads a type, "=" and a value, and stops before a separator or at the
// end.
func (p *parser) ava() (AVA, error) {
	before, after, found := strings.Cut(p.rest, "=")
	if !found {
		return AVA{}, ErrSyntax
	}
	typ, ok := canonicalType(strings.Trim(before, " "))
	if !ok {
		return AVA{}, ErrSyntax
	}
	p.rest = after
	p.skipSpaces()
	value, err := p.value()
	return AVA{Type: typ, Value: value}, err
}

func (p *parser) value() (string, error) {
	switch {
	case strings.HasPrefix(p.rest, "#"):
		return p.hexValue()
	case strings.HasPrefix(p.rest, `"`):
		return p.quotedValue()
	}
	end, plain := scanValue(p.rest)
	raw := p.rest[:end]
	p.rest = p.rest[end:]
	value := strings.TrimRight(raw, " ")
	if !plain {
		var err error
		if value, err = unescape(raw); err != nil {
			return "", err
		}
	}
	if !utf8.ValidString(value) {
		return "", ErrSyntax
	}
	return value, nil
}

// quotedValue reads a value in quotes (RFC 2253 §4), within which nothing but
// a quote and a backslash needs an escape.
func (p *parser) quotedValue() (string, error) {
	var b []byte
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; c {
		case '"':
			p.rest = strings.TrimLeft(p.rest[i+1:], " ")
			if p.rest != "" && !isSeparator(p.rest[0]) || !utf8.Valid(b) {
				return "", ErrSyntax
			}
			return string(b), nil
		case '\\':
			octet, width, ok := escaped(p.rest[i+1:])
			if !ok {
				return "", ErrSyntax
			}
			b = append(b, octet)
			i += width
		default:
			b = append(b, c)
		}
	}
	return "", ErrSyntax
}

func isSeparator(c byte) bool { return c == ',' || c == ';' || c == '+' }

// scanValue returns how far the value reaches that s begins with, and whether
// it is free of escapes and of what must be escaped.
func scanValue(s string) (end int, plain bool) {
	plain = true
	for end < len(s) && !isSeparator(s[end]) {
		switch s[end] {
		case '\\':
			plain = false
			end++
		case '"', '<', '>', 0:
			plain = false
		}
		end++
	}
	return min(end, len(s)), plain
}

// unescape resolves the escapes of a value (RFC 4514 §3) and drops the spaces
// behind it that are not escaped.
func unescape(raw string) (string, error) {
	b := make([]byte, 0, len(raw))
	keep := 0 // length up to the last octet that is not a bare space
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '"' || c == '<' || c == '>' || c == 0:
			return "", ErrSyntax
		case c == '\\':
			octet, width, ok := escaped(raw[i+1:])
			if !ok {
				return "", ErrSyntax
			}
			b = append(b, octet)
			i += width
			keep = len(b)
			continue
		}
		if b = append(b, c); c != ' ' {
			keep = len(b)
		}
	}
	return string(b[:keep]), nil
}

// escaped reads what stands behind a backslash: one special character, or two
// hexadecimal digits.
func escaped(s string) (octet byte, width int, ok bool) {
	if s == "" {
		return 0, 0, false
	}
	if strings.IndexByte(`\"+,;<> #=`, s[0]) >= 0 {
		return s[0], 1, true
	}
	var b [1]byte
	if len(s) < 2 {
		return 0, 0, false
	}
	if _, err := hex.Decode(b[:], []byte(s[:2])); err != nil {
		return 0, 0, false
	}
	return b[0], 2, true
}

// hexValue reads "#" and the hexadecimal form of a BER element. Of a string
// type its content is the value; any other is taken as it is written.
func (p *parser) hexValue() (string, error) {
	end := strings.IndexAny(p.rest, ",;+")
	if end < 0 {
		end = len(p.rest)
	}
	written := strings.TrimRight(p.rest[:end], " ")
	p.rest = p.rest[end:]
	element, err := hex.DecodeString(written[1:])
	if err != nil {
		return "", ErrSyntax
	}
	tag, size, length, err := ber.Header(element)
	if err != nil || len(element) != size+length {
		return "", ErrSyntax
	}
	if !isStringType(tag) {
		return strings.ToLower(written), nil
	}
	if !utf8.Valid(element[size:]) {
		return "", ErrSyntax
	}
	return string(element[size:]), nil
}

// isStringType reports whether tag is that of an OCTET STRING, UTF8String,
// PrintableString or IA5String.
func isStringType(tag ber.Tag) bool {
	return tag == ber.OctetString || tag == 0x0c || tag == 0x13 || tag == 0x16
}
