package faults

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/bench/site"
	"postern/ldapsrv/wire"
)

// withTLS adds a listener under TLS to a configuration.
func withTLS(config string) string {
	config = strings.Replace(config, "[ldap]\n", "[ldap]\nlisten_tls = [\"127.0.0.1:0\"]\n", 1)
	return config + "\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n"
}

// TestACertificateReplacedUnderLoadFailsNobody replaces the certificate and its
// key 20 times while people sign in under TLS, each on a connection of its own:
// one file after the other, as certbot's hooks do, so that for a while they do
// not belong together, and every third time by what is no certificate.
func TestACertificateReplacedUnderLoadFailsNobody(t *testing.T) {
	h, c := steady(t, withTLS(site.Config))
	p, err := h.site.Serve(t.Context(), "ldap.listen_tls")
	ok(t, err)
	defer p.Kill()
	at := p.At("ldap.listen_tls")
	stop := signingInUnderTLS(t, at, c)
	for serial := int64(1); serial <= 20; serial++ {
		certificate, key := selfSigned(t, serial)
		if serial%3 == 0 {
			certificate = "no certificate"
		}
		replace(t, filepath.Join(h.site.Dir, "cert.pem"), certificate)
		if dial(t, at).ConnectionState().PeerCertificates[0].SerialNumber.Int64() == serial {
			t.Error("a certificate is shown whose key is not there yet")
		}
		replace(t, filepath.Join(h.site.Dir, "key.pem"), key)
		shown := dial(t, at).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
		if serial%3 != 0 && shown != serial {
			t.Errorf("the handshake after certificate %d shows certificate %d", serial, shown)
		}
	}
	t.Logf("20 certificates, each third of them broken, during %d sign-ins on connections of their own: none failed", stop())
}

// dial makes a handshake and hangs up when the test ends.
func dial(t *testing.T, address string) *tls.Conn {
	t.Helper()
	conn, err := handshake(t.Context(), address)
	ok(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func handshake(ctx context.Context, address string) (*tls.Conn, error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // what it shows is looked at
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return conn.(*tls.Conn), nil
}

// signingInUnderTLS is signingIn with a handshake for each bind.
func signingInUnderTLS(t *testing.T, address string, c credential) (stop func() int64) {
	t.Helper()
	var n atomic.Int64
	var ended atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for !ended.Load() {
				conn, err := handshake(t.Context(), address)
				if err != nil {
					t.Errorf("a handshake fails: %v", err)
					return
				}
				code, _, err := site.OverLDAP(conn).Bind(c.login, c.secret)
				conn.Close()
				if err != nil || code != wire.Success {
					t.Errorf("a bind answers %d, %v", code, err)
					return
				}
				n.Add(1)
			}
		})
	}
	return func() int64 { ended.Store(true); all.Wait(); return n.Load() }
}

// selfSigned is a certificate and its key, in PEM.
func selfSigned(t *testing.T, serial int64) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	plan := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, plan, private.Public(), private)
	ok(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	ok(t, err)
	return pemOf("CERTIFICATE", der), pemOf("PRIVATE KEY", pkcs8)
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
