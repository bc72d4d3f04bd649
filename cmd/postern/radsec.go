package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
)

// authorities are those who sign the certificates of devices, read again when
// their file changes. They may be used concurrently.
type authorities struct {
	log *slog.Logger

	mu   sync.Mutex // covers what follows
	file string
	read fileStamp // of the last try, also where it failed
	pool *x509.CertPool
}

func openAuthorities(file string, log *slog.Logger) (*authorities, error) {
	a := &authorities{log: log, file: file, read: stampOf(file)}
	var err error
	a.pool, err = readAuthorities(file)
	return a, err
}

func readAuthorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading who signs the certificates of devices (radius.radsec_ca): %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM (radius.radsec_ca)", file)
	}
	return pool, nil
}

// current returns them as they are now. A changed file that cannot be used
// leaves the old ones in force.
func (a *authorities) current() *x509.CertPool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := stampOf(a.file)
	if found == a.read {
		return a.pool
	}
	a.read = found
	pool, err := readAuthorities(a.file)
	if err != nil {
		a.log.Warn("the changed authorities of devices cannot be used; the old ones stay in force", "error", err)
		return a.pool
	}
	a.pool = pool
	a.log.Info("the authorities of devices were read again", "file", a.file)
	return pool
}

// use reads another file. With an error they stay what they were.
func (a *authorities) use(file string) error {
	pool, err := readAuthorities(file)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.file, a.read, a.pool = file, stampOf(file), pool
	return nil
}

// radsecTLS is TLS as RADIUS speaks it (RFC 6614 §2.3): both sides show a
// certificate.
func radsecTLS(own *certificate, signers *authorities) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			c := own.tlsConfig()
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, signers.current()
			c.NextProtos = []string{"radius/1.0"}
			c.SessionTicketsDisabled = true // a certificate that ends must not live on in tickets
			return c, nil
		},
	}
}

func (s *server) listenRadSec(c loaded) func(context.Context, string) (*listener, error) {
	return func(ctx context.Context, address string) (*listener, error) {
		if s.signers == nil {
			var err error
			if s.signers, err = openAuthorities(c.RADIUS.RadSecCA, s.log); err != nil {
				return nil, err
			}
		}
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		config := radsecTLS(s.certificate, s.signers)
		return &listener{
			at:    ln.Addr(),
			close: func() { _ = ln.Close() }, // it may be closed already
			serve: func(ctx context.Context) error { return s.radius.ServeTLS(ctx, ln, config) },
		}, nil
	}
}
