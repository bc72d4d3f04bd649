package ldif

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds of what is read. A group of a hundred thousand members fits.
const (
	maxLine   = 8 << 20  // bytes of one logical line
	maxRecord = 64 << 20 // bytes of one record
)

// Attribute is one value of one attribute.
type Attribute struct {
	Name  string // as written, options included
	Value string // bytes; UTF-8 where it is text
	Line  int    // where it begins
}

// Record is the description of one entry (RFC 2849: ldif-attrval-record).
type Record struct {
	DN         string
	Line       int // where it begins
	Attributes []Attribute
}

// Values returns the values of an attribute, whose name is compared without
// regard to case.
func (r *Record) Values(name string) (values []string) {
	for _, a := range r.Attributes {
		if strings.EqualFold(a.Name, name) {
			values = append(values, a.Value)
		}
	}
	return values
}

// SyntaxError is what is wrong with a file, and where.
type SyntaxError struct {
	Line int
	Text string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// Reader reads the records of a file one by one.
type Reader struct {
	in    *bufio.Reader
	line  int  // physical lines read
	begun bool // the version line, if any, is behind
}

// NewReader returns a Reader of a file's bytes.
func NewReader(file io.Reader) *Reader {
	in := bufio.NewReaderSize(file, 64<<10)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = in.Discard(3) // it was peeked at
	}
	return &Reader{in: in}
}

// Next returns the next record, or io.EOF. What is wrong with the file is a
// *SyntaxError; records behind it cannot be read.
func (r *Reader) Next() (*Record, error) {
	rec, size := (*Record)(nil), 0
	for {
		text, at, err := r.logical()
		switch {
		case errors.Is(err, io.EOF) || err == nil && text == "":
			if rec != nil {
				return rec, nil
			}
			if err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		}
		if size += len(text); size > maxRecord {
			return nil, &SyntaxError{at, "this record is too long"}
		}
		a, err := attribute(text, at)
		if err != nil {
			return nil, err
		}
		if rec, err = r.take(rec, a); err != nil {
			return nil, err
		}
	}
}

// take adds an attribute to a record, which the first, its dn, begins.
func (r *Reader) take(rec *Record, a Attribute) (*Record, error) {
	name := strings.ToLower(a.Name)
	switch {
	case rec == nil && name == "version" && !r.begun:
		r.begun = true
		if a.Value != "1" {
			return nil, &SyntaxError{a.Line, "this is another version of LDIF than 1"}
		}
		return nil, nil
	case rec == nil && name != "dn":
		return nil, &SyntaxError{a.Line, fmt.Sprintf("a record begins with dn, not with %q", a.Name)}
	case rec == nil:
		r.begun = true
		if !utf8.ValidString(a.Value) {
			return nil, &SyntaxError{a.Line, "the dn is not valid UTF-8"}
		}
		return &Record{DN: a.Value, Line: a.Line}, nil
	case name == "dn":
		return nil, &SyntaxError{a.Line, "a second dn; an empty line stands between two records"}
	case name == "control", name == "changetype" && !strings.EqualFold(a.Value, "add"):
		return nil, &SyntaxError{a.Line, "this record describes a change; only entries can be read, as ldapsearch and slapcat write them"}
	case name == "changetype":
		return rec, nil
	}
	rec.Attributes = append(rec.Attributes, a)
	return rec, nil
}

// attribute takes a logical line apart: "name: text", "name:: base64".
func attribute(text string, at int) (Attribute, error) {
	name, value, ok := strings.Cut(text, ":")
	if !ok || name == "" || strings.ContainsFunc(name, notInName) {
		return Attribute{}, &SyntaxError{at, `a line is "name: value", "name:: base64", or one that begins with a space and continues the one before`}
	}
	switch {
	case strings.HasPrefix(value, "<"):
		return Attribute{}, &SyntaxError{at, fmt.Sprintf("the value of %q stands in another file; none is read", name)}
	case !strings.HasPrefix(value, ":"):
		return Attribute{name, strings.TrimLeft(value, " "), at}, nil
	}
	encoded := strings.TrimRight(strings.Trim(value[1:], " "), "=")
	decoded, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return Attribute{}, &SyntaxError{at, fmt.Sprintf("the value of %q is not base64", name)}
	}
	return Attribute{name, string(decoded), at}, nil
}

func notInName(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-.;_", c)
}

// logical returns the next line with those that continue it, without comments,
// and where it begins. An empty text is an empty line.
func (r *Reader) logical() (text string, at int, err error) {
	for {
		whole, err := r.physical(nil)
		if err != nil {
			return "", r.line, err
		}
		at := r.line
		if len(whole) > 0 && whole[0] == ' ' {
			return "", at, &SyntaxError{at, "this line begins with a space and continues none"}
		}
		for len(whole) > 0 && r.continues() {
			if whole, err = r.physical(whole); err != nil {
				return "", at, err
			}
		}
		if len(whole) == 0 || whole[0] != '#' {
			return string(whole), at, nil
		}
	}
}

// continues reports whether the next physical line continues the one before,
// and steps over the space that says so.
func (r *Reader) continues() bool {
	next, err := r.in.Peek(1)
	if err != nil || next[0] != ' ' {
		return false
	}
	_, err = r.in.Discard(1)
	return err == nil
}

// physical appends the next line of the file, without its end, to line.
func (r *Reader) physical(line []byte) ([]byte, error) {
	r.line++
	before := len(line)
	for {
		part, err := r.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, &SyntaxError{r.line, "this line is too long"}
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == before && before == 0:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("reading the file: %w", err)
		}
		return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
	}
}
