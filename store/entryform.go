package store

import (
	"encoding/binary"

	"postern/directory"
)

// The form in which entries of accounts are remembered: one string for each,
// for a hundred thousand of them have to be small. What is read from it again
// are parts of that string.

// packEntries writes a list of entries, mostly of one, in that form. It is not
// empty.
func packEntries(list []directory.AccountEntry) string {
	b := binary.AppendUvarint(make([]byte, 0, 160), uint64(len(list)))
	for i := range list {
		b = packEntry(b, &list[i])
	}
	return string(b)
}

func packEntry(b []byte, e *directory.AccountEntry) []byte {
	for _, n := range []int64{int64(e.Kind), bit(e.Disabled), seconds(e.ExpiresAt), e.UIDNumber,
		seconds(e.PasswordChangedAt), seconds(e.CreatedAt), seconds(e.ModifiedAt)} {
		b = binary.AppendVarint(b, n)
	}
	for _, s := range []string{e.ID, e.Login, e.Name, e.Mail} {
		b = packText(b, s)
	}
	b = packTexts(b, e.MemberOf)
	b = binary.AppendUvarint(b, uint64(len(e.Attributes)))
	for name, values := range e.Attributes {
		b = packTexts(packText(b, name), values)
	}
	return b
}

func packText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func packTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = packText(b, s)
	}
	return b
}

// packed is what is left to be read of a form that packEntries wrote.
type packed string

func unpackEntries(form string) (list []directory.AccountEntry) {
	p := packed(form)
	if n := p.uint(); n > 0 {
		list = make([]directory.AccountEntry, n)
		for i := range list {
			list[i] = p.entry()
		}
	}
	return list
}

func (p *packed) entry() (e directory.AccountEntry) {
	e.Kind, e.Disabled = directory.Kind(p.int()), p.int() != 0
	e.ExpiresAt, e.UIDNumber = fromSeconds(p.int()), p.int()
	e.PasswordChangedAt, e.CreatedAt, e.ModifiedAt = fromSeconds(p.int()), fromSeconds(p.int()), fromSeconds(p.int())
	e.ID, e.Login, e.Name, e.Mail = p.text(), p.text(), p.text(), p.text()
	e.MemberOf = p.texts()
	if n := p.uint(); n > 0 {
		e.Attributes = make(map[string][]string, n)
		for range n {
			name := p.text()
			e.Attributes[name] = p.texts()
		}
	}
	return e
}

// uint reads an unsigned number in the form of encoding/binary.
func (p *packed) uint() (n uint64) {
	for shift := 0; ; shift += 7 {
		c := (*p)[0]
		*p = (*p)[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

// int reads a signed one.
func (p *packed) int() int64 {
	n := p.uint()
	return int64(n>>1) ^ -int64(n&1)
}

func (p *packed) text() string {
	n := p.uint()
	s := (*p)[:n]
	*p = (*p)[n:]
	return string(s)
}

func (p *packed) texts() (list []string) {
	if n := p.uint(); n > 0 {
		list = make([]string, n)
		for i := range list {
			list[i] = p.text()
		}
	}
	return list
}
