package radiussrv

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
	"layeh.com/radius/rfc6911"

	"postern/directory"
)

// maxDelay bounds what Acct-Delay-Time is believed (RFC 2866 §5.2): a device
// keeps reports for hours where its server is gone, not for weeks.
const maxDelay = 7 * 24 * time.Hour

// statuses are the values of Acct-Status-Type that are about sessions (RFC
// 2866 §5.1).
var statuses = map[uint32]directory.AccountingKind{
	1: directory.AccountingStart, 2: directory.AccountingStop, 3: directory.AccountingInterim,
	7: directory.AccountingOn, 8: directory.AccountingOff,
}

// Record is what the request reports. ok is false where it reports nothing
// about a session: a status that RFC 2866 does not define, such as those of
// tunnels, or no Acct-Session-Id. AccountID and Credential are for the caller.
//
// The moment is that of receipt less Acct-Delay-Time: a device's own clock
// (Event-Timestamp) may be anywhere.
func (r AccountingRequest) Record() (rec directory.AccountingRecord, ok bool) {
	a := reader(r.Attributes)
	kind, known := statuses[a.number(rfc2866.AcctStatusType_Type)]
	delay := min(time.Duration(a.number(rfc2866.AcctDelayTime_Type))*time.Second, maxDelay)
	rec = directory.AccountingRecord{
		Kind: kind, At: r.At.Add(-delay),
		NASIdentifier: a.text(rfc2865.NASIdentifier_Type), NASAddress: a.address(rfc2865.NASIPAddress_Type, rfc3162.NASIPv6Address_Type),
		Address:  a.address(rfc2865.FramedIPAddress_Type, rfc6911.FramedIPv6Address_Type),
		Reported: a.text(rfc2865.CallingStationID_Type), Called: a.text(rfc2865.CalledStationID_Type),
		Port:     a.port(),
		Seconds:  int64(a.number(rfc2866.AcctSessionTime_Type)),
		InOctets: a.octets(rfc2866.AcctInputOctets_Type, rfc2869.AcctInputGigawords_Type), OutOctets: a.octets(rfc2866.AcctOutputOctets_Type, rfc2869.AcctOutputGigawords_Type),
		Cause: int64(a.number(rfc2866.AcctTerminateCause_Type)),
	}
	rec.Key = directory.NetworkSessionKey{Client: r.Client, NAS: rec.NASIdentifier, Session: a.text(rfc2866.AcctSessionID_Type), UserName: a.text(rfc2865.UserName_Type)}
	if rec.Key.NAS == "" {
		rec.Key.NAS = rec.NASAddress
	}
	if rec.Key.NAS == "" {
		rec.Key.NAS = r.Remote.Addr().Unmap().String()
	}
	return rec, known && (kind.WholeDevice() || rec.Key.Session != "")
}

// reader reads attributes as a report holds them. One that is not what it
// should be counts as absent: a report with a bad address is still a report.
type reader radius.Attributes

func (a reader) get(kind radius.Type) []byte {
	for _, avp := range a {
		if avp.Type == kind {
			return avp.Attribute
		}
	}
	return nil
}

func (a reader) text(kind radius.Type) string { return printable(a.get(kind)) }

func (a reader) number(kind radius.Type) uint32 {
	if b := a.get(kind); len(b) == 4 {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// octets adds the upper half of a counter (RFC 2869 §5.1, §5.2). A counter of
// more than 63 bits is nobody's.
func (a reader) octets(low, high radius.Type) int64 {
	return int64(a.number(high)&0x7fffffff)<<32 | int64(a.number(low))
}

func (a reader) address(kinds ...radius.Type) string {
	for _, kind := range kinds {
		if addr, ok := netip.AddrFromSlice(a.get(kind)); ok {
			return addr.String()
		}
	}
	return ""
}

func (a reader) port() string {
	if id := a.text(rfc2869.NASPortID_Type); id != "" {
		return id
	}
	if b := a.get(rfc2865.NASPort_Type); len(b) == 4 {
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(b)), 10)
	}
	return ""
}
