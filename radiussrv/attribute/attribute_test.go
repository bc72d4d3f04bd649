package attribute

import (
	"encoding/hex"
	"testing"

	"layeh.com/radius"
)

// TestAttributesAsTheyGoOntoTheWire compares with octets put together by hand
// from the RFC that defines each form.
func TestAttributesAsTheyGoOntoTheWire(t *testing.T) {
	for in, want := range map[string]struct {
		kind radius.Type
		hex  string
	}{
		"Tunnel-Type:1=VLAN":                 {64, "0100000d"},
		"tunnel-type=13":                     {64, "0000000d"},
		"Tunnel-Medium-Type:1=IEEE-802":      {65, "01000006"},
		"Tunnel-Private-Group-ID:1=20":       {81, "013230"},
		"Tunnel-Private-Group-ID=staff":      {81, "7374616666"},
		"Filter-Id=guests":                   {11, "677565737473"},
		"Class=0x00ff":                       {25, "00ff"},
		"Session-Timeout=3600":               {27, "00000e10"},
		"Framed-IP-Address=192.0.2.7":        {8, "c0000207"},
		"Framed-IPv6-Prefix=2001:db8:1::/48": {97, "003020010db80001"},
		"Framed-IPv6-Address=2001:db8::1":    {168, "20010db8000000000000000000000001"},
		"Framed-Interface-Id=1:2:3:4":        {96, "0001000200030004"},
		"Egress-VLANID=tagged:20":            {56, "31000014"},
		"Service-Type=Administrative":        {6, "00000006"},
		"Cisco-AVPair=shell:priv-lvl=15":     {26, "00000009" + "0113" + hex.EncodeToString([]byte("shell:priv-lvl=15"))},
		"Mikrotik-Group = full":              {26, "00003a8c" + "0306" + "66756c6c"},
		"Vendor(12356).1=staff":              {26, "00003044" + "0107" + "7374616666"},
		"Aruba-User-Vlan=7":                  {26, "000039e7" + "0206" + "00000007"},
		"Reply-Message=Signed in = welcome":  {18, hex.EncodeToString([]byte("Signed in = welcome"))},
	} {
		a, err := Parse(in)
		if err != nil || a.AVP.Type != want.kind || hex.EncodeToString(a.AVP.Attribute) != want.hex {
			t.Errorf("%s: type %d, %x (%v); want type %d, %s", in, a.AVP.Type, a.AVP.Attribute, err, want.kind, want.hex)
		}
	}
}

func TestWhatIsNoAttributeOfAReply(t *testing.T) {
	for _, in := range []string{
		"", "Filter-Id", "Filter-Id=", "=x", "No-Such=1",
		"State=x", "Message-Authenticator=x", "Proxy-State=x", "EAP-Message=x", "User-Password=x",
		"Vendor(311).16=x", "Vendor(311).17=0x00", "Vendor(0).1=x", "Vendor(9).0=x", "Vendor(9).256=x", "Vendor(9)=x", "Vendor(x).1=y",
		"Tunnel-Type:0=VLAN", "Tunnel-Type:32=VLAN", "Tunnel-Type:x=VLAN", "Tunnel-Type=NOPE", "Tunnel-Type=16777216", "Filter-Id:1=x",
		"Tunnel-Private-Group-ID=0x0132",
		"Session-Timeout=-1", "Session-Timeout=4294967296", "Session-Timeout=1h",
		"Framed-IP-Address=2001:db8::1", "Framed-IP-Address=300.0.0.1", "Framed-IPv6-Address=192.0.2.1", "Framed-IPv6-Address=fe80::1%eth0",
		"Framed-IPv6-Prefix=2001:db8::1/48", "Framed-IPv6-Prefix=192.0.2.0/24",
		"Framed-Interface-Id=1:2:3", "Framed-Interface-Id=::1", "Egress-VLANID=20", "Egress-VLANID=tagged:4095", "Class=0x0", "Class=0xzz", "Class=0x",
		"Filter-Id=" + string(make([]byte, 254)), "Cisco-AVPair=" + string(make([]byte, 248)),
	} {
		if a, err := Parse(in); err == nil {
			t.Errorf("%q became %d %x", in, a.AVP.Type, a.AVP.Attribute)
		}
	}
}

func TestTheSameAttributeHasTheSameKey(t *testing.T) {
	key := func(s string) string {
		a, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return a.Key
	}
	if key("Cisco-AVPair=a") != key("vendor(9).1=b") {
		t.Error("one attribute under two names has two keys")
	}
	if key("Tunnel-Type:1=VLAN") == key("Tunnel-Type:2=VLAN") || key("Class=a") == key("Filter-Id=a") || key("Vendor(9).6=a") == key("Service-Type=1") {
		t.Error("two attributes share a key")
	}
}

func TestAnAttributeIsShownAsItIsWritten(t *testing.T) {
	for _, s := range []string{
		"Tunnel-Type:1=vlan", "Tunnel-Medium-Type=ieee-802", "Tunnel-Private-Group-ID:1=20", "Tunnel-Private-Group-ID=staff", "Filter-Id=a b",
		"Class=0x00ff", "Session-Timeout=3600", "Framed-IP-Address=192.0.2.7", "Framed-IPv6-Address=2001:db8::1", "Service-Type=administrative",
		"Cisco-AVPair=shell:priv-lvl=15", "Aruba-User-Vlan=7", "Vendor(4242).7=x", "Vendor(4242).7=0x0001",
	} {
		a, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := Format(a.AVP); got != s {
			t.Errorf("%s is shown as %s", s, got)
		}
	}
	for want, avp := range map[string]radius.AVP{
		"Attribute-200=0x01":          {Type: 200, Attribute: []byte{1}},
		"Attribute-26=0x00000009":     {Type: 26, Attribute: []byte{0, 0, 0, 9}},
		"Attribute-26=0x000000090107": {Type: 26, Attribute: []byte{0, 0, 0, 9, 1, 7}},
		"Session-Timeout=0x01":        {Type: 27, Attribute: []byte{1}},
		"Tunnel-Type=":                {Type: 64},
	} {
		if got := Format(avp); got != want {
			t.Errorf("%+v is shown as %s, want %s", avp, got, want)
		}
	}
}
