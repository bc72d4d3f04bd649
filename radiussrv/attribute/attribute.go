package attribute

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// Attribute is one attribute, ready for the wire. It is not changed after it
// was made and may be used concurrently.
type Attribute struct {
	// Key tells whether two are the same: the vendor, number and tag.
	Key string
	AVP radius.AVP
}

// maxTag is the highest tag (RFC 2868 §3.1).
const maxTag = 0x1f

// maxValue is what fits one attribute behind its type and length.
const maxValue = 253

// Parse reads "NAME=VALUE", or "NAME:TAG=VALUE" for the attributes of tunnels.
// A name is found whatever its case. An integer is a number or the name of a
// value; octets are written 0x… . "Vendor(ID).NUMBER=VALUE" is any attribute
// of any vendor, as text or octets. The error says what is wrong with s.
func Parse(s string) (Attribute, error) {
	left, value, ok := strings.Cut(s, "=")
	if !ok {
		return Attribute{}, fmt.Errorf("%q is not of the form NAME=VALUE", s)
	}
	name, tagText, hasTag := strings.Cut(strings.TrimSpace(left), ":")
	d, err := define(name)
	if err != nil {
		return Attribute{}, err
	}
	tag, err := d.tag(tagText, hasTag)
	if err != nil {
		return Attribute{}, err
	}
	b, err := d.encode(strings.TrimSpace(value), tag)
	if err != nil {
		return Attribute{}, fmt.Errorf("%s: %w", d.name, err)
	}
	avp, err := d.wrap(b)
	return Attribute{Key: fmt.Sprintf("%d.%d:%d", d.vendor, d.number, tag), AVP: avp}, err
}

// define finds the attribute of that name.
func define(name string) (definition, error) {
	if d, ok := dictionary[strings.ToLower(name)]; ok {
		return d, nil
	}
	rest, ok := strings.CutPrefix(strings.ToLower(name), "vendor(")
	if !ok {
		return definition{}, fmt.Errorf("%q is no attribute that a reply can carry; one of a vendor can be written Vendor(ID).NUMBER", name)
	}
	id, number, ok := strings.Cut(rest, ").")
	vendor, err1 := strconv.ParseUint(id, 10, 24)
	sub, err2 := strconv.ParseUint(number, 10, 8)
	if !ok || err1 != nil || err2 != nil || vendor == 0 || sub == 0 {
		return definition{}, fmt.Errorf("%q is not of the form Vendor(ID).NUMBER, such as Vendor(9).1", name)
	}
	if vendor == microsoft && (sub == 16 || sub == 17) {
		return definition{}, fmt.Errorf("%q holds keys that the authentication method makes", name)
	}
	return definition{name: name, vendor: uint32(vendor), number: byte(sub)}, nil
}

func (d definition) tag(text string, given bool) (byte, error) {
	if !given {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	switch {
	case !d.tagged():
		return 0, fmt.Errorf("%s takes no tag", d.name)
	case err != nil || n == 0 || n > maxTag:
		return 0, fmt.Errorf("%s: the tag %q is no number from 1 to %d", d.name, text, maxTag)
	}
	return byte(n), nil
}

// encode makes the value's octets, tag included.
func (d definition) encode(value string, tag byte) ([]byte, error) {
	switch d.kind {
	case text:
		return octets(value)
	case taggedText:
		b, err := octets(value)
		switch {
		case err != nil:
			return nil, err
		case tag != 0:
			return append([]byte{tag}, b...), nil
		case b[0] <= maxTag:
			return nil, errors.New("begins with an octet that would be read as a tag: give a tag")
		}
		return b, nil
	case integer:
		n, err := d.number32(value)
		return binary.BigEndian.AppendUint32(nil, n), err
	case taggedInt:
		n, err := d.number32(value)
		if err == nil && n >= 1<<24 {
			err = fmt.Errorf("%q does not fit 24 bits", value)
		}
		return binary.BigEndian.AppendUint32(nil, n|uint32(tag)<<24), err
	case vlan:
		return encodeVLAN(value)
	case interfaceID:
		return encodeInterface(value)
	default:
		return d.encodeAddress(value)
	}
}

func octets(value string) ([]byte, error) {
	if digits, ok := strings.CutPrefix(value, "0x"); ok {
		b, err := hex.DecodeString(digits)
		if err != nil || len(b) == 0 {
			return nil, fmt.Errorf("%q is not an even number of hexadecimal digits", value)
		}
		return b, nil
	}
	if value == "" {
		return nil, errors.New("has no value")
	}
	return []byte(value), nil
}

func (d definition) number32(value string) (uint32, error) {
	if n, ok := d.names[strings.ToLower(value)]; ok {
		return n, nil
	}
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number nor the name of a value", value)
	}
	return uint32(n), nil
}

// encodeVLAN reads "tagged:20" or "untagged:20".
func encodeVLAN(value string) ([]byte, error) {
	how, number, _ := strings.Cut(value, ":")
	first, known := map[string]uint32{"tagged": 0x31, "untagged": 0x32}[how]
	n, err := strconv.ParseUint(number, 10, 12)
	if !known || err != nil || n == 0 || n == 4095 {
		return nil, fmt.Errorf(`%q is not "tagged:N" or "untagged:N" with a VLAN from 1 to 4094`, value)
	}
	return binary.BigEndian.AppendUint32(nil, first<<24|uint32(n)), nil
}

func encodeInterface(value string) ([]byte, error) {
	a, err := netip.ParseAddr("::" + value)
	if err != nil || strings.Count(value, ":") != 3 {
		return nil, fmt.Errorf("%q is not four groups of hexadecimal digits", value)
	}
	b := a.As16()
	return b[8:], nil
}

func (d definition) encodeAddress(value string) ([]byte, error) {
	if d.kind == prefix6 {
		p, err := netip.ParsePrefix(value)
		if err != nil || !p.Addr().Is6() || p.Masked() != p {
			return nil, fmt.Errorf(`%q is no IPv6 prefix such as "2001:db8:1::/48"`, value)
		}
		b := p.Addr().As16()
		return append([]byte{0, byte(p.Bits())}, b[:(p.Bits()+7)/8]...), nil
	}
	a, err := netip.ParseAddr(value)
	if err != nil || a.Is4() != (d.kind == address4) || a.Zone() != "" {
		version := map[kind]string{address4: "IPv4", address6: "IPv6"}[d.kind]
		return nil, fmt.Errorf("%q is no %s address", value, version)
	}
	return a.AsSlice(), nil
}

// wrap puts a vendor's attribute into Vendor-Specific (RFC 2865 §5.26).
func (d definition) wrap(value []byte) (radius.AVP, error) {
	room := maxValue
	if d.vendor != 0 {
		room -= 6
	}
	if len(value) > room {
		return radius.AVP{}, fmt.Errorf("%s: the value is longer than the %d octets that fit", d.name, room)
	}
	if d.vendor == 0 {
		return radius.AVP{Type: radius.Type(d.number), Attribute: value}, nil
	}
	b := binary.BigEndian.AppendUint32(nil, d.vendor)
	b = append(b, d.number, byte(2+len(value)))
	return radius.AVP{Type: rfc2865.VendorSpecific_Type, Attribute: append(b, value...)}, nil
}
