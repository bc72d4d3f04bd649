package ldapsrv

import (
	"io"

	"postern/ldapsrv/ber"
)

// inboxSize is what a connection keeps for reading, idle ones too.
const inboxSize = 4 << 10

// inbox gathers what a client sends until a whole frame is there. It holds
// what came and was not yet asked for, and nothing of a length announced.
type inbox struct {
	buf      []byte
	from, to int // what is in buf
}

// empty reports whether nothing is there, not even the beginning of a frame.
func (b *inbox) empty() bool { return b.from == b.to }

// frame returns the next whole frame, of limit bytes at most, and reports
// whether there is one. It is good until the next call of fill. An error means
// that what is there is not, and will not become, a frame.
func (b *inbox) frame(limit int) (frame []byte, ok bool, err error) {
	got := b.buf[b.from:b.to]
	if len(got) == 0 {
		return nil, false, nil
	}
	if ber.Tag(got[0]) != ber.Sequence {
		return nil, false, errNotLDAP
	}
	_, size, length, err := ber.Header(got)
	switch {
	case err == ber.ErrTruncated:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case length > limit-size:
		return nil, false, errTooLarge
	case len(got) < size+length:
		return nil, false, nil
	}
	b.from += size + length
	return got[: size+length : size+length], true, nil
}

// fill reads once from r. It makes room by what has come so far: the buffer
// doubles when it is full, and shrinks when it is empty.
func (b *inbox) fill(r io.Reader) error {
	b.makeRoom()
	n, err := r.Read(b.buf[b.to:])
	b.to += n
	if n > 0 {
		return nil // an error that came along comes again
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

func (b *inbox) makeRoom() {
	switch {
	case b.empty() && len(b.buf) != inboxSize:
		*b = inbox{buf: make([]byte, inboxSize)}
	case b.empty():
		b.from, b.to = 0, 0
	case b.to < len(b.buf):
	case b.from > 0:
		b.to = copy(b.buf, b.buf[b.from:b.to])
		b.from = 0
	default:
		grown := make([]byte, 2*len(b.buf))
		copy(grown, b.buf)
		b.buf = grown
	}
}
