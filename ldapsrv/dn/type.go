package dn

import "strings"

// knownTypes are the attribute types of RFC 4514 §3 with their OIDs and the
// longer names that RFC 4519 gives them.
var knownTypes = [...]struct{ short, long, oid string }{
	{"cn", "commonname", "2.5.4.3"},
	{"l", "localityname", "2.5.4.7"},
	{"st", "stateorprovincename", "2.5.4.8"},
	{"o", "organizationname", "2.5.4.10"},
	{"ou", "organizationalunitname", "2.5.4.11"},
	{"c", "countryname", "2.5.4.6"},
	{"street", "streetaddress", "2.5.4.9"},
	{"dc", "domaincomponent", "0.9.2342.19200300.100.1.25"},
	{"uid", "userid", "0.9.2342.19200300.100.1.1"},
}

// canonicalType returns the Type of an AVA whose type is written t, and false
// where t is no attribute type (RFC 4512 §1.4).
func canonicalType(t string) (string, bool) {
	if len(t) > 4 && strings.EqualFold(t[:4], "oid.") {
		t = t[4:]
	}
	if !isDescriptor(t) && !isDotted(t) {
		return "", false
	}
	for _, k := range knownTypes {
		if strings.EqualFold(t, k.short) || t == k.oid || strings.EqualFold(t, k.long) {
			return k.short, true
		}
	}
	return strings.ToLower(t), true
}

// isDescriptor reports whether t is a keystring: a letter, then letters,
// digits and hyphens.
func isDescriptor(t string) bool {
	for i := range len(t) {
		c := t[i] | 0x20
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !isDigit(t[i]) && t[i] != '-') {
			return false
		}
	}
	return t != ""
}

// isDotted reports whether t is a numericoid: numbers without leading zeros,
// two at least, with dots between.
func isDotted(t string) bool {
	numbers := 0
	for number := range strings.SplitSeq(t, ".") {
		if number == "" || len(number) > 1 && number[0] == '0' {
			return false
		}
		for i := range len(number) {
			if !isDigit(number[i]) {
				return false
			}
		}
		numbers++
	}
	return numbers > 1
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
