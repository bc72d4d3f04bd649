package ldapsrv

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
	"postern/policy"
)

// script is a connection on which a client has said all it will say.
type script struct {
	io.Reader
	said bytes.Buffer
}

func (s *script) Write(b []byte) (int, error)    { return s.said.Write(b) }
func (*script) Close() error                     { return nil }
func (*script) LocalAddr() net.Addr              { return nil }
func (*script) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(loopback) }
func (*script) SetDeadline(time.Time) error      { return nil }
func (*script) SetReadDeadline(time.Time) error  { return nil }
func (*script) SetWriteDeadline(time.Time) error { return nil }

// play runs a connection of srv over what in says, and returns what it answers
// and whether it was bound at the end.
func play(t *testing.T, srv *Server, in io.Reader) (answers []byte, bound bool) {
	t.Helper()
	raw := &script{Reader: in}
	ticket, how := srv.gate.admit(loopback.Addr(), false, func() {})
	if how != admitted {
		t.Fatal("there is no room for the connection")
	}
	defer srv.gate.leave(ticket)
	c := &conn{srv: srv, raw: raw, rw: raw, ticket: ticket}
	c.session = session{service: &srv.service, peer: peer{remote: loopback}}
	c.serve(t.Context(), false)
	return raw.said.Bytes(), c.session.who.bound
}

// FuzzSession plays whatever bytes to a connection, from the socket to the
// session and back. It shows that nothing breaks, that all that is answered is
// LDAP, that nobody is bound whom the decision did not accept, and that it does
// not matter in what pieces the bytes come.
func FuzzSession(f *testing.F) {
	for _, seed := range [][][]byte{
		{bindMessage(1, annName, "right"), whoAmIMessage(2), unbindMessage(3)},
		{bindMessage(1, annName, "wrong"), whoAmIMessage(2)},
		{bindMessage(1, "", ""), searchMessage(2, "", wire.BaseObject, present("objectClass"), []string{"+", "*"})},
		{saslBind(1, "PLAIN"), versionedBind(2, 2, "ann", "right"), bindMessage(3, "uid=,,", "x", "!1.2.3")},
		{compareMessage(1), addMessage(2), modifyMessage(3), deleteMessage(4), modifyDNMessage(5), abandonMessage(6, 5)},
		{extendedMessage(1, wire.OIDStartTLS), extendedMessage(2, "1.2.3", "value")},
		{searchMessage(1, "", wire.BaseObject, not(equal("objectClass", "top")), nil, wire.OIDManageDsaIT)},
		{{0x30, 0x80}}, {[]byte("GET / HTTP/1.1\r\n\r\n")}, {whoAmIMessage(1)[:7]},
	} {
		f.Add(bytes.Join(seed, nil))
	}
	accepted := false
	c := testConfig()
	c.Authenticator = authFunc(func(ctx context.Context, a policy.Attempt) policy.Decision {
		d := knowsAnn(ctx, a)
		accepted = accepted || d.Outcome == policy.Accept
		return d
	})
	srv, err := New(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		accepted = false
		whole, bound := play(t, srv, bytes.NewReader(in))
		if bound && !accepted {
			t.Errorf("%x: bound, and no attempt was accepted", in)
		}
		checkAnswers(t, in, whole)
		if pieces, _ := play(t, srv, iotest.OneByteReader(bytes.NewReader(in))); !bytes.Equal(pieces, whole) {
			t.Errorf("%x: answered with %x, and byte by byte with %x", in, whole, pieces)
		}
	})
}

// checkAnswers shows that answers are whole messages that a server may send.
func checkAnswers(t *testing.T, in, answers []byte) {
	t.Helper()
	if err := ber.Check(answers, len(answers)); err != nil {
		t.Fatalf("%x: the answers %x are no BER: %v", in, answers, err)
	}
	for r := ber.NewReader(answers); !r.Empty(); {
		m, err := r.Sub(ber.Sequence)
		if err != nil {
			t.Fatalf("%x: an answer is no message: %v", in, err)
		}
		id, err := m.Int(ber.Integer)
		if err != nil || id < 0 || id == 0 && !r.Empty() {
			t.Errorf("%x: an answer has message ID %d, %v", in, id, err)
		}
		switch op := m.Peek(); op {
		case wire.OpBindResponse, wire.OpSearchEntry, wire.OpSearchDone, wire.OpModifyResponse, wire.OpAddResponse,
			wire.OpDeleteResponse, wire.OpModifyDNResponse, wire.OpCompareResponse, wire.OpExtendedResponse:
		default:
			t.Errorf("%x: an answer has operation %#x", in, op)
		}
	}
}
