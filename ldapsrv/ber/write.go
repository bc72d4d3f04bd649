package ber

// AppendHeader appends the identifier octet and the shortest length octets of
// an element whose content is of that length.
func AppendHeader(b []byte, tag Tag, length int) []byte {
	b = append(b, byte(tag))
	if length < 0x80 {
		return append(b, byte(length))
	}
	n := lengthOctets(length)
	b = append(b, 0x80|byte(n))
	for shift := 8 * (n - 1); shift >= 0; shift -= 8 {
		b = append(b, byte(length>>shift))
	}
	return b
}

// lengthOctets returns how many octets the number length takes.
func lengthOctets(length int) int {
	n := 1
	for length > 0xff {
		length >>= 8
		n++
	}
	return n
}

// AppendString appends an element of that tag with s as its content.
func AppendString[S ~string | ~[]byte](b []byte, tag Tag, s S) []byte {
	b = AppendHeader(b, tag, len(s))
	return append(b, s...)
}

// AppendInt appends an integer of that tag in the fewest octets.
func AppendInt(b []byte, tag Tag, n int32) []byte {
	octets := 4
	for octets > 1 && n>>(8*octets-9) == n>>31 {
		octets--
	}
	b = AppendHeader(b, tag, octets)
	for shift := 8 * (octets - 1); shift >= 0; shift -= 8 {
		b = append(b, byte(n>>shift))
	}
	return b
}

// AppendBool appends a boolean of that tag; true is 0xff (RFC 4511 §5.1).
func AppendBool(b []byte, tag Tag, v bool) []byte {
	b = AppendHeader(b, tag, 1)
	if v {
		return append(b, 0xff)
	}
	return append(b, 0)
}

// Begin appends the header of a constructed element whose length is not yet
// known. Append its content next, and then call End with the mark.
func Begin(b []byte, tag Tag) (_ []byte, mark int) {
	b = append(b, byte(tag), 0)
	return b, len(b)
}

// End closes the element that Begin returned mark for. Elements are closed in
// the reverse order of their opening.
func End(b []byte, mark int) []byte {
	length := len(b) - mark
	if length < 0x80 {
		b[mark-1] = byte(length)
		return b
	}
	n := lengthOctets(length)
	b = append(b, 0, 0, 0, 0)[:len(b)+n]
	copy(b[mark+n:], b[mark:mark+length])
	b[mark-1] = 0x80 | byte(n)
	for i := range n {
		b[mark+i] = byte(length >> (8 * (n - 1 - i)))
	}
	return b
}
