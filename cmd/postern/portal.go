package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"postern/account"
	"postern/config"
	"postern/directory"
	"postern/portal"
	"postern/store"
)

var (
	_ portal.Sessions    = (*store.Store)(nil)
	_ portal.SessionList = (*store.Store)(nil)
	_ portal.Events      = (*store.Store)(nil)
	_ portal.People      = (*store.Store)(nil)
)

// openPortal sets the pages up, where there is a listener for them.
func (s *server) openPortal(_ context.Context, c loaded) (err error) {
	if c.Portal.Listen == "" {
		return nil
	}
	db := s.site.store
	accounts := s.env.accountsOf(s.site)
	accounts.Hasher = s.hasher // one pool for all that hashes
	accounts.Settings = s.accountSettings
	s.portal, err = portal.New(portal.Config{
		Engine: s.engine, Accounts: accounts, Sessions: db, Listing: db, Events: db, Directory: db, Primary: db, Installation: s.installation,
		Keys: s.site.keys, Random: s.env.random, Now: s.env.now, Settings: s.portalSettings, Log: s.log,
	})
	if err != nil {
		return fmt.Errorf("setting up the portal: %w", err)
	}
	return nil
}

// portalSettings is what the configuration in force says to the portal. Port 0
// in public_url is the port that was got.
func (s *server) portalSettings() *portal.Settings {
	settings := s.current.Load().portal
	if settings.PublicURL.Port() != "0" {
		return settings
	}
	at := s.address("portal.listen")
	if at == "" {
		return settings
	}
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		return settings
	}
	own, public := *settings, *settings.PublicURL
	public.Host = net.JoinHostPort(public.Hostname(), port)
	own.PublicURL = &public
	return &own
}

// portalTLS reports whether the portal does TLS itself: the address people
// type is https, and no proxy is named that would do it.
func portalTLS(c *config.Config) bool {
	public, err := url.Parse(c.Portal.PublicURL)
	return err == nil && public.Scheme == "https" && len(c.Portal.TrustedProxies) == 0
}

func (s *server) listenPortal(c loaded) func(context.Context, string) (*listener, error) {
	return func(ctx context.Context, address string) (*listener, error) {
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		at := ln.Addr()
		ln = portal.Limited(ln, s.portalSettings)
		if portalTLS(&c.Config) {
			own := s.certificate.tlsConfig()
			own.NextProtos = []string{"h2", "http/1.1"}
			ln = tls.NewListener(ln, own)
		}
		srv := &http.Server{
			Handler: s.portal, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
			WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
			ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		}
		return &listener{
			at:    at,
			close: func() { _ = ln.Close() }, // it may be closed already
			serve: func(ctx context.Context) error { return portal.Serve(ctx, srv, ln, drainWithin) },
		}, nil
	}
}

// portalSettingsOf is what the configuration says to the portal. It has been
// checked.
func portalSettingsOf(c *config.Config) *portal.Settings {
	public, err := url.Parse(c.Portal.PublicURL)
	if err != nil {
		public = &url.URL{}
	}
	group, err := directory.NormalizeLogin(c.Portal.AdminGroup)
	if err != nil {
		group = ""
	}
	return &portal.Settings{
		PublicURL: public, AdminGroup: group, EnrolFrom: c.Portal.EnrolFrom, TrustedProxies: unmapped(c.Portal.TrustedProxies),
		SelfService: c.AppPasswords.SelfService, Contact: c.Portal.Contact, Told: toldOf(c.Portal),
	}
}

// unmapped is networks as addresses are compared: IPv4 as IPv4.
func unmapped(networks []netip.Prefix) []netip.Prefix {
	own := make([]netip.Prefix, 0, len(networks))
	for _, n := range networks {
		own = append(own, n.Masked())
	}
	return own
}

func toldOf(c config.Portal) portal.Told {
	return portal.Told{
		IMAP: endpointOf(c.Mail.IMAP), SMTP: endpointOf(c.Mail.SMTP), MailUser: portal.UserName(c.Mail.UserName),
		VPN: c.VPN.Server, VPNUser: portal.UserName(c.VPN.UserName),
		WiFi: c.WiFi.Network, WiFiMethod: c.WiFi.Method, WiFiCertificate: c.WiFi.Certificate, WiFiUser: portal.UserName(c.WiFi.UserName),
		PrinterSMTP: endpointOf(c.Printer.SMTP), PrinterLDAP: endpointOf(c.Printer.LDAP), PrinterUser: portal.UserName(c.Printer.UserName),
	}
}

// schemes are the ways a server can be written, with the port that is usual.
var schemes = map[string]struct {
	port     int
	security portal.Security
}{
	"imaps": {993, portal.TLS}, "imap": {143, portal.STARTTLS},
	"submissions": {465, portal.TLS}, "submission": {587, portal.STARTTLS},
	"ldaps": {636, portal.TLS}, "ldap": {389, portal.STARTTLS},
}

// endpointOf takes an address of the configuration apart; "" is the zero one.
func endpointOf(address string) portal.Endpoint {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return portal.Endpoint{}
	}
	usual := schemes[u.Scheme]
	e := portal.Endpoint{Host: u.Hostname(), Port: usual.port, Security: usual.security}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		e.Port = port
	}
	return e
}

// portalListen is the address as the list that listeners are opened from.
func portalListen(c loaded) []string {
	if c.Portal.Listen == "" {
		return nil
	}
	return []string{c.Portal.Listen}
}

func (s *server) accountSettings() *account.Settings { return s.current.Load().settings }
