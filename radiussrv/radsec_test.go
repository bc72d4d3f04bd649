package radiussrv_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"

	"postern/radiussrv"
	"postern/secret"
)

const overTLS = "radsec"

// authority signs certificates for these tests.
type authority struct {
	leaf *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key}
	c := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}, key)
	a.leaf = c.Leaf
	return a
}

// sign completes and signs a certificate for key.
func (a *authority) sign(t testing.TB, c *x509.Certificate, key *ecdsa.PrivateKey) tls.Certificate {
	t.Helper()
	c.SerialNumber, c.BasicConstraintsValid = big.NewInt(time.Now().UnixNano()), true
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	}
	c.NotBefore = time.Now().Add(-2 * time.Hour)
	parent := a.leaf
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// issue makes a certificate with these names.
func (a *authority) issue(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return a.sign(t, &x509.Certificate{DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, key)
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.leaf)
	return p
}

// tlsServer is a Server of RADIUS over TLS.
type tlsServer struct {
	*radiussrv.Server
	t    *testing.T
	ca   *authority
	addr string
	stop context.CancelFunc
	done chan error
}

func startTLS(t *testing.T, cfg radiussrv.Config) *tlsServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveTLS(t, cfg, ln)
}

func serveTLS(t *testing.T, cfg radiussrv.Config, ln net.Listener) *tlsServer {
	t.Helper()
	ca := newAuthority(t)
	if cfg.Authenticator == nil {
		cfg.Authenticator = authenticate(oneRight)
	}
	if cfg.Clients == nil {
		cfg.Clients = []radiussrv.Client{tlsClient("proxy", "127.0.0.0/8", "proxy.example.org")}
	}
	s, err := radiussrv.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &tlsServer{s, t, ca, ln.Addr().String(), cancel, make(chan error, 1)}
	config := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "postern.example.org")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool()}
	go func() { k.done <- s.ServeTLS(ctx, ln, config) }()
	t.Cleanup(func() {
		cancel()
		if err := <-k.done; err != nil {
			t.Errorf("ServeTLS: %v", err)
		}
	})
	return k
}

func tlsClient(name, address string, certificates ...string) radiussrv.Client {
	return radiussrv.Client{Name: name, Address: prefix(address), Certificates: certificates, Methods: []radiussrv.Method{radiussrv.PAP}}
}

// dial connects with that certificate; with TLS 1.3 a refusal shows later.
func (k *tlsServer) dial(certificates ...tls.Certificate) (*tls.Conn, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", k.addr, k.trusting(certificates...))
	if err != nil {
		return nil, err
	}
	k.t.Cleanup(func() { conn.Close() })
	return conn, conn.SetDeadline(time.Now().Add(patience))
}

// trusting is how a client speaks TLS that knows the server.
func (k *tlsServer) trusting(certificates ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: k.ca.pool(), ServerName: "postern.example.org", Certificates: certificates}
}

func (k *tlsServer) proxy() *tls.Conn {
	k.t.Helper()
	conn, err := k.dial(k.ca.issue(k.t, "proxy.example.org"))
	if err != nil {
		k.t.Fatal(err)
	}
	return conn
}

// pap is a bare Access-Request under the secret of RADIUS over TLS.
func pap(t testing.TB, id byte, password string) []byte {
	t.Helper()
	p := radius.New(radius.CodeAccessRequest, []byte(overTLS))
	p.Identifier = id
	p.Add(rfc2865.UserName_Type, []byte("ann"))
	hidden, err := radius.NewUserPassword([]byte(password), p.Secret, p.Authenticator[:])
	if err != nil {
		t.Fatal(err)
	}
	p.Add(rfc2865.UserPassword_Type, hidden)
	raw, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// answerOn reads one packet.
func answerOn(t testing.TB, conn net.Conn) []byte {
	t.Helper()
	head := make([]byte, 4)
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatalf("no answer: %v", err)
	}
	rest := make([]byte, int(binary.BigEndian.Uint16(head[2:]))-4)
	if _, err := io.ReadFull(conn, rest); err != nil {
		t.Fatal(err)
	}
	return append(head, rest...)
}

func put(t testing.TB, conn net.Conn, raw []byte) {
	t.Helper()
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
}

