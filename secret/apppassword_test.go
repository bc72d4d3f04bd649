package secret

import (
	"crypto/rand"
	"testing"
)

func TestAnAppPasswordIsRecognisedAsItWasMade(t *testing.T) {
	for _, f := range []Format{Standard, Compact} {
		made, err := NewAppPassword(rand.Reader, f)
		if err != nil {
			t.Fatal(err)
		}
		got, gotFormat, ok := Recognise(made)
		if !ok || gotFormat != f || !got.Equal(made) || got.Len() != f.length() {
			t.Errorf("%v: recognised %v as %v, equal %v, %d letters", f, ok, gotFormat, got.Equal(made), got.Len())
		}
	}
}
