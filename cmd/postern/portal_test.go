package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/portal"
)

func TestServersToFillInAreTakenApart(t *testing.T) {
	for address, want := range map[string]portal.Endpoint{
		"":                               {},
		"imaps://mail.example.org":       {Host: "mail.example.org", Port: 993, Security: portal.TLS},
		"imap://mail.example.org":        {Host: "mail.example.org", Port: 143, Security: portal.STARTTLS},
		"submissions://mail.example.org": {Host: "mail.example.org", Port: 465, Security: portal.TLS},
		"submission://[2001:db8::1]:25":  {Host: "2001:db8::1", Port: 25, Security: portal.STARTTLS},
		"ldaps://ldap.example.org:1636":  {Host: "ldap.example.org", Port: 1636, Security: portal.TLS},
	} {
		if got := endpointOf(address); got != want {
			t.Errorf("%q: %+v, want %+v", address, got, want)
		}
	}
}

// served runs a server on a configuration of its own until the test ends.
func served(t *testing.T, text string) (*server, string) {
	t.Helper()
	dir := t.TempDir()
	e := newEnv(nil, io.Discard, io.Discard)
	e.configPath = filepath.Join(dir, "config.toml")
	if err := os.WriteFile(e.configPath, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&initializer{env: e}).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := e.loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	s, err := openServer(t.Context(), e, c, slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.serve(t.Context()) }()
	t.Cleanup(func() {
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the server does not end")
		}
	})
	return s, dir
}

const portalHTTPS = `base_dn = "dc=example,dc=org"
data_dir = "data"
key_file = "postern.key"
[portal]
listen = "127.0.0.1:0"
public_url = "https://localhost:0"
contact = "CONTACT"
[tls]
`

// TestThePortalDoesItsOwnTLS where people type https and no proxy is named, and
// takes other settings at a reload.
func TestThePortalDoesItsOwnTLS(t *testing.T) {
	s, dir := served(t, portalHTTPS)
	pem, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, Timeout: patience}
	defer client.CloseIdleConnections()
	at := s.portalSettings().PublicURL.String()
	if strings.HasSuffix(at, ":0") {
		t.Fatalf("people would be sent to %s", at)
	}
	reply, err := client.Get(at + "/signin")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.Body.Close() != nil {
		t.Fatal(err)
	}
	if reply.StatusCode != http.StatusOK || !strings.Contains(string(body), "<h1>") || reply.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d\n%s", reply.StatusCode, body)
	}
	if got := s.portalSettings().Contact; got != "CONTACT" {
		t.Errorf("contact %q", got)
	}
	changed := strings.Replace(portalHTTPS, "CONTACT", "the help desk", 1)
	if err := os.WriteFile(s.env.configPath, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	s.reload()
	if got := s.portalSettings().Contact; got != "the help desk" {
		t.Errorf("after a reload the contact is %q", got)
	}
	plain := strings.Replace(changed, "https:", "http:", 1)
	if err := os.WriteFile(s.env.configPath, []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	s.reload()
	if got := s.portalSettings().PublicURL.Scheme; got != "https" {
		t.Errorf("a listener that does TLS is to be found under %s", got)
	}
}