// closed fails unless the server ends the connection without another answer.
func closed(t testing.TB, conn net.Conn) {
	t.Helper()
	if rest, _ := io.ReadAll(conn); len(rest) > 0 {
		t.Errorf("% x came before the end", rest)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestSignInsAndAccountingOverTLS(t *testing.T) {
	book := &ledger{}
	k := startTLS(t, radiussrv.Config{Ledger: book})
	conn := k.proxy()
	for password, want := range map[string]radius.Code{"open sesame": radius.CodeAccessAccept, "wrong": radius.CodeAccessReject} {
		request := pap(t, 7, password)
		put(t, conn, request)
		reply := answerOn(t, conn)
		if radius.Code(reply[0]) != want || !radius.IsAuthenticResponse(reply, request, []byte(overTLS)) {
			t.Errorf("%q: % x", password, reply)
		}
		if reply[20] != 80 {
			t.Errorf("%q: attribute %d is first in % x", password, reply[20], reply)
		}
	}
	p := radius.New(radius.CodeAccountingRequest, []byte(overTLS))
	p.Add(rfc2866.AcctStatusType_Type, []byte{0, 0, 0, 1})
	request, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	put(t, conn, request)
	if reply := answerOn(t, conn); radius.Code(reply[0]) != radius.CodeAccountingResponse || len(book.kept) != 1 {
		t.Errorf("accounting: % x, kept %d", reply, len(book.kept))
	}
}

func TestPacketsMayArriveInAnyPieces(t *testing.T) {
	k := startTLS(t, radiussrv.Config{})
	conn := k.proxy()
	var all []byte
	for id := range byte(3) {
		all = append(all, pap(t, id, "open sesame")...)
	}
	put(t, conn, all[:1])
	for piece := range slices.Chunk(all[1:len(all)-30], 7) {
		put(t, conn, piece)
	}
	put(t, conn, all[len(all)-30:])
	var ids []byte
	for range 3 {
		ids = append(ids, answerOn(t, conn)[1])
	}
	slices.Sort(ids)
	if !slices.Equal(ids, []byte{0, 1, 2}) {
		t.Errorf("answers to %v", ids)
	}
}

func TestAConnectionEndsWithItsFirstBadPacket(t *testing.T) {
	k := startTLS(t, radiussrv.Config{})
	good := pap(t, 1, "open sesame")
	signed := func(key string) []byte {
		p := radius.New(radius.CodeAccessRequest, []byte(overTLS))
		p.Add(rfc2869.MessageAuthenticator_Type, make([]byte, 16))
		p.Add(rfc2865.UserName_Type, []byte("ann"))
		raw, err := p.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		copy(raw[22:], macUnder(key, raw))
		return raw
	}
	foreign := radius.New(radius.CodeAccountingRequest, []byte("another secret"))
	accounting, err := foreign.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"too short a length":       {1, 1, 0, 19},
		"too long a length":        {1, 1, 0x10, 0x01},
		"an attribute overruns":    append([]byte{1, 1, 0, 22}, append(make([]byte, 16), 1, 9)...),
		"a wrong signature":        signed("not radsec"),
		"another secret":           accounting,
		"plain text instead":       []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"a good one after its end": append([]byte{1, 1, 0, 5}, good...),
	} {
		t.Run(name, func(t *testing.T) {
			conn := k.proxy()
			put(t, conn, raw)
			closed(t, conn)
		})
	}
	conn := k.proxy()
	put(t, conn, signed(overTLS))
	if reply := answerOn(t, conn); radius.Code(reply[0]) != radius.CodeAccessReject {
		t.Errorf("a right signature and no password: % x", reply)
	}
}

func TestAClientIsItsCertificateTogetherWithItsAddress(t *testing.T) {
	k := startTLS(t, radiussrv.Config{})
	right := k.ca.issue(t, "proxy.example.org")
	sum := sha256.Sum256(right.Leaf.Raw)
	expired := x509.Certificate{DNSNames: []string{"proxy.example.org"}, NotAfter: time.Now().Add(-time.Hour)}
	for name, c := range map[string]struct {
		client radiussrv.Client
		shown  []tls.Certificate
		want   bool
	}{
		"a name":              {tlsClient("a", "127.0.0.0/8", "PROXY.example.org"), []tls.Certificate{right}, true},
		"an address in it":    {tlsClient("a", "127.0.0.0/8", "127.0.0.1"), []tls.Certificate{right}, true},
		"a fingerprint":       {tlsClient("a", "127.0.0.0/8", "sha256:"+hex.EncodeToString(sum[:])), []tls.Certificate{right}, true},
		"one of several":      {tlsClient("a", "127.0.0.0/8", "x", "proxy.example.org"), []tls.Certificate{right}, true},
		"another name":        {tlsClient("a", "127.0.0.0/8", "gate.example.org"), []tls.Certificate{right}, false},
		"another fingerprint": {tlsClient("a", "127.0.0.0/8", "sha256:"+hex.EncodeToString(make([]byte, 32))), []tls.Certificate{right}, false},
		"a name that is none": {tlsClient("a", "127.0.0.0/8", "sha256:x"), []tls.Certificate{k.ca.issue(t, "sha256:x")}, false},
		"another address":     {tlsClient("a", "192.0.2.0/24", "proxy.example.org"), []tls.Certificate{right}, false},
		"no certificate":      {tlsClient("a", "127.0.0.0/8", "proxy.example.org"), nil, false},
		"another's signature": {tlsClient("a", "127.0.0.0/8", "proxy.example.org"), []tls.Certificate{newAuthority(t).issue(t, "proxy.example.org")}, false},
		"an expired one":      {tlsClient("a", "127.0.0.0/8", "proxy.example.org"), []tls.Certificate{k.ca.sign(t, &expired, right.PrivateKey.(*ecdsa.PrivateKey))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := k.SetClients([]radiussrv.Client{c.client}); err != nil {
				t.Fatal(err)
			}
			conn, err := k.dial(c.shown...)
			if err == nil {
				_, _ = conn.Write(pap(t, 1, "open sesame")) // a refusal may come before or after it
				_, err = io.ReadFull(conn, make([]byte, 20))
			}
			if (err == nil) != c.want {
				t.Errorf("let in: %v (%v), want %v", err == nil, err, c.want)
			}
		})
	}
}

func TestAClientThatIsTakenOutIsLetGo(t *testing.T) {
	k := startTLS(t, radiussrv.Config{})
	conn := k.proxy()
	put(t, conn, pap(t, 1, "open sesame"))
	answerOn(t, conn)
	if err := k.SetClients([]radiussrv.Client{loopback("another")}); err != nil {
		t.Fatal(err)
	}
	put(t, conn, pap(t, 2, "open sesame"))
	closed(t, conn)
}

func TestWhoSpeaksOverTLSIsNoClientOverUDPAndTheOtherWayRound(t *testing.T) {
	bubble(t, radiussrv.Authentication, radiussrv.Config{Clients: []radiussrv.Client{tlsClient("proxy", "127.0.0.0/8", "x")}}, func(r *rig) {
		r.send(good(t))
		r.silent()
		r.dropped(radiussrv.DropUnknownClient, 1)
	})
	k := startTLS(t, radiussrv.Config{Clients: []radiussrv.Client{loopback("loopback")}})
	if conn, err := k.dial(k.ca.issue(t, "proxy.example.org")); err == nil {
		closed(t, conn)
	}
}

func TestConnectionsAreBoundedAndSlowHandshakesEnd(t *testing.T) {
	cfg := radiussrv.Config{TLSConnections: 8, TLSHandshake: 3 * time.Second, TLSIdle: 20 * time.Second}
	tlsBubble(t, cfg, func(t *testing.T, k *tlsServer, ln *pipes) {
		begin := time.Now()
		lasted := func(conn net.Conn, want time.Duration) {
			t.Helper()
			closed(t, conn)
			if got := time.Since(begin); got != want {
				t.Errorf("it lasted %v, want %v", got, want)
			}
		}
		// Two handshakes at a time, one connection of this client.
		one, two, three := ln.connect(nil), ln.connect(nil), ln.connect(nil)
		lasted(three, 0)
		lasted(one, 3*time.Second)
		lasted(two, 3*time.Second)

		begin = time.Now()
		gone := make(chan struct{})
		t.Cleanup(func() { close(gone) })
		first := k.proxyOver(ln.connect(func() { <-gone }))
		put(t, first, pap(t, 1, "open sesame"))
		answerOn(t, first)
		lasted(k.proxyOver(ln.connect(nil)), 0) // the second of this client
		lasted(first, 20*time.Second)           // which has been silent for too long
		// It was told so, and its place is free though the connection still closes.
		again := k.proxyOver(ln.connect(nil))
		put(t, again, pap(t, 1, "open sesame"))
		answerOn(t, again)
	})
}

func TestWhatIsUnderWayIsAnsweredWhenServingEnds(t *testing.T) {
	k := startTLS(t, radiussrv.Config{RejectDelay: 300 * time.Millisecond})
	conn := k.proxy()
	put(t, conn, pap(t, 1, "open sesame"))
	answerOn(t, conn)
	put(t, conn, pap(t, 2, "wrong"))
	for end := time.Now().Add(patience); k.Stats().Received < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the second request does not arrive")
		}
	}
	k.stop()
	if reply := answerOn(t, conn); radius.Code(reply[0]) != radius.CodeAccessReject {
		t.Errorf("% x", reply)
	}
	closed(t, conn)
}

func TestAClientOfTLSNeedsNoSecretAndAnotherDoes(t *testing.T) {
	bare := tlsClient("a", "127.0.0.0/8")
	bare.Secret = secret.NewText("short")
	if _, err := radiussrv.New(radiussrv.Config{Authenticator: authenticate(oneRight), Clients: []radiussrv.Client{bare}}); err == nil {
		t.Error("a client without certificates and with a short secret was taken")
	}
}
