package ldapsrv

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"postern/ldapsrv/wire"
	"postern/policy"
)

// selfSigned returns a server's TLS configuration for 127.0.0.1, and a
// client's that trusts it.
func selfSigned(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

// patience bounds the wait for what must come.
const patience = time.Minute

// dial connects to addr, for a minute at most.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBindsUnderTLS(t *testing.T) {
	server, client := selfSigned(t)
	c := testConfig()
	c.TLS = server
	c.Rules.CleartextBind = CleartextNever
	c.Authenticator = authFunc(func(ctx context.Context, a policy.Attempt) policy.Decision {
		if !a.Secure {
			t.Error("an attempt under TLS is not marked as secure")
		}
		return knowsAnn(ctx, a)
	})
	t.Run("LDAPS", func(t *testing.T) {
		_, addr := startWith(t, c, ListenerOptions{TLS: true})
		secured := tls.Client(dial(t, addr), client)
		send(t, secured, bindMessage(1, annName, "right"))
		expectBytes(t, secured, bindAnswer(1, wire.Success))
		send(t, secured, extendedMessage(2, wire.OIDStartTLS))
		expectBytes(t, secured, startTLSAnswer(2, wire.OperationsError, "TLS is in place already"))
		send(t, secured, append(whoAmIMessage(3), unbindMessage(4)...))
		expectBytes(t, secured, whoAmIAnswer(3, "dn:"+annName))
		expectEnd(t, secured) // close_notify, or this fails
	})
	t.Run("StartTLS", func(t *testing.T) {
		_, addr := start(t, c)
		plain := dial(t, addr)
		send(t, plain, bindMessage(1, annName, "right"))
		expectBytes(t, plain, bindAnswer(1, wire.ConfidentialityRequired, noTLS))
		send(t, plain, extendedMessage(2, wire.OIDStartTLS))
		expectBytes(t, plain, startTLSAnswer(2, wire.Success, ""))
		secured := tls.Client(plain, client)
		send(t, secured, whoAmIMessage(3))
		expectBytes(t, secured, whoAmIAnswer(3, ""))
		send(t, secured, bindMessage(4, annName, "right"))
		expectBytes(t, secured, bindAnswer(4, wire.Success))
	})
}

func TestWhatIsSentAheadOfTLSIsNotTakenForSecure(t *testing.T) {
	server, _ := selfSigned(t)
	c := testConfig()
	c.TLS = server
	c.Rules.CleartextBind = CleartextNever
	_, addr := start(t, c)
	plain := dial(t, addr)
	send(t, plain, append(extendedMessage(1, wire.OIDStartTLS), bindMessage(2, annName, "right")...))
	expectBytes(t, plain, startTLSAnswer(1, wire.OperationsError, "more was sent ahead of the answer"))
	expectBytes(t, plain, bindAnswer(2, wire.ConfidentialityRequired, noTLS))
}

func TestAHandshakeThatFailsEndsInSilence(t *testing.T) {
	server, _ := selfSigned(t)
	c := testConfig()
	c.TLS = server
	begin := func(t *testing.T, o ListenerOptions) net.Conn {
		_, addr := startWith(t, c, o)
		return dial(t, addr)
	}
	for name, connect := range map[string]func(t *testing.T) net.Conn{
		"LDAPS": func(t *testing.T) net.Conn { return begin(t, ListenerOptions{TLS: true}) },
		"StartTLS": func(t *testing.T) net.Conn {
			plain := begin(t, ListenerOptions{})
			send(t, plain, extendedMessage(1, wire.OIDStartTLS))
			expectBytes(t, plain, startTLSAnswer(1, wire.Success, ""))
			return plain
		},
	} {
		t.Run(name, func(t *testing.T) {
			plain := connect(t)
			send(t, plain, bindMessage(2, annName, "right"))
			rest, err := io.ReadAll(plain)
			if err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("reading: %v", err)
			}
			if len(rest) > 0 && rest[0] == 0x30 {
				t.Errorf("LDAP was spoken in clear: %q", rest)
			}
		})
	}
}

func TestStoppingTellsClientsUnderTLS(t *testing.T) {
	server, client := selfSigned(t)
	c := testConfig()
	c.TLS = server
	srv, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Serve(ctx, ln, ListenerOptions{TLS: true}) }()
	secured := tls.Client(dial(t, ln.Addr().String()), client)
	send(t, secured, whoAmIMessage(1))
	expectBytes(t, secured, whoAmIAnswer(1, ""))
	stop()
	expectBytes(t, secured, noticeAnswer(wire.Unavailable, "the server is stopping"))
	expectEnd(t, secured)
	if err := <-stopped; err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

// TestTheNoticeArrivesThoughMoreWasSent: a socket closed with bytes unread is
// reset, and the client would lose what it was told.
func TestTheNoticeArrivesThoughMoreWasSent(t *testing.T) {
	_, addr := start(t, testConfig())
	for range 50 {
		c := dial(t, addr)
		send(t, c, bytes.Repeat([]byte{0x30, 0x80}, 20<<10))
		expectBytes(t, c, noticeAnswer(wire.ProtocolError, "the message cannot be decoded"))
		if err := c.(*net.TCPConn).CloseWrite(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Fatal(err)
		}
		expectEnd(t, c)
	}
}
