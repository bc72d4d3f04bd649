package attribute

import "strings"

// kind is how a value is written and encoded.
type kind uint8

const (
	text        kind = iota // UTF-8, or octets as 0x…
	integer                 // 32 bits, or one of names
	address4                // an IPv4 address
	address6                // an IPv6 address
	prefix6                 // an IPv6 prefix
	interfaceID             // four groups of hexadecimal digits (RFC 3162 §2.2)
	taggedText              // text behind a tag (RFC 2868 §3)
	taggedInt               // 24 bits behind a tag
	vlan                    // Egress-VLANID: tagged or untagged, and a VLAN (RFC 4675 §2.1)
)

// definition is what is known of one attribute. vendor 0 is none.
type definition struct {
	name   string
	vendor uint32
	number byte
	kind   kind
	names  map[string]uint32 // of an integer's values
}

func (d definition) tagged() bool { return d.kind == taggedText || d.kind == taggedInt }

// Names of values (RFC 2865, 2868, 2869, 3580).
var (
	serviceTypes = map[string]uint32{
		"login": 1, "framed": 2, "callback-login": 3, "callback-framed": 4, "outbound": 5, "administrative": 6,
		"nas-prompt": 7, "authenticate-only": 8, "callback-nas-prompt": 9, "call-check": 10,
	}
	framedProtocols    = map[string]uint32{"ppp": 1, "slip": 2}
	terminationActions = map[string]uint32{"default": 0, "radius-request": 1}
	tunnelTypes        = map[string]uint32{
		"pptp": 1, "l2f": 2, "l2tp": 3, "atmp": 4, "vtp": 5, "ah": 6, "ip-ip": 7, "min-ip-ip": 8, "esp": 9, "gre": 10,
		"dvs": 11, "ip-in-ip": 12, "vlan": 13,
	}
	tunnelMedia = map[string]uint32{"ipv4": 1, "ipv6": 2, "nsap": 3, "hdlc": 4, "bbn-1822": 5, "ieee-802": 6}
	compression = map[string]uint32{"none": 0, "van-jacobson-tcp-ip": 1, "ipx-header": 2, "stac-lzs": 3}
	ingress     = map[string]uint32{"enabled": 1, "disabled": 2}
)

const (
	cisco      = 9
	microsoft  = 311
	juniper    = 2636
	fortinet   = 12356
	pfSense    = 13644
	wispr      = 14122
	airespace  = 14179
	aruba      = 14823
	mikrotik   = 14988
	ruckus     = 25053
	paloAlto   = 25461
	sonicWALL  = 8741
	checkPoint = 2620
)

