package radiussrv_test

import (
	"net/netip"
	"testing"
	"time"

	"layeh.com/radius"

	"postern/directory"
	"postern/radiussrv"
)

func reportOf(at time.Time, list ...radius.AVP) radiussrv.AccountingRequest {
	r := radiussrv.AccountingRequest{Client: "vpn", Remote: netip.MustParseAddrPort("192.0.2.9:1646"), At: at}
	for _, a := range list {
		r.Attributes.Add(a.Type, a.Attribute)
	}
	return r
}

func avp(kind radius.Type, value ...byte) radius.AVP { return radius.AVP{Type: kind, Attribute: value} }

func TestAReportIsReadWhole(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	r := reportOf(at,
		avp(40, 0, 0, 0, 2), avp(41, 0, 0, 0, 90), avp(44, []byte("5A")...), avp(1, []byte("ann")...), avp(32, []byte("gate")...), avp(4, 192, 0, 2, 1),
		avp(8, 10, 0, 0, 7), avp(31, []byte("198.51.100.4")...), avp(30, []byte("gate:corp")...), avp(87, []byte("port 7")...), avp(5, 0, 0, 0, 9),
		avp(46, 0, 0, 1, 0), avp(42, 0xff, 0xff, 0xff, 0xff), avp(52, 0, 0, 0, 3), avp(43, 0, 0, 0, 1), avp(53, 0xff, 0xff, 0xff, 0xff), avp(49, 0, 0, 0, 6))
	want := directory.AccountingRecord{
		Key:  directory.NetworkSessionKey{Client: "vpn", NAS: "gate", Session: "5A", UserName: "ann"},
		Kind: directory.AccountingStop, At: at.Add(-90 * time.Second), NASIdentifier: "gate", NASAddress: "192.0.2.1",
		Address: "10.0.0.7", Reported: "198.51.100.4", Called: "gate:corp", Port: "port 7", Seconds: 256,
		InOctets: 3<<32 | 0xffffffff, OutOctets: 0x7fffffff<<32 | 1, Cause: 6,
	}
	if got, ok := r.Record(); !ok || got != want {
		t.Errorf("%+v, %v\nwant %+v", got, ok, want)
	}
}

func TestADeviceIsKnownByItsNameOrElseItsAddress(t *testing.T) {
	start, id := avp(40, 0, 0, 0, 1), avp(44, '1')
	for want, list := range map[string][]radius.AVP{
		"gate":        {start, id, avp(32, []byte("gate")...), avp(4, 192, 0, 2, 1)},
		"192.0.2.1":   {start, id, avp(4, 192, 0, 2, 1)},
		"2001:db8::1": {start, id, avp(95, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)},
		"192.0.2.9":   {start, id, avp(4, 1, 2, 3)},
	} {
		if got, ok := reportOf(time.Now(), list...).Record(); !ok || got.Key.NAS != want {
			t.Errorf("%q, %v, want %q", got.Key.NAS, ok, want)
		}
	}
}

func TestWhatReportsNothingOfASession(t *testing.T) {
	for name, list := range map[string][]radius.AVP{
		"no status":         {avp(44, '1')},
		"a short status":    {avp(40, 1), avp(44, '1')},
		"a tunnel's status": {avp(40, 0, 0, 0, 9), avp(44, '1')},
		"no session":        {avp(40, 0, 0, 0, 1)},
		"an empty session":  {avp(40, 0, 0, 0, 1), avp(44)},
	} {
		if got, ok := reportOf(time.Now(), list...).Record(); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got, ok := reportOf(time.Now(), avp(40, 0, 0, 0, 7)).Record(); !ok || got.Kind != directory.AccountingOn {
		t.Errorf("a device that starts: %+v, %v", got, ok)
	}
}
