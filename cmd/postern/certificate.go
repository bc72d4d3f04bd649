package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"slices"
	"time"

	"postern/config"
)

// selfSignedFor is how long a certificate of ours is good for: long enough to
// get a real one, short enough to be noticed.
const selfSignedFor = 730 * day

// makeCertificates makes what [tls] and [radius.eap] name.
func (i *initializer) makeCertificates() error {
	if err := i.makeCertificate(i.config.TLS); err != nil {
		return err
	}
	return i.makeCertificate(eapFiles(&i.config.Config))
}

// makeCertificate makes a key and a self-signed certificate where they are
// missing. A key without a certificate is what an interrupted init leaves, or
// somebody on the way to a real certificate: it is used.
func (i *initializer) makeCertificate(t config.TLS) error {
	switch {
	case t.Certificate == "" || exists(t.Certificate) && exists(t.Key):
		return nil
	case exists(t.Certificate):
		return fmt.Errorf("the certificate %s is there without its key %s: put the key there, or move the certificate away to have both made", t.Certificate, t.Key)
	}
	if !exists(t.Key) {
		text, err := newTLSKey(i.random)
		if err != nil {
			return err
		}
		if err := i.create("the certificate's key", t.Key, text); err != nil {
			return err
		}
	}
	key, err := readTLSKey(t.Key)
	if err != nil {
		return err
	}
	text, err := selfSign(key, i.hostNames(), i.now(), i.random)
	if err != nil {
		return err
	}
	return i.createPublic("a self-signed certificate", t.Certificate, text)
}

// hostNames are those asked for, or else this machine's own: OpenLDAP's
// clients take localhost for that.
func (i *initializer) hostNames() []string {
	if len(i.hosts) > 0 {
		return i.hosts
	}
	name, err := os.Hostname()
	if err != nil || name == "localhost" {
		return nil
	}
	return []string{name}
}

func newTLSKey(random io.Reader) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("making the certificate's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding the certificate's key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func readTLSKey(path string) (crypto.Signer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate's key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%s is not a private key that a certificate can be made for: put its certificate beside it, or move it away", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate's key %s: %w", path, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s is not a key that can sign", path)
	}
	return signer, nil
}

// selfSign makes a certificate for hosts and loopback.
func selfSign(key crypto.Signer, hosts []string, now time.Time, random io.Reader) ([]byte, error) {
	var serial [16]byte
	if _, err := io.ReadFull(random, serial[:]); err != nil {
		return nil, fmt.Errorf("reading randomness for a serial number: %w", err)
	}
	serial[0] &= 0x7f // a serial number is positive (RFC 5280 §4.1.2.2)
	names := append(slices.Clone(hosts), "localhost", "127.0.0.1", "::1")
	c := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial[:]), Subject: pkix.Name{CommonName: names[0]},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedFor),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(random, c, c, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// readCertificate reads a pair of files and takes the certificate apart.
func readCertificate(certificate, key string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate and its key: %w", err)
	}
	if pair.Leaf == nil {
		return nil, errors.New("reading the certificate: it has no leaf")
	}
	return &pair, nil
}
