package dn

import "encoding/hex"

// AppendValue appends value with the escapes that RFC 4514 §2.4 demands.
func AppendValue(b []byte, value string) []byte {
	for i := range len(value) {
		c := value[i]
		switch {
		case c == 0:
			b = append(b, `\00`...)
		case c < ' ' || c == 0x7f:
			b = append(b, '\\')
			b = hex.AppendEncode(b, []byte{c})
		case needsEscape(c), c == ' ' && (i == 0 || i == len(value)-1), c == '#' && i == 0:
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return b
}

func needsEscape(c byte) bool {
	switch c {
	case '"', '+', ',', ';', '<', '>', '\\':
		return true
	}
	return false
}
