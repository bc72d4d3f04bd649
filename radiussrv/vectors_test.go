package radiussrv

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"postern/secret"
)

// The examples of the RFCs use a secret of nine characters, which no Client
// may have, so they are tried on the parts.
var exampleSecret = secret.NewText("xyzzy5461")

func octets(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRFC2865Section7_1UserTelnetToSpecifiedHost(t *testing.T) {
	packet := octets(t, `01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb
		98 f4 22 7a 01 06 6e 65 6d 6f 02 12 0d be 70 8d
		93 d4 13 ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8
		01 10 05 06 00 00 00 03`)
	found, ok := inspect(packet)
	if !ok || found != (shape{count: 4, credentials: userPassword}) {
		t.Fatalf("inspect said %+v, %v", found, ok)
	}
	c := &client{Client: Client{Name: "nas", AllowUnsigned: true}, key: newKeyring(exampleSecret)}
	x := &exchange{packet: packet, shape: found, client: c}
	request := x.parse()
	p, why := x.presented(request)
	if why != "" || p.method != PAP {
		t.Fatalf("not taken as PAP but %q: %s", p.method, why)
	}
	if a := x.attempt(request, p); a.Login != "nemo" || a.Secret.Reveal() != "arctangent" {
		t.Errorf("attempt of %q with %q", a.Login, a.Secret.Reveal())
	}

	reply := octets(t, `02 00 00 26 86 fe 22 0e 76 24 ba 2a 10 05 f6 bf
		9b 55 e0 b2 06 06 00 00 00 01 0f 06 00 00 00 00
		0e 06 c0 a8 01 03`)
	sealed := bytes.Clone(reply)
	copy(sealed[4:], packet[4:20])
	c.key.get().seal(sealed, false)
	if !bytes.Equal(sealed, reply) {
		t.Errorf("sealed reply % x, want % x", sealed, reply)
	}
}

func TestRFC5997Section6StatusServer(t *testing.T) {
	for name, c := range map[string]struct {
		role          Role
		query, answer string
	}{
		"6.1 authentication port": {
			role: Authentication,
			query: `0c da 00 26 8a 54 f4 68 6f b3 94 c5 28 66 e3 02
				18 5d 06 23 50 12 5a 66 5e 2e 1e 84 11 f3 e2 43
				82 20 97 c8 4f a3`,
			answer: `02 da 00 14 ef 0d 55 2a 4b f2 d6 93 ec 2b 6f e8
				b5 41 1d 66`,
		},
		"6.2 accounting port": {
			role: Accounting,
			query: `0c b3 00 26 92 5f 6b 66 dd 5f ed 57 1f cb 1d b7
				ad 38 82 60 50 12 e8 d6 ea bd a9 10 87 5c d9 1f
				da de 26 36 78 58`,
			answer: `05 b3 00 14 0f 6f 92 14 5f 10 7e 2f 50 4e 86 0a
				48 60 66 9c`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			query := octets(t, c.query)
			l := &listener{role: c.role}
			x := &exchange{client: &client{key: newKeyring(exampleSecret)}}
			if why, ok := l.admit(x, query); !ok {
				t.Fatalf("the query was dropped as %v", why)
			}
			answer := octets(t, c.answer)
			sealed := bytes.Clone(answer)
			copy(sealed[4:], query[4:20])
			x.client.key.get().seal(sealed, false)
			if !bytes.Equal(sealed, answer) {
				t.Errorf("sealed answer % x, want % x", sealed, answer)
			}
		})
	}
}
