package main

import (
	"context"
	"net/url"
	"strconv"

	"postern/config"
	"postern/mail"
	"postern/secret"
	"postern/store"
)

var _ mail.Records = (*store.Store)(nil)

// openMail reads what the configuration says about notices.
func (s *server) openMail(_ context.Context, c loaded) error {
	settings, err := mailSettingsOf(&c.Config)
	if err != nil {
		return inFile(c.path, err)
	}
	s.mail.Store(settings)
	return nil
}

// watchMail tells people what happened to their accounts, where there is a
// mail server.
func (s *server) watchMail(ctx context.Context) error {
	w := &mail.Watcher{
		Records: s.site.store, Sender: mail.SMTP{}, Now: s.env.now, Log: s.log,
		Settings: func() *mail.Settings {
			settings := *s.mail.Load()
			if s.portal != nil {
				settings.Portal = s.portalSettings().PublicURL.String()
			}
			return &settings
		},
	}
	return w.Run(ctx)
}

// mailSettingsOf is what the configuration says about mail. The error is a
// *config.Error.
func mailSettingsOf(c *config.Config) (*mail.Settings, error) {
	password, err := c.Mail.Password()
	if err != nil {
		return nil, &config.Error{Problems: []config.Problem{c.Problem("mail.password_file", err.Error())}}
	}
	settings := &mail.Settings{Languages: c.Mail.Languages, TrustedRelays: c.LDAP.TrustedRelays}
	u, err := url.Parse(c.Mail.Server)
	if err != nil || c.Mail.Server == "" {
		return settings, nil
	}
	way := mailSchemes[u.Scheme]
	settings.Server = mail.Server{
		Host: u.Hostname(), Port: way.port, Security: way.security, From: c.Mail.From,
		UserName: c.Mail.UserName, Password: secret.NewText(password.Reveal()),
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		settings.Server.Port = port
	}
	return settings, nil
}

// mailSchemes are the ways the mail server can be written, with the port that
// is usual. One that is not here demands TLS.
var mailSchemes = map[string]struct {
	port     int
	security mail.Security
}{
	"submissions": {465, mail.TLS}, "submission": {587, mail.STARTTLS}, "smtp": {25, mail.InClear},
}