var dictionary = index(
	definition{name: "Service-Type", number: 6, kind: integer, names: serviceTypes},
	definition{name: "Framed-Protocol", number: 7, kind: integer, names: framedProtocols},
	definition{name: "Framed-IP-Address", number: 8, kind: address4},
	definition{name: "Framed-IP-Netmask", number: 9, kind: address4},
	definition{name: "Filter-Id", number: 11},
	definition{name: "Framed-MTU", number: 12, kind: integer},
	definition{name: "Framed-Compression", number: 13, kind: integer, names: compression},
	definition{name: "Login-IP-Host", number: 14, kind: address4},
	definition{name: "Reply-Message", number: 18},
	definition{name: "Framed-Route", number: 22},
	definition{name: "Class", number: 25},
	definition{name: "Session-Timeout", number: 27, kind: integer},
	definition{name: "Idle-Timeout", number: 28, kind: integer},
	definition{name: "Termination-Action", number: 29, kind: integer, names: terminationActions},
	definition{name: "Port-Limit", number: 62, kind: integer},
	definition{name: "Egress-VLANID", number: 56, kind: vlan},
	definition{name: "Ingress-Filters", number: 57, kind: integer, names: ingress},
	definition{name: "Egress-VLAN-Name", number: 58},
	definition{name: "Tunnel-Type", number: 64, kind: taggedInt, names: tunnelTypes},
	definition{name: "Tunnel-Medium-Type", number: 65, kind: taggedInt, names: tunnelMedia},
	definition{name: "Tunnel-Client-Endpoint", number: 66, kind: taggedText},
	definition{name: "Tunnel-Server-Endpoint", number: 67, kind: taggedText},
	definition{name: "Tunnel-Private-Group-ID", number: 81, kind: taggedText},
	definition{name: "Tunnel-Assignment-ID", number: 82, kind: taggedText},
	definition{name: "Tunnel-Preference", number: 83, kind: taggedInt},
	definition{name: "Acct-Interim-Interval", number: 85, kind: integer},
	definition{name: "Framed-Pool", number: 88},
	definition{name: "Framed-Interface-Id", number: 96, kind: interfaceID},
	definition{name: "Framed-IPv6-Prefix", number: 97, kind: prefix6},
	definition{name: "Framed-IPv6-Route", number: 99},
	definition{name: "Framed-IPv6-Pool", number: 100},
	definition{name: "NAS-Filter-Rule", number: 92},
	definition{name: "Delegated-IPv6-Prefix", number: 123, kind: prefix6},
	definition{name: "Framed-IPv6-Address", number: 168, kind: address6},
	definition{name: "DNS-Server-IPv6-Address", number: 169, kind: address6},

	definition{name: "Cisco-AVPair", vendor: cisco, number: 1},
	definition{name: "MS-Primary-DNS-Server", vendor: microsoft, number: 28, kind: address4},
	definition{name: "MS-Secondary-DNS-Server", vendor: microsoft, number: 29, kind: address4},
	definition{name: "MS-Primary-NBNS-Server", vendor: microsoft, number: 30, kind: address4},
	definition{name: "MS-Secondary-NBNS-Server", vendor: microsoft, number: 31, kind: address4},
	definition{name: "CheckPoint-Gaia-User-Role", vendor: checkPoint, number: 229},
	definition{name: "Juniper-Local-User-Name", vendor: juniper, number: 1},
	definition{name: "SonicWALL-User-Group", vendor: sonicWALL, number: 3},
	definition{name: "Fortinet-Group-Name", vendor: fortinet, number: 1},
	definition{name: "Fortinet-Client-IP-Address", vendor: fortinet, number: 2, kind: address4},
	definition{name: "Fortinet-Vdom-Name", vendor: fortinet, number: 3},
	definition{name: "Fortinet-Access-Profile", vendor: fortinet, number: 6},
	definition{name: "pfSense-Bandwidth-Max-Up", vendor: pfSense, number: 1, kind: integer},
	definition{name: "pfSense-Bandwidth-Max-Down", vendor: pfSense, number: 2, kind: integer},
	definition{name: "WISPr-Redirection-URL", vendor: wispr, number: 4},
	definition{name: "WISPr-Bandwidth-Max-Up", vendor: wispr, number: 7, kind: integer},
	definition{name: "WISPr-Bandwidth-Max-Down", vendor: wispr, number: 8, kind: integer},
	definition{name: "Airespace-Interface-Name", vendor: airespace, number: 5},
	definition{name: "Airespace-ACL-Name", vendor: airespace, number: 6},
	definition{name: "Aruba-User-Role", vendor: aruba, number: 1},
	definition{name: "Aruba-User-Vlan", vendor: aruba, number: 2, kind: integer},
	definition{name: "Aruba-Admin-Role", vendor: aruba, number: 4},
	definition{name: "Mikrotik-Recv-Limit", vendor: mikrotik, number: 1, kind: integer},
	definition{name: "Mikrotik-Xmit-Limit", vendor: mikrotik, number: 2, kind: integer},
	definition{name: "Mikrotik-Group", vendor: mikrotik, number: 3},
	definition{name: "Mikrotik-Rate-Limit", vendor: mikrotik, number: 8},
	definition{name: "Mikrotik-Address-List", vendor: mikrotik, number: 19},
	definition{name: "Ruckus-User-Groups", vendor: ruckus, number: 1},
	definition{name: "PaloAlto-Admin-Role", vendor: paloAlto, number: 1},
	definition{name: "PaloAlto-Admin-Access-Domain", vendor: paloAlto, number: 2},
	definition{name: "PaloAlto-User-Group", vendor: paloAlto, number: 5},
)

func index(list ...definition) map[string]definition {
	known := make(map[string]definition, len(list))
	for _, d := range list {
		known[strings.ToLower(d.name)] = d
	}
	return known
}
