package radiussrv

import (
	"encoding/base64"
	"strings"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"postern/policy"
	"postern/secret"
)

// Sealer authenticates what a device is to bring back. secret.Keys is one.
type Sealer interface {
	RowMAC(purpose string, fields ...[]byte) secret.MAC
	RowMACValid(m secret.MAC, purpose string, fields ...[]byte) bool
}

const (
	// classMark begins a Class of ours: devices bring back others' as well.
	classMark    = "postern1"
	classPurpose = "radius-class"
)

// classOf is a Class that says whose session an accepted one is (RFC 2865
// §5.25). Devices send it back with accounting, and nobody can make another.
// It is printable, for devices that take Class for a list of groups.
func classOf(seal Sealer, d policy.Decision) radius.AVP {
	mac := seal.RowMAC(classPurpose, []byte(d.Account), []byte(d.Credential))
	value := strings.Join([]string{classMark, d.Account, d.Credential, base64.RawURLEncoding.EncodeToString(mac[:])}, ".")
	return radius.AVP{Type: rfc2865.Class_Type, Attribute: []byte(value)}
}

// Granted reads whose session the request is about from the Class that the
// server gave it: the ids of the account and of the app password, "" for a
// primary password. ok is false where there is none, or none of ours.
func (r AccountingRequest) Granted(seal Sealer) (account, credential string, ok bool) {
	for _, a := range r.Attributes {
		if a.Type != rfc2865.Class_Type {
			continue
		}
		if account, credential, ok = readClass(seal, string(a.Attribute)); ok {
			return account, credential, true
		}
	}
	return "", "", false
}

func readClass(seal Sealer, value string) (account, credential string, ok bool) {
	parts := strings.Split(value, ".")
	if len(parts) != 4 || parts[0] != classMark {
		return "", "", false
	}
	var mac secret.MAC
	sum, err := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil || copy(mac[:], sum) != len(mac) || len(sum) != len(mac) {
		return "", "", false
	}
	return parts[1], parts[2], seal.RowMACValid(mac, classPurpose, []byte(parts[1]), []byte(parts[2]))
}
