package radiussrv_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// selfSigned is a server's certificate, long enough to need fragments.
func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"radius.example.org"}
	for c := range 26 {
		names = append(names, strings.Repeat(string(rune('a'+c)), 60)+".example.org")
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// clientHello is the first flight of a TLS client.
func clientHello(t testing.TB) []byte {
	t.Helper()
	var first firstFlight
	err := tls.Client(&first, &tls.Config{ServerName: "radius.example.org", MaxVersion: tls.VersionTLS12}).Handshake()
	if !errors.Is(err, errFirstFlight) {
		t.Fatal(err)
	}
	return first.written
}

var errFirstFlight = errors.New("the first flight is written")

// firstFlight keeps what is written until something is to be read.
type firstFlight struct {
	net.Conn
	written []byte
}

func (f *firstFlight) Write(b []byte) (int, error) {
	f.written = append(f.written, b...)
	return len(b), nil
}
func (f *firstFlight) Read([]byte) (int, error)         { return 0, errFirstFlight }
func (f *firstFlight) Close() error                     { return nil }
func (f *firstFlight) SetDeadline(time.Time) error      { return nil }
func (f *firstFlight) SetReadDeadline(time.Time) error  { return nil }
func (f *firstFlight) SetWriteDeadline(time.Time) error { return nil }
