//go:build linux

package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"postern/bench/load"
	"postern/bench/people"
)

// TestMain is the floor where Floor starts this program anew.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "floor" {
		fmt.Fprintln(os.Stderr, ServeFloor(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// paps drives a server with PAP requests of an account.
func paps(s *Server, login, password string) (int, error) {
	line := &load.RADIUS{Secret: []byte(RADIUSSecret)}
	for i := range 200 {
		line.Requests = append(line.Requests, load.PAP(byte(i), login, password, []byte(RADIUSSecret)))
	}
	r, err := load.Closed{Address: s.At, Datagram: true, Window: 4, Lines: []load.Line{line}}.Run()
	return r.Exchanges, err
}

// stop ends a server, which is gone then.
func stop(t *testing.T, s *Server) {
	t.Helper()
	if !s.Alive() {
		t.Errorf("%s has died meanwhile", s.Name)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("stopping %s: %v", s.Name, err)
	}
	if s.Alive() {
		t.Errorf("%s is still there", s.Name)
	}
}

func TestTheFloorAnswersAsServersDo(t *testing.T) {
	udp, err := Floor(t.Context(), "udp")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := paps(udp, "anybody", "anything"); n != 200 || err != nil {
		t.Errorf("%d requests were answered: %v", n, err)
	}
	if _, err := udp.Processor(); err != nil {
		t.Error(err)
	}
	if n, err := udp.Resident(); err != nil || n == 0 {
		t.Errorf("%d bytes are in place: %v", n, err)
	}
	stop(t, udp)
	tcp, err := Floor(t.Context(), "tcp")
	if err != nil {
		t.Fatal(err)
	}
	line := &load.LDAP{Requests: [][]byte{load.Bind("cn=anybody", "anything")}, Left: 200}
	if r, err := (load.Closed{Address: tcp.At, Window: 1, Lines: []load.Line{line}}).Run(); r.Exchanges != 200 || err != nil {
		t.Errorf("%d binds were answered: %v", r.Exchanges, err)
	}
	stop(t, tcp)
}

func TestAServerThatIsMissingOrEndsIsSaid(t *testing.T) {
	var missing Missing
	if _, err := find("no-program-has-this-name"); !errors.As(err, &missing) {
		t.Errorf("a program that is not there gives %v", err)
	}
	at, err := freePort("tcp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(t.Context(), "one that ends", at, accepts(at), "false"); err == nil {
		t.Error("a server that ended at once was started")
	}
}

// installed skips, and fails in CI, where a peer is not there.
func installed(t *testing.T, err error) {
	t.Helper()
	var missing Missing
	if errors.As(err, &missing) && os.Getenv("CI") != "true" {
		t.Skipf("%v: make deps installs it", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFreeRADIUSKnowsTheAccounts(t *testing.T) {
	s, err := FreeRADIUS(t.Context(), t.TempDir(), 3)
	installed(t, err)
	if n, err := paps(s, people.Login(2), people.Password(2, 0)); n != 200 || err != nil {
		t.Errorf("%d right passwords were accepted: %v", n, err)
	}
	if _, err := paps(s, people.Login(2), people.Password(1, 0)); err == nil {
		t.Error("a wrong password was accepted")
	}
	stop(t, s)
}

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
			s, err := FreeRADIUSEAP(t.Context(), t.TempDir(), EAP{First: first, Users: c.users, Certificate: certificate, Key: key, Resume: true})
			installed(t, err)
			defer stop(t, s)
			drive := load.EAP{
				Address: s.At, Secret: []byte(RADIUSSecret), Method: c.method,
				Devices: []load.Device{{Login: people.Login(2), Password: people.Password(2, 0)}},
			}
			for _, drive.Version = range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				if _, err := drive.Run(t.Context(), 3); err != nil {
					t.Errorf("in full, TLS %x: %v", drive.Version, err)
				}
			}
			drive.Resume = true
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
