package radiussrv

import (
	"slices"

	"postern/policy"
	"postern/radiussrv/eap"
)

// Method is a way to present a credential, as the configuration names it: one
// of the constants here, or one of eap.Method.
type Method string

// The methods without EAP.
const (
	// PAP presents the secret in clear inside User-Password (RFC 2865 §5.2).
	PAP Method = "pap"
	// CHAP is RFC 2865 §5.3.
	CHAP Method = "chap"
	// MSCHAPv1 and MSCHAPv2 are RFC 2548 §2.
	MSCHAPv1 Method = "mschapv1"
	MSCHAPv2 Method = "mschapv2"
)

// exposed are the challenge methods without TLS around them. Outside TLS a
// recording of MS-CHAP gives the NT hash away, whatever the length of the
// password, and CHAP needs secrets that can be read back.
var exposed = []Method{CHAP, MSCHAPv1, MSCHAPv2, Method(eap.EAPMSCHAPv2), Method(eap.EAPMD5)}

// Exposed reports whether m is a challenge method that needs a protected link.
func (m Method) Exposed() bool { return slices.Contains(exposed, m) }

// NeedsTLS reports whether m needs the certificate of Config.EAP.
func (m Method) NeedsTLS() bool { return eap.Method(m).NeedsTLS() }

// Known reports whether this server speaks m.
func (m Method) Known() bool {
	return m == PAP || m == CHAP || m == MSCHAPv1 || m == MSCHAPv2 || eap.Method(m).Known()
}

// allows reports whether the client may use m on this link.
func (c *client) allows(m Method, protected bool) bool {
	return slices.Contains(c.Methods, m) && (protected || c.InsecureMSCHAP || !m.Exposed())
}

// eapMethods are the EAP methods the client may use on this link, in the order
// it names them. Without a certificate, those that need one are left out.
func (c *client) eapMethods(protected, certified bool) []eap.Method {
	var list []eap.Method
	for _, m := range c.Methods {
		if eap.Method(m).Known() && c.allows(m, protected) && (certified || !m.NeedsTLS()) {
			list = append(list, eap.Method(m))
		}
	}
	return list
}

// kindFor says what kind of client it is in that method: only over PAP can it
// send a code.
func (c *client) kindFor(m Method) policy.ClientKind {
	if m == PAP {
		return c.kind
	}
	return policy.Legacy
}
