package corpus

import (
	"bytes"
	"strings"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// element is a piece of BER: one with parts is constructed.
type element struct {
	tag   ber.Tag
	value []byte
	parts []element
}

func prim(tag ber.Tag, value string) element { return element{tag: tag, value: []byte(value)} }

func cons(tag ber.Tag, parts ...element) element { return element{tag: tag, parts: parts} }

func number(tag ber.Tag, n byte) element { return element{tag: tag, value: []byte{n}} }

// encode writes e; twist, where it is not nil, may write an element in its
// own way, by the place of the element in the message.
func (e element) encode(b []byte, place *int, twist func(place int, e element, content []byte) []byte) []byte {
	here := *place
	*place++
	content := e.value
	if e.parts != nil {
		content = nil
		for _, p := range e.parts {
			content = p.encode(content, place, twist)
		}
	}
	if twist != nil {
		if own := twist(here, e, content); own != nil {
			return append(b, own...)
		}
	}
	return append(ber.AppendHeader(b, e.tag, len(content)), content...)
}

func (e element) bytes(twist func(int, element, []byte) []byte) []byte {
	place := 0
	return e.encode(nil, &place, twist)
}

// count is how many elements e is of.
func (e element) count() int {
	n := 1
	for _, p := range e.parts {
		n += p.count()
	}
	return n
}

// LDAPBase is where the names of the messages stand.
const LDAPBase = "dc=example,dc=org"

// ldapMessages are requests that are right, one for each operation and more for
// those with many parts.
func ldapMessages() []element {
	msg := func(op element, more ...element) element {
		return cons(ber.Sequence, append([]element{number(ber.Integer, 1), op}, more...)...)
	}
	who := "uid=nobody,ou=people," + LDAPBase
	change := cons(ber.Sequence, prim(ber.OctetString, "mail"), cons(ber.Set, prim(ber.OctetString, "a@example.org")))
	filter := cons(ber.ContextConstructed(0),
		cons(ber.ContextConstructed(1),
			cons(ber.ContextConstructed(3), prim(ber.OctetString, "uid"), prim(ber.OctetString, "ann")),
			cons(ber.ContextConstructed(4), prim(ber.OctetString, "cn"), cons(ber.Sequence,
				prim(ber.Context(0), "a"), prim(ber.Context(1), "n"), prim(ber.Context(2), "n")))),
		cons(ber.ContextConstructed(2), prim(ber.Context(7), "mail")),
		cons(ber.ContextConstructed(9), prim(ber.Context(1), "2.5.13.2"), prim(ber.Context(2), "ou"), prim(ber.Context(3), "x"), prim(ber.Context(4), "\xff")))
	control := cons(ber.ContextConstructed(0), cons(ber.Sequence,
		prim(ber.OctetString, "1.2.840.113556.1.4.319"), prim(ber.Boolean, "\xff"), prim(ber.OctetString, "\x30\x05\x02\x01\x0a\x04\x00")))
	return []element{
		msg(cons(wire.OpBind, number(ber.Integer, 3), prim(ber.OctetString, who), prim(ber.Context(0), "a wrong password"))),
		msg(cons(wire.OpBind, number(ber.Integer, 3), prim(ber.OctetString, ""), cons(ber.ContextConstructed(3),
			prim(ber.OctetString, "PLAIN"), prim(ber.OctetString, "\x00a\x00b")))),
		msg(searchOf(filter), control),
		msg(searchOf(prim(ber.Context(7), "objectClass"))),
		msg(cons(wire.OpCompare, prim(ber.OctetString, who), cons(ber.Sequence, prim(ber.OctetString, "uid"), prim(ber.OctetString, "nobody")))),
		msg(cons(wire.OpExtended, prim(ber.Context(0), "1.3.6.1.4.1.4203.1.11.3"))),
		msg(cons(wire.OpExtended, prim(ber.Context(0), "1.3.6.1.4.1.4203.1.11.1"), prim(ber.Context(1), "\x30\x06\x81\x01a\x82\x01b"))),
		msg(cons(wire.OpModify, prim(ber.OctetString, who), cons(ber.Sequence, cons(ber.Sequence, number(ber.Enumerated, 2), change)))),
		msg(cons(wire.OpAdd, prim(ber.OctetString, who), cons(ber.Sequence, change))),
		msg(cons(wire.OpModifyDN, prim(ber.OctetString, who), prim(ber.OctetString, "uid=x"), prim(ber.Boolean, "\xff"))),
		msg(prim(wire.OpDelete, who)),
		msg(prim(wire.OpAbandon, "\x09")),
		msg(prim(wire.OpUnbind, "")),
	}
}

func searchOf(filter element) element {
	return cons(wire.OpSearch, prim(ber.OctetString, LDAPBase), number(ber.Enumerated, 2), number(ber.Enumerated, 0),
		number(ber.Integer, 0), number(ber.Integer, 0), prim(ber.Boolean, "\x00"), filter, cons(ber.Sequence, prim(ber.OctetString, "*")))
}

// LDAP is the corpus for LDAP.
func LDAP(m Mutations) []Class {
	trees := ldapMessages()
	var plain [][]byte
	for _, t := range trees {
		plain = append(plain, t.bytes(nil))
	}
	return []Class{
		{"right messages", plain},
		{"cut off at every byte", cuts(plain)},
		{"lengths of lengths", twisted(trees, lengths)},
		{"integers out of range", twisted(trees, integers)},
		{"strings that are long or strange", twisted(trees, stringsOf)},
		{"elements of another kind", twisted(trees, tags)},
		{"deep nesting", nesting()},
		{"many of everything", many()},
		{"random changes", m.Of(plain)},
	}
}

// twisted writes every message once for each of its elements and each way that
// ways knows for that element.
func twisted(trees []element, ways func(e element, content []byte) [][]byte) (out [][]byte) {
	for _, t := range trees {
		for at := range t.count() {
			for way := 0; ; way++ {
				more := false
				b := t.bytes(func(place int, e element, content []byte) []byte {
					if place != at {
						return nil
					}
					all := ways(e, content)
					if way >= len(all) {
						return nil
					}
					more = true
					return all[way]
				})
				if !more {
					break
				}
				out = append(out, b)
			}
		}
	}
	return out
}

// lengths writes an element with lengths that are not its own.
func lengths(e element, content []byte) (out [][]byte) {
	for _, l := range [][]byte{
		{0x80}, {0x00}, {0x7f}, {0xff}, {0x81, 0x00}, {0x81, 0xff}, {0x82, 0xff, 0xff}, {0x83, 0xff, 0xff, 0xff},
		{0x84, 0x7f, 0xff, 0xff, 0xff}, {0x84, 0xff, 0xff, 0xff, 0xff}, {0x85, 0x01, 0, 0, 0, 0},
		{0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		append([]byte{0xfe}, bytes.Repeat([]byte{0xff}, 126)...),
	} {
		out = append(out, append(append([]byte{byte(e.tag)}, l...), content...))
	}
	end := append(append([]byte{byte(e.tag), 0x80}, content...), 0, 0) // indefinite, and ended
	padded := append([]byte{byte(e.tag), 0x84, 0, 0, byte(len(content) >> 8), byte(len(content))}, content...)
	return append(out, end, padded)
}

// integers writes a number or truth value with others.
func integers(e element, _ []byte) (out [][]byte) {
	switch e.tag {
	case ber.Integer, ber.Enumerated, ber.Boolean:
	default:
		return nil
	}
	for _, v := range []string{
		"", "\x00", "\x04", "\x7f", "\x80", "\xff", "\x00\x80", "\x80\x00", "\x7f\xff\xff\xff", "\x80\x00\x00\x00", "\x00\x80\x00\x00\x00",
		"\xff\xff\xff\xff", "\x00\xff\xff\xff\xff", "\x7f\xff\xff\xff\xff\xff\xff\xff", "\x80\x00\x00\x00\x00\x00\x00\x00",
		"\x01\x00\x00\x00\x00\x00\x00\x00\x00", strings.Repeat("\xff", 127), strings.Repeat("\x7f", 1000),
	} {
		out = append(out, ber.AppendString(nil, e.tag, v))
	}
	return out
}

// stringsOf writes a string with others.
func stringsOf(e element, _ []byte) (out [][]byte) {
	if e.parts != nil || e.tag == ber.Integer || e.tag == ber.Enumerated || e.tag == ber.Boolean {
		return nil
	}
	for _, v := range []string{
		"", "\x00", "a\x00b", "\xff\xfe", "%s%n%x", "(", "*", `\`, `\zz`, ",", "=", "uid=" + strings.Repeat("a,uid=", 300) + "a",
		strings.Repeat("+", 300), strings.Repeat("A", 1<<10), strings.Repeat("A", 15<<10), strings.Repeat("\\", 1<<10), strings.Repeat("A", 1<<20),
		strings.Repeat("9.", 2000), strings.Repeat("\u200b", 300),
	} {
		out = append(out, ber.AppendString(nil, e.tag, v))
	}
	return out
}

// tags writes an element under other tags.
func tags(_ element, content []byte) (out [][]byte) {
	for _, t := range []ber.Tag{0x00, 0x01, 0x02, 0x04, 0x0a, 0x1f, 0x30, 0x31, 0x3f, 0x60, 0x78, 0x80, 0x9f, 0xa0, 0xbf, 0xff} {
		out = append(out, ber.AppendString(nil, t, content))
	}
	return out
}

// nesting are filters and sequences within one another.
func nesting() (out [][]byte) {
	for _, deep := range []int{10, 100, 1000, 3000, 20_000} {
		for _, tag := range []ber.Tag{ber.ContextConstructed(0), ber.ContextConstructed(2)} {
			filter := ber.AppendString(nil, ber.Context(7), "objectClass")
			for range deep {
				filter = append(ber.AppendHeader(make([]byte, 0, len(filter)+6), tag, len(filter)), filter...)
			}
			out = append(out, cons(ber.Sequence, number(ber.Integer, 1), searchOf(element{tag: tag, value: filter})).bytes(nil))
		}
	}
	return append(out, bytes.Repeat([]byte{0x30, 0x80}, 12<<20), bytes.Repeat([]byte{0xa2, 0x80}, 1<<20),
		append([]byte{0x30, 0x84, 0x01, 0, 0, 0}, bytes.Repeat([]byte{0x30, 0x84, 0, 0xff, 0xff, 0xf0}, 1<<18)...))
}

// many are messages with much in them, and many messages at once.
func many() (out [][]byte) {
	leaf := cons(ber.ContextConstructed(3), prim(ber.OctetString, "cn"), prim(ber.OctetString, "x"))
	wide := cons(ber.ContextConstructed(1))
	for range 2000 {
		wide.parts = append(wide.parts, leaf)
	}
	names := cons(ber.Sequence)
	controls := cons(ber.ContextConstructed(0))
	for range 500 {
		names.parts = append(names.parts, prim(ber.OctetString, "cn"))
		controls.parts = append(controls.parts, cons(ber.Sequence, prim(ber.OctetString, "1.2.3.4")))
	}
	search := searchOf(prim(ber.Context(7), "objectClass"))
	search.parts[len(search.parts)-1] = names
	bind := ldapMessages()[0].bytes(nil)
	return [][]byte{
		cons(ber.Sequence, number(ber.Integer, 1), searchOf(wide)).bytes(nil),
		cons(ber.Sequence, number(ber.Integer, 1), search).bytes(nil),
		cons(ber.Sequence, number(ber.Integer, 1), search, controls).bytes(nil),
		bytes.Repeat(cons(ber.Sequence, number(ber.Integer, 1), searchOf(prim(ber.Context(7), "objectClass"))).bytes(nil), 5000),
		bytes.Repeat(cons(ber.Sequence, number(ber.Integer, 1), prim(wire.OpAbandon, "\x01")).bytes(nil), 20_000),
		bytes.Repeat(bind, 20),
	}
}
