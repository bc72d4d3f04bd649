package config

import (
	"slices"
	"strings"
	"time"
)

// RADIUSMethods are what may stand in RADIUSClient.Methods. A name says the
// whole way from the outside in: "ttls-pap" is EAP-TTLS with PAP inside.
var RADIUSMethods = []string{
	"pap", "chap", "mschapv1", "mschapv2",
	"ttls-pap", "ttls-gtc", "ttls-mschapv2", "ttls-eap-mschapv2", "ttls-chap", "ttls-mschapv1", "ttls-md5",
	"peap-mschapv2", "peap-gtc", "eap-tls",
	"eap-mschapv2", "eap-md5",
}

// exposedMethods are the challenge methods that have no TLS around them.
var exposedMethods = []string{"chap", "mschapv1", "mschapv2", "eap-mschapv2", "eap-md5"}

const (
	maxResumption = 24 * time.Hour
	leastFragment = 100
	mostFragment  = 1400
)

func needsEAP(method string) bool {
	return strings.HasPrefix(method, "ttls-") || strings.HasPrefix(method, "peap-") || method == "eap-tls"
}

func (e *EAP) check(p *problems, where *places) {
	if !where.has("radius.eap") {
		return
	}
	checkNeeded(p, "radius.eap.certificate", e.Certificate)
	checkNeeded(p, "radius.eap.key", e.Key)
	checkWord(p, "radius.eap.min_tls", e.MinTLS, "1.2", "1.3")
	checkRange(p, "radius.eap.fragment", e.Fragment, leastFragment, mostFragment)
	if e.Resumption < 0 || e.Resumption > maxResumption {
		p.add("radius.eap.resumption", `must lie between "0s", which is never, and "24h"`)
	}
}

// protected says that there is TLS around all that the client sends.
func (c *RADIUSClient) protected() bool { return c.Transport == "tls" }

// checkMethods refuses methods that could never be used.
func (c *RADIUSClient) checkMethods(p *problems, at string, where *places) {
	checkWords(p, at+".methods", c.Methods, RADIUSMethods...)
	for i, m := range c.Methods {
		key := index(at+".methods", i)
		switch {
		case needsEAP(m) && !where.has("radius.eap"):
			p.add(key, "%q needs a certificate: add [radius.eap] with certificate and key", m)
		case slices.Contains(exposedMethods, m) && !c.InsecureMSCHAP && !c.protected():
			p.add(key, "%q can be broken from a recording where no TLS is around it: use ttls-pap or peap-mschapv2, or set insecure_mschap = true to allow it", m)
		}
	}
}
