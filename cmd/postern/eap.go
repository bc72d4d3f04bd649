package main

import (
	"context"
	"crypto/tls"

	"postern/config"
	"postern/radiussrv"
)

// eapFiles are the files of the certificate for EAP, in the shape of [tls].
func eapFiles(c *config.Config) config.TLS {
	return config.TLS{Certificate: c.RADIUS.EAP.Certificate, Key: c.RADIUS.EAP.Key}
}

// eapOf is what the configuration says of EAP. Without [radius.eap] there is no
// TLS inside RADIUS.
func (s *server) eapOf(c *config.Config) (radiussrv.EAP, error) {
	files := eapFiles(c)
	if files.Certificate == "" {
		return radiussrv.EAP{}, nil
	}
	certificate, err := openCertificate(files, s.log)
	if err != nil {
		return radiussrv.EAP{}, err
	}
	t := certificate.tlsConfig()
	if c.RADIUS.EAP.MinTLS == "1.3" {
		t.MinVersion = tls.VersionTLS13
	}
	return radiussrv.EAP{TLS: t, Resumption: c.RADIUS.EAP.Resumption, Fragment: c.RADIUS.EAP.Fragment}, nil
}

// recheckRADIUS forgets sessions of credentials that ended.
func (s *server) recheckRADIUS(ctx context.Context, _ int64) { s.radius.Recheck(ctx) }

// codes checks TOTP codes for RADIUS clients that can ask for one.
func (s *server) codes() radiussrv.Codes { return s.env.accountsOf(s.site) }
