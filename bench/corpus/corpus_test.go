package corpus_test

import (
	"bytes"
	"testing"

	"postern/bench/corpus"
	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

var secret = []byte("0123456789abcdef")

func TestTheCorporaAreTheSameInEveryRun(t *testing.T) {
	for name, pair := range map[string][2][]corpus.Class{
		"LDAP":   {corpus.LDAP(5), corpus.LDAP(5)},
		"RADIUS": {corpus.RADIUS(secret, 5), corpus.RADIUS(secret, 5)},
	} {
		for i, class := range pair[0] {
			if len(class.Messages) == 0 {
				t.Errorf("%s: %s is empty", name, class.Name)
			}
			for j, message := range class.Messages {
				if !bytes.Equal(message, pair[1][i].Messages[j]) {
					t.Errorf("%s: message %d of %s differs", name, j, class.Name)
				}
			}
		}
	}
}

// TestRightMessagesAreRightAndHostileOnesAreRefused holds the decoder to
// the whole corpus: it may refuse, and must not fall.
func TestRightMessagesAreRightAndHostileOnesAreRefused(t *testing.T) {
	refused := 0
	for i, class := range corpus.LDAP(20) {
		for _, message := range class.Messages {
			_, size, length, err := ber.Header(message)
			if err != nil || size+length != len(message) {
				refused++
				if i == 0 {
					t.Errorf("%x is not one element: %v", message, err)
				}
				continue
			}
			if _, err := wire.Decode(message); err != nil {
				refused++
				if i == 0 {
					t.Errorf("%x: %v", message, err)
				}
			}
		}
	}
	if refused < 1000 {
		t.Errorf("%d messages were refused, want most of the corpus", refused)
	}
}

func TestRightRequestsAreSigned(t *testing.T) {
	for _, message := range corpus.RADIUS(secret, 1)[0].Messages {
		if len(message) < 38 || message[20] != 80 || bytes.Equal(message[22:38], make([]byte, 16)) {
			t.Errorf("%x is not signed", message)
		}
	}
}
