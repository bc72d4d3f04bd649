package load

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"postern/policy"
	"postern/radiussrv"
	"postern/secret"
)

const (
	shared = "a secret of the tests"
	right  = "right password"
)

// engine accepts the right password, and what was accepted before.
type engine struct{ asked, again atomic.Int64 }

func (e *engine) Authenticate(_ context.Context, a policy.Attempt) policy.Decision {
	e.asked.Add(1)
	ok := a.Secret.Reveal() == right
	switch {
	case a.Resumed != nil:
		e.again.Add(1)
		ok = true
	case a.Proof != nil:
		ok = a.Proof.Explains(secret.NTHash(secret.NewText(right)))
	}
	if ok && (a.Login == "ann" || a.Resumed != nil) {
		return policy.Decision{Outcome: policy.Accept}
	}
	return policy.Decision{}
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve starts a server that speaks the method.
func serve(t *testing.T, m Method, e *engine) netip.AddrPort {
	t.Helper()
	s, err := radiussrv.New(radiussrv.Config{
		Authenticator: e,
		Clients: []radiussrv.Client{{
			Name: "load", Address: netip.MustParsePrefix("127.0.0.0/8"), Secret: secret.NewText(shared),
			Methods: []radiussrv.Method{radiussrv.Method(m.String()), radiussrv.PAP},
		}},
		EAP: radiussrv.EAP{TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}, MinVersion: tls.VersionTLS12}, Resumption: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, conn, radiussrv.Authentication) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestDevicesHoldWholeConversations(t *testing.T) {
	for _, m := range []Method{TTLSPAP, PEAPMSCHAPv2} {
		for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
			for _, resume := range []bool{false, true} {
				what := m.String() + " over TLS " + name
				if resume {
					what += ", resumed"
				}
				t.Run(what, func(t *testing.T) {
					e := &engine{}
					load := EAP{
						Address: serve(t, m, e), Secret: []byte(shared), Method: m, Version: version, Resume: resume,
						Devices: []Device{{"ann", right}, {"ann", right}},
					}
					const n = 7
					r, err := load.Run(t.Context(), n)
					if err != nil || r.Exchanges != n {
						t.Fatalf("%d conversations: %v", r.Exchanges, err)
					}
					want := int64(0)
					if resume {
						want = n
					}
					if got := e.again.Load(); got != want {
						t.Errorf("%d sessions were resumed, want %d", got, want)
					}
				})
			}
		}
	}
}

func TestARefusedConversationEndsTheRun(t *testing.T) {
	for _, m := range []Method{TTLSPAP, PEAPMSCHAPv2} {
		load := EAP{
			Address: serve(t, m, &engine{}), Secret: []byte(shared), Method: m, Version: tls.VersionTLS13,
			Devices: []Device{{"ann", right}, {"ann", "wrong password"}},
		}
		if _, err := load.Run(t.Context(), 4); err == nil {
			t.Errorf("%s: a wrong password made a figure", m)
		}
	}
}
