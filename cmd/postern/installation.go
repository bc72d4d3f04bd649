package main

import (
	"context"
	"slices"
	"strings"

	"postern/config"
	"postern/directory"
	"postern/portal"
	"postern/radiussrv"
)

// installation is what is configured and how it stands, for the
// administrators' pages.
func (s *server) installation() portal.Installation {
	c := s.current.Load()
	in := portal.Installation{Version: version(), Services: c.rules.Services}
	for _, l := range s.listeners {
		tls := l.key == "ldap.listen_tls" || l.key == "portal.listen" && portalTLS(&c.Config)
		in.Listeners = append(in.Listeners, portal.Listener{Key: l.key, Address: l.at.String(), TLS: tls})
	}
	for _, client := range c.RADIUS.Clients {
		in.Clients = append(in.Clients, heard(radiusClient(client, c.rules.Services), s.radius.Heard(client.Name)))
	}
	open, err := countSoftened(context.Background(), *c, s.site.store, s.env.now())
	if err != nil {
		s.log.Error("the accounts that a switch leaves open cannot be counted", "error", err)
	}
	for _, w := range c.warnings {
		if isSwitch(w) {
			in.Softened = append(in.Softened, open.tell(w))
		}
	}
	return in
}

// radiusClient describes a device and what its entry leaves open.
func radiusClient(c config.RADIUSClient, services []directory.Service) portal.RADIUSClient {
	shown := portal.RADIUSClient{Name: c.Name, Address: c.Address.String(), Service: directory.DefaultService, Methods: c.Methods}
	for _, s := range services {
		if slices.Contains(s.RADIUSClients, c.Name) {
			shown.Service = s.Name
		}
	}
	for key, loose := range map[string]bool{
		"require_message_authenticator": !c.RequireMessageAuthenticator, "limit_proxy_state": !c.LimitProxyState,
		"insecure_mschap": c.InsecureMSCHAP, "otp_challenge": c.OTPChallenge,
	} {
		if loose {
			shown.Loose = append(shown.Loose, key)
		}
	}
	slices.SortFunc(shown.Loose, strings.Compare)
	return shown
}

// heard adds when a device was last heard. What was lost before that is past.
func heard(c portal.RADIUSClient, h radiussrv.Heard) portal.RADIUSClient {
	c.HeardAt = h.At
	if h.Lost.After(h.At) {
		c.Lost, c.LostAt = h.Reason.String(), h.Lost
	}
	return c
}
