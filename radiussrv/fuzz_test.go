package radiussrv

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"layeh.com/radius"

	"postern/policy"
	"postern/secret"
)

// halfRight accepts passwords of even length, so that both replies occur.
type halfRight struct{}

func (halfRight) Authenticate(_ context.Context, a policy.Attempt) policy.Decision {
	if a.Secret.Len()%2 == 0 {
		return policy.Decision{Outcome: policy.Accept}
	}
	return policy.Decision{}
}

func (halfRight) Keep(context.Context, AccountingRequest) error { return nil }

// outbox is a socket that keeps what is sent.
type outbox struct{ replies [][]byte }

func (o *outbox) write(reply []byte, _ origin) error {
	o.replies = append(o.replies, reply)
	return nil
}

const fuzzSecret = "the secret of the fuzzer"

// desk is a listener without a socket or workers of its own: what it is given
// is done before the call returns.
type desk struct {
	*listener
	sent          *outbox
	allowUnsigned bool
}

func newDesk(f *testing.F, role Role, allowUnsigned bool) desk {
	s, err := New(Config{
		Authenticator: halfRight{}, Ledger: halfRight{}, DuplicateTTL: 1, StatusRate: 1e9,
		Clients: []Client{{
			Name: "fuzzer", Address: netip.MustParsePrefix("127.0.0.1/32"), Secret: secret.NewText(fuzzSecret),
			Methods: []Method{PAP}, AllowUnsigned: allowUnsigned, AllowUnsignedProxyState: allowUnsigned,
		}},
	})
	if err != nil {
		f.Fatal(err)
	}
	l := &listener{Server: s, role: role, workers: newCrew(0, 1, nil, nil)} // what is to be done waits for the test to do it
	return desk{l, &outbox{}, allowUnsigned}
}

// answers puts one datagram through everything between the socket's two ends,
// and returns what was sent.
func (d desk) answers(t *testing.T, data []byte) [][]byte {
	d.sent.replies = nil
	x := &exchange{from: origin{via: d.sent, peer: netip.MustParseAddrPort("127.0.0.1:1812")}}
	x.got = copy(x.buf[:], data)
	if d.receive(x, time.Now()) {
		d.work(t.Context(), <-d.workers.waiting, nil)
	}
	if d.Stats().Dropped[DropPanic.String()] != 0 {
		t.Fatalf("a panic on % x", data)
	}
	return d.sent.replies
}

// authenticated returns data with right authenticators wherever it has room
// for them, so that the fuzzer gets past them.
func authenticated(data []byte) []byte {
	data = bytes.Clone(data)
	packet, ok := frame(data)
	if !ok {
		return data
	}
	signer := newKeyring(secret.NewText(fuzzSecret)).get()
	if found, ok := inspect(packet); ok && found.mac != 0 {
		value := packet[found.mac : found.mac+macLen]
		clear(value)
		signer.mac.Reset()
		if packet[0] == byte(radius.CodeAccountingRequest) {
			clear(packet[4:headerLen])
		}
		signer.mac.Write(packet)
		copy(value, signer.mac.Sum(nil))
	}
	if packet[0] == byte(radius.CodeAccountingRequest) {
		clear(packet[4:headerLen])
		signer.md5.Reset()
		signer.md5.Write(packet)
		signer.md5.Write(signer.secret)
		copy(packet[4:headerLen], signer.md5.Sum(nil))
	}
	return data
}

// FuzzDatagram sends any octets to both ports, as they are and with their
// authenticators put right, to a strict client and to a lenient one.
func FuzzDatagram(f *testing.F) {
	var desks []desk
	for _, role := range []Role{Authentication, Accounting} {
		for _, allowUnsigned := range []bool{false, true} {
			desks = append(desks, newDesk(f, role, allowUnsigned))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), radius.MaxPacketLength)]
		checkCodec(t, data)
		for _, d := range desks {
			for _, sent := range [][]byte{data, authenticated(data)} {
				checkAnswers(t, sent, d.allowUnsigned, d.answers(t, sent))
			}
		}
	})
}

// checkCodec fails where the walk lets through what the codec does not take.
func checkCodec(t *testing.T, data []byte) {
	packet, ok := frame(data)
	if !ok {
		return
	}
	if _, ok := inspect(packet); !ok {
		return
	}
	if _, err := radius.Parse(packet, nil); err != nil {
		t.Errorf("inspect passed what the codec refuses: %v", err)
	}
}

// checkAnswers holds for whatever was sent.
func checkAnswers(t *testing.T, sent []byte, allowUnsigned bool, replies [][]byte) {
	if len(replies) == 0 {
		return
	}
	if len(replies) > 1 {
		t.Fatalf("%d replies to one datagram", len(replies))
	}
	reply := replies[0]
	packet, ok := frame(sent)
	if !ok {
		t.Fatal("no packet was answered")
	}
	if !radius.IsAuthenticResponse(reply, packet, []byte(fuzzSecret)) || reply[1] != packet[1] {
		t.Errorf("the answer % x does not belong to % x", reply, packet)
	}
	if int(binary.BigEndian.Uint16(reply[2:])) != len(reply) {
		t.Errorf("the answer's Length is %d, its length %d", binary.BigEndian.Uint16(reply[2:]), len(reply))
	}
	if reply[0] != byte(radius.CodeAccountingResponse) && reply[headerLen] != 80 {
		t.Errorf("the answer's first attribute is %d", reply[headerLen])
	}
	found, _ := inspect(packet)
	if found.mac == 0 && !allowUnsigned && packet[0] != byte(radius.CodeAccountingRequest) {
		t.Error("an unsigned packet was answered")
	}
	if !bytes.Equal(authenticated(packet), packet) {
		t.Error("a packet with a wrong authenticator was answered")
	}
}
