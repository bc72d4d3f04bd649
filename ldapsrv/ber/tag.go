package ber

// Tag is an identifier octet: class, form and number (X.690 §8.1.2).
type Tag byte

// The universal tags that LDAP uses.
const (
	Boolean     Tag = 0x01
	Integer     Tag = 0x02
	OctetString Tag = 0x04
	Enumerated  Tag = 0x0a
	Sequence    Tag = 0x30
	Set         Tag = 0x31
)

const (
	constructed Tag = 0x20
	numberMask  Tag = 0x1f // all ones: the number continues in further octets
)

// Constructed reports whether the content of such an element is elements.
func (t Tag) Constructed() bool { return t&constructed != 0 }

// Context returns the context-specific tag of that number, below 31, of the
// primitive form.
func Context(number byte) Tag { return 0x80 | Tag(number) }

// ContextConstructed is Context for the constructed form.
func ContextConstructed(number byte) Tag { return 0xa0 | Tag(number) }
