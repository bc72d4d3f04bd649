package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// signed makes a key and a certificate signed by parent, or by itself, and
// writes them as NAME.pem and NAME.key.
func signed(t *testing.T, dir, name string, parent *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
	}
	signer, above := any(key), c
	if parent == nil {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
	} else {
		signer, above = parent.PrivateKey, parent.Leaf
	}
	der, err := x509.CreateCertificate(rand.Reader, c, above, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	rewriteFile(t, filepath.Join(dir, name+".pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	rewriteFile(t, filepath.Join(dir, name+".key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// overRadSec is a server of RADIUS over TLS with certificates of its own.
func overRadSec(t *testing.T) (r *running, dir string, ca *tls.Certificate) {
	t.Helper()
	dir = t.TempDir()
	ca = signed(t, dir, "authority", nil)
	signed(t, dir, "proxy", ca)
	signed(t, dir, "cert", ca)
	if err := os.Rename(filepath.Join(dir, "cert.key"), filepath.Join(dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	rewriteFile(t, filepath.Join(dir, "config.toml"), strings.NewReplacer(`"warn"`, `"info"`,
		"reject_delay", "radsec_listen = [\"127.0.0.1:0\"]\nradsec_ca = \"authority.pem\"\nreject_delay",
		`secret_file = "vpn.secret"`, "transport = \"tls\"\ncertificates = [\"proxy\"]\nmethods = [\"pap\", \"chap\"]").Replace(demoConfig)+"\n[app_passwords]\nallow_chap = true\n")
	r = open(t, dir)
	r.run(t)
	return r, dir, ca
}

// radsecproxy runs Debian's proxy in front of the server, and returns where it
// takes RADIUS over UDP.
func radsecproxy(t *testing.T, dir, server string) string {
	t.Helper()
	address := freeAddress(t)
	runProxy(t, dir, "ListenUDP "+address, fromUDP, toServer("tls", "radsec", server), "tlsconnect: TLS connection to next")
	return address
}

// dtlsproxies runs two of them: what the first takes over UDP it carries to the
// second over DTLS, and that one to the server over TLS.
func dtlsproxies(t *testing.T, dir, server string) string {
	t.Helper()
	address, between := freeAddress(t), freeAddress(t)
	runProxy(t, dir, "ListenDTLS "+between, `client device {
	host 127.0.0.1
	type dtls
	secret radius/dtls
	certificateNameCheck off
}`, toServer("tls", "radsec", server), "tlsconnect: TLS connection to next")
	runProxy(t, dir, "ListenUDP "+address, fromUDP, toServer("dtls", "radius/dtls", between), "dtlsconnect: DTLS connection to next")
	return address
}

const fromUDP = `client tester {
	host 127.0.0.1
	type udp
	secret proxys-own-secret
}`

// toServer is where a proxy sends everything.
func toServer(kind, secret, address string) string {
	host, port, _ := strings.Cut(address, ":")
	return fmt.Sprintf("server next {\n\thost %s\n\tport %s\n\ttype %s\n\tsecret %s\n\tcertificateNameCheck off\n}", host, port, kind, secret)
}

// runProxy runs radsecproxy until the test ends, and returns when it has said
// that it is ready.
func runProxy(t *testing.T, dir, listen, client, server, ready string) {
	t.Helper()
	const program = "/usr/sbin/radsecproxy" // sbin is on the path of few
	needs(t, program, "radclient")
	files := fmt.Sprintf(" default {\n\tCACertificateFile %[1]s/authority.pem\n\tCertificateFile %[1]s/proxy.pem\n\tCertificateKeyFile %[1]s/proxy.key\n}", dir)
	config := filepath.Join(t.TempDir(), "radsecproxy.conf")
	rewriteFile(t, config, strings.Join([]string{listen, "LogLevel 3", "tls" + files, client, server,
		"realm * {\n\tserver next\n\taccountingServer next\n}", ""}, "\n"))
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-f", "-c", config)
	var log screen
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	log.await(t, ready)
}

// throughProxy asks with radclient until it is answered.
func throughProxy(t *testing.T, address, kind, attributes string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "radclient", "-x", "-t", "2", "-r", "5", address, kind, "proxys-own-secret")
	cmd.Stdin = strings.NewReader(attributes)
	out, err := cmd.CombinedOutput()
	if err != nil && !bytes.Contains(out, []byte("Access-Reject")) {
		t.Fatalf("radclient: %v\n%s", err, out)
	}
	return string(out)
}

func TestRadclientThroughRadsecproxy(t *testing.T) {
	r, dir, _ := overRadSec(t)
	proxy := radsecproxy(t, dir, r.address("radius.radsec_listen"))
	_, password := r.addPerson(t, "ann")
	ask := func(password string) string {
		return throughProxy(t, proxy, "auth", "User-Name = ann\nUser-Password = \""+password+"\"\n")
	}
	accepted := ask(password.Reveal())
	if !strings.Contains(accepted, "Received Access-Accept") {
		t.Errorf("the right password: %s", accepted)
	}
	if out := ask("wrong"); !strings.Contains(out, "Received Access-Reject") {
		t.Errorf("a wrong password: %s", out)
	}
	_, p := r.addHolder(t, "eve")
	for password, want := range map[string]string{p.app: "Received Access-Accept", p.primary: "Received Access-Reject"} { // which over UDP insecure_mschap is needed for
		if out := throughProxy(t, proxy, "auth", "User-Name = eve\nCHAP-Password = \""+password+"\"\n"); !strings.Contains(out, want) {
			t.Errorf("CHAP, want %s: %s", want, out)
		}
	}
	out := throughProxy(t, proxy, "acct", classShown.FindString(accepted)+"\nAcct-Status-Type = Start\nUser-Name = ann\nAcct-Session-Id = 1\nNAS-Identifier = gate\n")
	if !strings.Contains(out, "Received Accounting-Response") {
		t.Errorf("accounting: %s", out)
	}
	var shown, errs bytes.Buffer
	if code := run(t.Context(), []string{"sessions", "--config", r.env.configPath}, strings.NewReader(""), &shown, &errs); code != exitDone || !strings.Contains(shown.String(), "ann") {
		t.Errorf("sessions: %d\n%s%s", code, &shown, &errs)
	}
}

// TestADeviceThatSpeaksDTLSGoesThroughRadsecproxy, which turns it into TLS.
func TestADeviceThatSpeaksDTLSGoesThroughRadsecproxy(t *testing.T) {
	r, dir, _ := overRadSec(t)
	proxy := dtlsproxies(t, dir, r.address("radius.radsec_listen"))
	_, password := r.addPerson(t, "ann")
	for password, want := range map[string]string{password.Reveal(): "Received Access-Accept", "wrong": "Received Access-Reject"} {
		if out := throughProxy(t, proxy, "auth", "User-Name = ann\nUser-Password = \""+password+"\"\n"); !strings.Contains(out, want) {
			t.Errorf("want %s: %s", want, out)
		}
	}
}

// TestOverTLSACertificateIsReadAgainWhenItChanges: both that of the server and
// who signs those of devices, without a restart.
func TestOverTLSACertificateIsReadAgainWhenItChanges(t *testing.T) {
	r, dir, ca := overRadSec(t)
	shake := func(who *tls.Certificate) (serial string, err error) {
		conn, err := tls.Dial("tcp", r.address("radius.radsec_listen"), &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{*who}})
		if err != nil {
			return "", err
		}
		defer conn.Close()
		serial = conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
		return serial, asks(t, conn)
	}
	first := signed(t, dir, "proxy", ca)
	before, err := shake(first)
	if err != nil {
		t.Fatal(err)
	}
	signed(t, dir, "cert", ca)
	if err := os.Rename(filepath.Join(dir, "cert.key"), filepath.Join(dir, "key.pem")); err != nil {
		t.Fatal(err)
	}
	if after, err := shake(first); err != nil || after == before {
		t.Errorf("the server's new certificate is not used: %v", err)
	}
	signed(t, dir, "authority", nil)
	if _, err := shake(first); err == nil || os.IsTimeout(err) {
		t.Errorf("a device of the authority before is still let in, or not told: %v", err)
	}
	rewriteFile(t, filepath.Join(dir, "authority.pem"), "nothing")
	if _, err := shake(first); err == nil || os.IsTimeout(err) {
		t.Errorf("with authorities that cannot be read a device is let in, or not told: %v", err)
	}
	r.log.await(t, "the changed authorities of devices cannot be used")
}

// asks sends a request and waits for its answer, whatever it is: with TLS 1.3 a
// device learns that it is not let in only when it reads.
func asks(t *testing.T, conn net.Conn) error {
	t.Helper()
	request := &papRequest{shared: "radsec", login: "nobody", password: "wrong"}
	if _, err := rand.Read(request.authenticator[:]); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(request.encode()) // the server may have hung up, which shows below
	_, err := io.ReadFull(conn, make([]byte, radiusHeader))
	return err
}
