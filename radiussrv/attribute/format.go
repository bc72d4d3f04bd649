package attribute

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// Format writes an attribute for people, in the form that Parse reads where it
// is one that Parse knows, else as its number and octets.
func Format(a radius.AVP) string {
	vendor, number, value := unwrap(a)
	for _, d := range dictionary {
		if d.vendor == vendor && d.number == number {
			return d.format(value)
		}
	}
	if vendor != 0 {
		return fmt.Sprintf("Vendor(%d).%d=%s", vendor, number, shownText(value))
	}
	return fmt.Sprintf("Attribute-%d=%s", number, shownText(value))
}

// unwrap takes a vendor's attribute out of Vendor-Specific, where it holds one
// alone.
func unwrap(a radius.AVP) (vendor uint32, number byte, value []byte) {
	b := a.Attribute
	if a.Type == rfc2865.VendorSpecific_Type && len(b) >= 6 && int(b[5]) == len(b)-4 {
		return binary.BigEndian.Uint32(b), b[4], b[6:]
	}
	return 0, byte(a.Type), b
}

func (d definition) format(value []byte) string {
	name := d.name
	if d.tagged() && len(value) > 0 && value[0] <= maxTag {
		if value[0] != 0 {
			name += ":" + strconv.Itoa(int(value[0]))
		}
		if d.kind == taggedText {
			value = value[1:]
		} else {
			value = append([]byte{0}, value[1:]...)
		}
	}
	return name + "=" + d.shown(value)
}

func (d definition) shown(value []byte) string {
	switch d.kind {
	case integer, taggedInt:
		if len(value) == 4 {
			return d.named(binary.BigEndian.Uint32(value))
		}
	case address4, address6:
		if a, ok := netip.AddrFromSlice(value); ok {
			return a.String()
		}
	}
	return shownText(value)
}

func (d definition) named(n uint32) string {
	for name, known := range d.names {
		if known == n {
			return name
		}
	}
	return strconv.FormatUint(uint64(n), 10)
}

func shownText(value []byte) string {
	if utf8.Valid(value) && !strings.ContainsFunc(string(value), func(r rune) bool { return !unicode.IsPrint(r) }) {
		return string(value)
	}
	return "0x" + hex.EncodeToString(value)
}
