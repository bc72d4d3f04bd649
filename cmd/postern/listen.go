package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"postern/ldapsrv"
	"postern/radiussrv"
)

// listener is one socket, open and not yet served.
type listener struct {
	key     string // of the configuration: "ldap.listen"
	address string // as configured
	at      net.Addr
	close   func()
	serve   func(context.Context) error
}

// listen opens every socket that is configured.
func (s *server) listen(ctx context.Context, c loaded) error {
	for _, group := range []struct {
		key       string
		addresses []string
		open      func(ctx context.Context, address string) (*listener, error)
	}{
		{"ldap.listen", c.LDAP.Listen, s.listenLDAP(false)},
		{"ldap.listen_tls", c.LDAP.ListenTLS, s.listenLDAP(true)},
		{"radius.listen", c.RADIUS.Listen, s.listenRADIUS(radiussrv.Authentication)},
		{"radius.accounting_listen", c.RADIUS.AccountingListen, s.listenRADIUS(radiussrv.Accounting)},
		{"radius.radsec_listen", c.RADIUS.RadSecListen, s.listenRadSec(c)},
		{"portal.listen", portalListen(c), s.listenPortal(c)},
	} {
		for _, address := range group.addresses {
			l, err := group.open(ctx, address)
			if err != nil {
				return fmt.Errorf("listening for %s: %w%s", group.key, err, listenHint(err))
			}
			l.key, l.address = group.key, address
			s.listeners = append(s.listeners, l)
		}
	}
	return nil
}

func (s *server) listenLDAP(tls bool) func(context.Context, string) (*listener, error) {
	return func(ctx context.Context, address string) (*listener, error) {
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		o := ldapsrv.ListenerOptions{Name: address, TLS: tls}
		return &listener{
			at:    ln.Addr(),
			close: func() { _ = ln.Close() }, // it may be closed already
			serve: func(ctx context.Context) error { return s.ldap.Serve(ctx, ln, o) },
		}, nil
	}
}

func (s *server) listenRADIUS(role radiussrv.Role) func(context.Context, string) (*listener, error) {
	return func(ctx context.Context, address string) (*listener, error) {
		conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", address)
		if err != nil {
			return nil, err
		}
		return &listener{
			at:    conn.LocalAddr(),
			close: func() { _ = conn.Close() }, // it may be closed already
			serve: func(ctx context.Context) error { return s.radius.Serve(ctx, conn, role) },
		}, nil
	}
}

// listenHint says what helps against the two common failures.
func listenHint(err error) string {
	switch {
	case errors.Is(err, syscall.EACCES):
		return ": ports below 1024 need the capability CAP_NET_BIND_SERVICE; docs/operations.md says how to give it"
	case errors.Is(err, syscall.EADDRINUSE):
		return ": another program listens there; stop it, or choose another address"
	}
	return ""
}

// address returns where the first socket of a key listens, "" for none. Where
// the configuration says port 0, this is the port that was got.
func (s *server) address(key string) string {
	for _, l := range s.listeners {
		if l.key == key {
			return l.at.String()
		}
	}
	return ""
}
