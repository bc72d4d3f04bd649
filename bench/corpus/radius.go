package corpus

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RADIUS is built on it
	"encoding/binary"
)

// attribute is one of RADIUS, with a length of its own where it is not 0.
type attribute struct {
	kind   byte
	value  []byte
	length byte
}

// request is an Access-Request, or what is meant to look like one.
type request struct {
	code       byte
	attributes []attribute
	unsigned   bool // no Message-Authenticator
	last       bool // the Message-Authenticator stands last
	badly      bool // the Message-Authenticator is wrong
	length     int  // of the header, where it is not 0
}

func (r request) bytes(secret []byte, n int) []byte {
	b := make([]byte, 20, 256)
	b[0], b[1] = r.code, byte(n)
	if r.code == 0 {
		b[0] = 1
	}
	binary.BigEndian.PutUint64(b[4:], uint64(n)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(b[12:], uint64(n)*0xc2b2ae3d27d4eb4f+1)
	at := 0
	sign := func() {
		at = len(b)
		b = append(append(b, 80, 18), make([]byte, 16)...)
	}
	if !r.unsigned && !r.last {
		sign()
	}
	for _, a := range r.attributes {
		length := a.length
		if length == 0 {
			length = byte(2 + len(a.value))
		}
		b = append(append(b, a.kind, length), a.value...)
	}
	if !r.unsigned && r.last {
		sign()
	}
	length := r.length
	if length == 0 {
		length = len(b)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(length))
	if at > 0 && !r.badly {
		mac := hmac.New(md5.New, secret)
		mac.Write(b[:min(len(b), max(20, length))])
		copy(b[at+2:], mac.Sum(nil))
	}
	return b
}

func is(kind byte, value string) attribute { return attribute{kind: kind, value: []byte(value)} }

// RADIUS is the corpus for RADIUS, for a server that shares secret with us: the
// messages that are signed are signed rightly, so that what is behind the
// signature is reached.
func RADIUS(secret []byte, m Mutations) []Class {
	n := 0
	enc := func(all ...request) (out [][]byte) {
		for _, r := range all {
			n++
			out = append(out, r.bytes(secret, n))
		}
		return out
	}
	with := func(all ...attribute) request {
		return request{attributes: append([]attribute{is(1, "nobody")}, all...)}
	}
	hidden := string(bytes.Repeat([]byte{0x5a}, 16))
	plain := enc(with(is(2, hidden), is(31, "00-11-22-33-44-55")), with(is(3, "\x01"+hidden), is(60, hidden)),
		with(is(79, "\x02\x01\x00\x0b\x01nobody")), request{code: 12},
		with(is(2, hidden), attribute{kind: 26, value: []byte("\x00\x00\x01\x37\x0b\x0a" + hidden[:8])}))
	signedMutations := func() (out [][]byte) {
		// Changed first, signed afterwards: what is behind the signature is met.
		for i, b := range m.Of(plain) {
			if len(b) < 38 || b[20] != 80 || b[21] != 18 || len(b) > 4096 {
				out = append(out, b)
				continue
			}
			b[1] = byte(i)
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
			clear(b[22:38])
			mac := hmac.New(md5.New, secret)
			mac.Write(b)
			copy(b[22:38], mac.Sum(nil))
			out = append(out, b)
		}
		return out
	}
	return []Class{
		{"right messages", plain},
		{"cut off at every byte", cuts(plain)},
		{"lengths of the packet that lie", enc(lying()...)},
		{"lengths of attributes that lie", enc(lyingAttributes(with)...)},
		{"codes that are not for a server", enc(codes()...)},
		{"signatures missing, short, twice, wrong, last", enc(signatures(with, hidden)...)},
		{"credentials none, several, of wrong length", enc(credentials(with, hidden)...)},
		{"EAP that is not", enc(eap(with)...)},
		{"many and long attributes", enc(crowded(with)...)},
		{"random changes, signed", signedMutations()},
		{"random changes", m.Of(plain)},
	}
}

func lying() (out []request) {
	for _, l := range []int{1, 19, 20, 21, 37, 39, 255, 4095, 4096, 4097, 0xffff} {
		out = append(out, request{length: l, attributes: []attribute{is(1, "nobody")}})
	}
	return out
}

func lyingAttributes(with func(...attribute) request) (out []request) {
	for _, l := range []byte{1, 2, 3, 4, 17, 19, 127, 254, 255} {
		for _, kind := range []byte{1, 2, 3, 24, 26, 33, 60, 79, 80} {
			out = append(out, with(attribute{kind: kind, value: []byte("0123456789abcdef"), length: l}))
		}
	}
	for _, inner := range []string{"", "\x00", "\x00\x00\x01\x37", "\x00\x00\x00\x00\x01\x02", "\x00\x00\x01\x37\x0b\x00", "\x00\x00\x01\x37\x0b\x01", "\x00\x00\x01\x37\x0b\xff", "\x00\x00\x01\x37\x19\x32\x00", "\xff\xff\xff\xff\x01\x03a"} {
		out = append(out, with(is(26, inner), is(2, "0123456789abcdef")))
	}
	return out
}

func codes() (out []request) {
	for code := range 256 {
		if code != 1 && code != 0 {
			out = append(out, request{code: byte(code), attributes: []attribute{is(1, "nobody")}})
		}
	}
	return out
}

func signatures(with func(...attribute) request, hidden string) []request {
	unsigned, last, wrong := with(is(2, hidden)), with(is(2, hidden)), with(is(2, hidden))
	unsigned.unsigned, last.last, wrong.badly = true, true, true
	short := unsigned
	short.attributes = append([]attribute{is(80, "short")}, unsigned.attributes...)
	proxied := unsigned
	proxied.attributes = append([]attribute{is(33, "1"), is(33, "2")}, unsigned.attributes...)
	return []request{unsigned, last, wrong, short, proxied, with(is(2, hidden), is(80, hidden)), with(is(80, ""), is(2, hidden)), {code: 12, unsigned: true}}
}

func credentials(with func(...attribute) request, hidden string) []request {
	all := []request{
		with(), {attributes: []attribute{is(2, hidden)}}, {attributes: []attribute{is(1, ""), is(2, hidden)}},
		with(is(2, hidden), is(2, hidden)), with(is(2, hidden), is(3, "\x01"+hidden)), with(is(3, "\x01"+hidden)), with(is(3, hidden)), with(is(3, "\x01"+hidden+"x"), is(60, "")),
		with(is(1, "other"), is(2, hidden)), {attributes: []attribute{is(1, string(bytes.Repeat([]byte{'a'}, 253))), is(2, hidden)}},
		{attributes: []attribute{is(1, "a\x00b"), is(2, hidden)}}, {attributes: []attribute{is(1, "\xff\xfe"), is(2, hidden)}},
	}
	for _, n := range []int{0, 1, 15, 17, 32, 128, 144, 253} {
		all = append(all, with(attribute{kind: 2, value: bytes.Repeat([]byte{1}, n)}))
	}
	for _, n := range []int{0, 7, 8, 16, 49, 50, 51} {
		challenge := "\x00\x00\x01\x37\x0b" + string(rune(2+n)) + string(bytes.Repeat([]byte{2}, n))
		answer := "\x00\x00\x01\x37\x19" + string(rune(2+n)) + string(bytes.Repeat([]byte{3}, n))
		all = append(all, with(is(26, challenge), is(26, answer)))
	}
	return all
}

func eap(with func(...attribute) request) (out []request) {
	for _, v := range []string{
		"", "\x02", "\x02\x01\x00", "\x02\x01\x00\x03", "\x02\x01\x00\x04", "\x02\x01\xff\xff\x01a", "\x01\x01\x00\x05\x01", "\x04\x01\x00\x04",
		"\x02\x01\x00\x06\x15\x80", "\x02\x01\x00\x0a\x15\x80\xff\xff\xff\xff", "\x02\x01\x00\x0a\x19\x80\x00\x00\x00\x00", "\x02\x01\x00\x06\x0d\x00",
		"\x02\x01\x00\x06\x03\x15", "\x02\x01\x00\x08\xfe\x00\x00\x00", "\x02\x01\x00\xfd\x01" + string(bytes.Repeat([]byte{'a'}, 248)),
	} {
		out = append(out, with(is(79, v)), with(is(79, v), is(24, "a state that nobody gave")))
	}
	apart := with(is(79, "\x02\x01\x00\x0b\x01no"), is(31, "between"), is(79, "body"))
	return append(out, apart, with(is(79, "\x02\x01\x00\x05\x01"), is(2, "0123456789abcdef")))
}

func crowded(with func(...attribute) request) (out []request) {
	for _, n := range []int{200, 1000, 2000} {
		var all []attribute
		for range n {
			all = append(all, is(18, ""))
		}
		out = append(out, with(all...))
	}
	long := with(is(2, "0123456789abcdef"))
	for range 15 {
		long.attributes = append(long.attributes, is(33, string(bytes.Repeat([]byte{'p'}, 253))))
	}
	return append(out, long)
}
