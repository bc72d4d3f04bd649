package radiussrv

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"layeh.com/radius"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// What comes back from the network: Class, State, and answers to requests.

func sealer(f *testing.F) *policy.Engine {
	f.Helper()
	keys, err := secret.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	return policy.NewEngine(policy.EngineConfig{Keys: keys})
}

// noChance is the same in every process that fuzzes.
type noChance struct{}

func (noChance) Read(b []byte) (int, error) { return len(b), nil }

// FuzzClass brings back Classes. None means anything but the one that was made.
func FuzzClass(f *testing.F) {
	e := sealer(f)
	sealed, err := e.SealGrant(noChance{}, classUse, "", policy.Grant{})
	if err != nil {
		f.Fatal(err)
	}
	own := classMark + base64.RawURLEncoding.EncodeToString(sealed)
	for _, seed := range []string{
		own, own[:len(own)-1], own + "A", own + "=", own + "\n", "postern1." + own, "postern1.", "postern1", "", "staff;admins",
		"postern1.AAAA", "postern1.!", "postern1.a.b.c", "POSTERN1." + own[9:],
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, class string) {
		if _, ok := ReadClass(e, "vpn", class); ok != (class == own) {
			t.Errorf("%q is read: %v", class, ok)
		}
	})
}

// FuzzState brings back the States of questions for a code. No State opens but
// the one that was given, and that once.
func FuzzState(f *testing.F) {
	e := sealer(f)
	s, err := New(Config{Authenticator: halfRight{}, Grants: e})
	if err != nil {
		f.Fatal(err)
	}
	l := &listener{Server: s}
	asked := func() *exchange {
		x := &exchange{received: time.Unix(1900000000, 0), client: &client{Client: Client{Name: "vpn"}, spent: new(spent)}}
		x.from.peer = netip.MustParseAddrPort("192.0.2.1:1812")
		return x
	}
	at := binary.BigEndian.AppendUint64(nil, uint64(asked().received.UnixMilli()))
	sealed, err := e.SealGrant(noChance{}, askedUse, asked().askedOf(at, "ann"), policy.Grant{})
	if err != nil {
		f.Fatal(err)
	}
	given := append(at, sealed...)
	for _, seed := range [][]byte{given, given[:len(given)-1], given[:24], given[:8], given[:7], {}, append(bytes.Clone(given), 0), make([]byte, 253), bytes.Repeat([]byte{0xff}, len(given))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		x := asked()
		x.packet, x.shape.stateAt, x.shape.stateLen = append(make([]byte, headerLen), state...), headerLen, len(state)
		for _, want := range []int{1, 1} {
			l.answered(x, "ann")
			if !bytes.Equal(state, given) {
				want = 0
			}
			if len(x.client.spent.all) != want {
				t.Errorf("% x is spent: %d", state, len(x.client.spent.all))
			}
		}
	})
}

// FuzzDisconnectAnswer sends answers to a Disconnect-Request, as they are and
// with the right authenticators. None that is not authentic counts, and none
// that counts is cut.
func FuzzDisconnectAnswer(f *testing.F) {
	d := Disconnect{Secret: secret.NewText(fuzzSecret), Session: directory.NetworkSession{}, Random: noChance{}}
	request, err := d.encode()
	if err != nil {
		f.Fatal(err)
	}
	head := func(code radius.Code, rest ...byte) []byte {
		b := append([]byte{byte(code), request[1], 0, 0}, make([]byte, 16)...)
		b = append(b, rest...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		return b
	}
	cause := []byte{101, 6, 0, 0, 1, 247}
	signature := append([]byte{80, 18}, make([]byte, 16)...)
	for _, seed := range [][]byte{
		head(radius.CodeDisconnectACK), head(radius.CodeDisconnectNAK, cause...), head(radius.CodeDisconnectNAK, append(signature, cause...)...),
		head(radius.CodeDisconnectNAK, 101, 5, 0, 0, 1), head(radius.CodeDisconnectNAK, 101, 2), head(radius.CodeDisconnectNAK, 101, 0), head(radius.CodeDisconnectNAK, 101),
		head(radius.CodeDisconnectNAK, 101, 7, 0, 0, 1, 247), head(radius.CodeDisconnectNAK, append(cause, cause...)...), head(radius.CodeDisconnectNAK, 80, 17, 0),
		head(radius.CodeAccessAccept), head(radius.CodeCoAACK), {}, {41}, head(radius.CodeDisconnectACK)[:19],
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, authentic := range []bool{false, true} {
			answer, ok := frame(bytes.Clone(data[:min(len(data), radius.MaxPacketLength)]))
			if !ok {
				return
			}
			if authentic {
				answer[1] = request[1]
				authenticate(answer, request)
			}
			if !authenticAnswer(answer, request, []byte(fuzzSecret)) {
				continue
			}
			if !authentic && !radius.IsAuthenticResponse(answer, request, []byte(fuzzSecret)) {
				t.Errorf("% x counts", answer)
			}
			outcome, cause := judgeReply(answer)
			if (outcome == Disconnected) != (answer[0] == byte(radius.CodeDisconnectACK)) || outcome == AlreadyGone && cause != sessionContextNotFound {
				t.Errorf("% x is %q, %d", answer, outcome, cause)
			}
		}
	})
}

// authenticate puts the right authenticators into an answer.
func authenticate(answer, request []byte) {
	copy(answer[4:headerLen], request[4:headerLen])
	signer := newKeyring(secret.NewText(fuzzSecret)).get()
	if found, ok := inspect(answer); ok && found.mac != 0 {
		clear(answer[found.mac : found.mac+macLen])
		signer.mac.Reset()
		signer.mac.Write(answer)
		copy(answer[found.mac:], signer.mac.Sum(nil))
	}
	sum := md5.Sum(append(bytes.Clone(answer), fuzzSecret...))
	copy(answer[4:headerLen], sum[:])
}
