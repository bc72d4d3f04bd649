package people_test

import (
	"bytes"
	"testing"

	"postern/bench/people"
)

// The NT hash is that of RFC 2759 §9.2.
func TestNTUser(t *testing.T) {
	var b bytes.Buffer
	if err := people.NTUser(&b, "User", "clientPass"); err != nil || b.String() != "User NT-Password := 0x44ebba8d5312b8d611474411f56989ae\n" {
		t.Errorf("%q (%v)", b.String(), err)
	}
}
