package ber

import "math"

// Header reads the identifier and length octets that b begins with: the tag,
// the number of those octets, and the number of content octets that follow.
// With ErrTruncated, b may be the beginning of an element; every other error
// is final.
func Header(b []byte) (tag Tag, size, length int, err error) {
	if len(b) == 0 {
		return 0, 0, 0, ErrTruncated
	}
	if tag = Tag(b[0]); tag&numberMask == numberMask {
		return 0, 0, 0, ErrTag
	}
	if len(b) == 1 {
		return 0, 0, 0, ErrTruncated
	}
	if b[1] < 0x80 {
		return tag, 2, int(b[1]), nil
	}
	size, length, err = longLength(b)
	return tag, size, length, err
}

// longLength reads a length of the long form (X.690 §8.1.3.5), which need not
// be the shortest.
func longLength(b []byte) (size, length int, err error) {
	octets := int(b[1] & 0x7f)
	switch {
	case octets == 0:
		return 0, 0, ErrIndefinite
	case octets > 4:
		return 0, 0, ErrLength
	case len(b) < 2+octets:
		return 0, 0, ErrTruncated
	}
	var n uint32
	for _, o := range b[2 : 2+octets] {
		n = n<<8 | uint32(o)
	}
	if n > math.MaxInt32 {
		return 0, 0, ErrLength
	}
	return 2 + octets, int(n), nil
}

// Reader reads the elements of a content in order. It aliases the bytes it
// was made of and may be copied; a copy reads on from where it was made.
type Reader struct{ rest []byte }

// NewReader returns a Reader of the elements that content consists of.
func NewReader(content []byte) Reader { return Reader{content} }

// Empty reports whether all was read.
func (r *Reader) Empty() bool { return len(r.rest) == 0 }

// Peek returns the tag of the next element without reading it; 0, which is no
// element's tag in LDAP, where there is none.
func (r *Reader) Peek() Tag {
	if len(r.rest) == 0 {
		return 0
	}
	return Tag(r.rest[0])
}

// Next reads an element of any tag and returns its content.
func (r *Reader) Next() (Tag, []byte, error) {
	tag, size, length, err := Header(r.rest)
	if err != nil {
		return 0, nil, err
	}
	if length > len(r.rest)-size {
		return 0, nil, ErrTruncated
	}
	content := r.rest[size : size+length : size+length]
	r.rest = r.rest[size+length:]
	return tag, content, nil
}

// Raw reads an element of any tag and returns all of it, header included.
func (r *Reader) Raw() (Tag, []byte, error) {
	before := r.rest
	tag, _, err := r.Next()
	if err != nil {
		return 0, nil, err
	}
	n := len(before) - len(r.rest)
	return tag, before[:n:n], nil
}

// Read reads an element of that tag and returns its content. Where another
// element is next, nothing is read and ErrUnexpected returned.
func (r *Reader) Read(tag Tag) ([]byte, error) {
	if len(r.rest) == 0 || Tag(r.rest[0]) != tag {
		return nil, ErrUnexpected
	}
	_, content, err := r.Next()
	return content, err
}

// Sub reads a constructed element of that tag and returns a Reader of the
// elements in it.
func (r *Reader) Sub(tag Tag) (Reader, error) {
	content, err := r.Read(tag)
	return Reader{content}, err
}

// Int reads an element of that tag as an integer of at most four octets,
// which need not be the fewest.
func (r *Reader) Int(tag Tag) (int32, error) {
	content, err := r.Read(tag)
	if err != nil {
		return 0, err
	}
	return ParseInt(content)
}

// Bool reads an element of that tag as a boolean. Every octet but 0 is true.
func (r *Reader) Bool(tag Tag) (bool, error) {
	content, err := r.Read(tag)
	if err != nil {
		return false, err
	}
	if len(content) != 1 {
		return false, ErrBoolean
	}
	return content[0] != 0, nil
}

// ParseInt reads the content octets of an integer: two's complement, at least
// one octet and at most four.
func ParseInt(content []byte) (int32, error) {
	if len(content) == 0 || len(content) > 4 {
		return 0, ErrInteger
	}
	n := int32(int8(content[0]))
	for _, o := range content[1:] {
		n = n<<8 | int32(o)
	}
	return n, nil
}
