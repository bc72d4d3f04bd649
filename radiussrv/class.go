package radiussrv

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"postern/policy"
)

// Grants writes what a decision rests on in a form that the network may keep,
// and reads it again when it comes back. policy.Engine does.
type Grants interface {
	SealGrant(random io.Reader, use, bound string, g policy.Grant) ([]byte, error)
	OpenGrant(use, bound, client string, sealed []byte) (policy.Grant, error)
}

const (
	// classMark begins a Class of ours: devices bring back others' as well.
	classMark = "postern1."
	classUse  = "radius-class"
)

// classOf is a Class that says what an accepted session rests on (RFC 2865
// §5.25). Devices send it back with accounting; nobody can make another, or
// read it. It is printable, for devices that take Class for a list of groups.
func classOf(grants Grants, d policy.Decision) (*radius.AVP, error) {
	sealed, err := grants.SealGrant(rand.Reader, classUse, "", d.Grant)
	if err != nil {
		return nil, fmt.Errorf("making a Class: %w", err)
	}
	return &radius.AVP{Type: rfc2865.Class_Type, Attribute: []byte(classMark + base64.RawURLEncoding.EncodeToString(sealed))}, nil
}

// Class returns the Class of ours that the request brings back, and what the
// session was granted for. ok is false where there is none.
func (r AccountingRequest) Class(grants Grants) (class string, granted policy.Grant, ok bool) {
	for _, a := range r.Attributes {
		if a.Type != rfc2865.Class_Type {
			continue
		}
		if granted, ok = ReadClass(grants, r.Client, string(a.Attribute)); ok {
			return string(a.Attribute), granted, true
		}
	}
	return "", policy.Grant{}, false
}

// ReadClass reads what a session at the client of that name was granted for
// from its Class. ok is false where it is none of ours.
func ReadClass(grants Grants, client, class string) (granted policy.Grant, ok bool) {
	text, ours := strings.CutPrefix(class, classMark)
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if !ours || err != nil || base64.RawURLEncoding.EncodeToString(sealed) != text { // it has one spelling
		return policy.Grant{}, false
	}
	granted, err = grants.OpenGrant(classUse, "", client, sealed)
	return granted, err == nil
}
