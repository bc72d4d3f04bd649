package peers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern/bench/load"
	"postern/bench/peers"
	"postern/bench/people"
)

func TestFreeRADIUSSpeaksEAP(t *testing.T) {
	certificate, key := certified(t)
	for first, c := range map[string]struct {
		method load.Method
		users  func(io.Writer) error
	}{
		"ttls": {load.TTLSPAP, func(w io.Writer) error { return people.Users(w, 3) }},
		"peap": {load.PEAPMSCHAPv2, func(w io.Writer) error { return people.NTUser(w, people.Login(2), people.Password(2, 0)) }},
	} {
		t.Run(first, func(t *testing.T) {
			s, err := peers.FreeRADIUSEAP(t.Context(), t.TempDir(), peers.EAP{First: first, Users: c.users, Certificate: certificate, Key: key, Resume: true})
			if leftOut(t, err) {
				return
			}
			defer func() { _ = s.Stop() }() // it is killed
			drive := load.EAP{
				Address: s.At, Secret: []byte(peers.RADIUSSecret), Method: c.method,
				Devices: []load.Device{{Login: people.Login(2), Password: people.Password(2, 0)}},
			}
			for _, drive.Version = range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				if _, err := drive.Run(t.Context(), 3); err != nil {
					t.Errorf("in full, TLS %x: %v", drive.Version, err)
				}
			}
			drive.Resume, drive.First = true, true
			if _, err := drive.Run(t.Context(), 3); err != nil {
				t.Errorf("resumed: %v", err)
			}
			drive.Resume, drive.Devices[0].Password = false, people.Password(1, 0)
			if _, err := drive.Run(t.Context(), 1); err == nil {
				t.Error("a wrong password was accepted")
			}
		})
	}
}

// certified makes a certificate and its key, in files.
func certified(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	err = errors.Join(
		os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}
