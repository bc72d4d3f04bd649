package eap

import (
	"slices"
	"strings"
)

// Method names a whole way to sign in, from the outside in: what is asked for
// first and what is presented inside. The same names stand in the
// configuration.
type Method string

// The methods. Those that begin with "ttls" and "peap" have a TLS tunnel around
// what is presented; of the others only EAP-TLS has.
const (
	TTLSPAP         Method = "ttls-pap"
	TTLSCHAP        Method = "ttls-chap"
	TTLSMSCHAPv1    Method = "ttls-mschapv1"
	TTLSMSCHAPv2    Method = "ttls-mschapv2"
	TTLSGTC         Method = "ttls-gtc"          // EAP-GTC inside EAP-TTLS
	TTLSEAPMSCHAPv2 Method = "ttls-eap-mschapv2" // EAP-MSCHAPv2 inside EAP-TTLS
	TTLSMD5         Method = "ttls-md5"          // EAP-MD5 inside EAP-TTLS
	PEAPMSCHAPv2    Method = "peap-mschapv2"
	PEAPGTC         Method = "peap-gtc"
	EAPTLS          Method = "eap-tls"
	EAPMSCHAPv2     Method = "eap-mschapv2" // bare
	EAPMD5          Method = "eap-md5"      // bare
)

// named is how a method is spoken.
type named struct {
	method Method
	outer  Type
	inner  Type // of the EAP method inside; 0: none
}

var allMethods = []named{
	{TTLSPAP, TypeTTLS, 0},
	{TTLSCHAP, TypeTTLS, 0},
	{TTLSMSCHAPv1, TypeTTLS, 0},
	{TTLSMSCHAPv2, TypeTTLS, 0},
	{TTLSGTC, TypeTTLS, TypeGTC},
	{TTLSEAPMSCHAPv2, TypeTTLS, TypeMSCHAPv2},
	{TTLSMD5, TypeTTLS, TypeMD5},
	{PEAPMSCHAPv2, TypePEAP, TypeMSCHAPv2},
	{PEAPGTC, TypePEAP, TypeGTC},
	{EAPTLS, TypeTLS, 0},
	{EAPMSCHAPv2, TypeMSCHAPv2, 0},
	{EAPMD5, TypeMD5, 0},
}

// find returns how m is spoken.
func (m Method) find() (named, bool) {
	i := slices.IndexFunc(allMethods, func(n named) bool { return n.method == m })
	if i < 0 {
		return named{}, false
	}
	return allMethods[i], true
}

// Known reports whether m is a method of this package.
func (m Method) Known() bool {
	_, ok := m.find()
	return ok
}

// NeedsTLS reports whether m needs a server certificate.
func (m Method) NeedsTLS() bool {
	return strings.HasPrefix(string(m), "ttls-") || strings.HasPrefix(string(m), "peap-") || m == EAPTLS
}

// outer are the types that may be asked for first, in the order of c.Methods.
func (c *Config) outer() []Type {
	var types []Type
	for _, m := range c.Methods {
		if n, ok := m.find(); ok && !slices.Contains(types, n.outer) {
			types = append(types, n.outer)
		}
	}
	return types
}

// inside are the EAP types that may be asked for inside outer, in the order of
// c.Methods.
func (c *Config) inside(outer Type) []Type {
	var types []Type
	for _, m := range c.Methods {
		if n, ok := m.find(); ok && n.outer == outer && n.inner != 0 {
			types = append(types, n.inner)
		}
	}
	return types
}

// allows reports whether m may be used.
func (c *Config) allows(m Method) bool { return slices.Contains(c.Methods, m) }
