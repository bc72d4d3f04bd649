package ldif

import (
	"bufio"
	"encoding/base64"
	"io"
	"unicode/utf8"
)

// width is how long a line is written (RFC 2849 note 2 wants at most 76).
const width = 76

// Writer writes records. The first error is kept, and Flush returns it.
type Writer struct {
	out   *bufio.Writer
	begun bool
}

// NewWriter returns a Writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: bufio.NewWriterSize(out, 64<<10)} }

// Begin begins the record of the entry with that name.
func (w *Writer) Begin(dn string) {
	if !w.begun {
		w.line("version", "1")
		w.begun = true
	}
	_ = w.out.WriteByte('\n') // kept for Flush, as all below
	w.line("dn", dn)
}

// Add writes one value for each of values.
func (w *Writer) Add(name string, values ...string) {
	for _, v := range values {
		w.line(name, v)
	}
}

// AddAll writes attributes in their order.
func (w *Writer) AddAll(attributes []Attribute) {
	for _, a := range attributes {
		w.line(a.Name, a.Value)
	}
}

// Comment writes a line that readers leave out. text is one line of ASCII.
func (w *Writer) Comment(text string) { w.fold("# " + text) }

// Flush writes what is still held back.
func (w *Writer) Flush() error { return w.out.Flush() }

func (w *Writer) line(name, value string) {
	if safe(value) {
		w.fold(name + ": " + value)
		return
	}
	w.fold(name + ":: " + base64.StdEncoding.EncodeToString([]byte(value)))
}

// fold writes a line in parts, each but the first behind a space.
func (w *Writer) fold(text string) {
	room := width
	for len(text) > room {
		_, _ = w.out.WriteString(text[:room])
		_, _ = w.out.WriteString("\n ")
		text, room = text[room:], width-1
	}
	_, _ = w.out.WriteString(text)
	_ = w.out.WriteByte('\n')
}

// safe reports whether value may stand as it is: SAFE-STRING of RFC 2849, and
// without a space at the end, which people do not see.
func safe(value string) bool {
	if value == "" {
		return true
	}
	switch first := value[0]; {
	case first == ' ' || first == ':' || first == '<', value[len(value)-1] == ' ':
		return false
	}
	for i := range len(value) {
		if c := value[i]; c == 0 || c == '\n' || c == '\r' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
