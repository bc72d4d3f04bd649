package main

import (
	"context"
	"errors"
	"reflect"

	"postern/config"
)

// restartKeys are what a running server cannot change, each with the field
// that holds it.
var restartKeys = []struct {
	key   string
	field func(*config.Config) any
}{
	{"base_dn", func(c *config.Config) any { return &c.BaseDN }},
	{"data_dir", func(c *config.Config) any { return &c.DataDir }},
	{"key_file", func(c *config.Config) any { return &c.KeyFile }},
	{"ldap.listen", func(c *config.Config) any { return &c.LDAP.Listen }},
	{"ldap.listen_tls", func(c *config.Config) any { return &c.LDAP.ListenTLS }},
	{"radius.listen", func(c *config.Config) any { return &c.RADIUS.Listen }},
	{"radius.accounting_listen", func(c *config.Config) any { return &c.RADIUS.AccountingListen }},
	{"radius.radsec_listen", func(c *config.Config) any { return &c.RADIUS.RadSecListen }},
	{"portal.listen", func(c *config.Config) any { return &c.Portal.Listen }},
	{"events.export", func(c *config.Config) any { return &c.Events.Export }},
	{"log.format", func(c *config.Config) any { return &c.Log.Format }},
}

// keepForRestart gives next the values of old that cannot change, and returns
// the keys that had others.
func keepForRestart(old, next *config.Config) (keys []string) {
	for _, r := range restartKeys {
		was, is := reflect.ValueOf(r.field(old)).Elem(), reflect.ValueOf(r.field(next)).Elem()
		if !reflect.DeepEqual(was.Interface(), is.Interface()) {
			keys = append(keys, r.key)
		}
		is.Set(was)
	}
	if (old.TLS.Certificate == "") != (next.TLS.Certificate == "") {
		keys = append(keys, "tls")
		next.TLS = old.TLS
	}
	if portalTLS(old) != portalTLS(next) {
		keys = append(keys, "portal.public_url")
		next.Portal.PublicURL, next.Portal.TrustedProxies = old.Portal.PublicURL, old.Portal.TrustedProxies
	}
	return keys
}

// reload reads the configuration again and takes it at once, or not at all.
func (s *server) reload() {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	notifySupervisor("RELOADING=1")
	defer notifySupervisor("READY=1")
	next, err := s.env.loadConfig()
	if err == nil {
		err = s.adopt(&next)
	}
	if err != nil {
		s.logProblems("the configuration was not taken; the old one stays in force", err)
		return
	}
	s.log.Info("the configuration was read again and is in force", "file", next.path)
	s.warn(context.Background(), next, next.warnings)
}

// adopt checks all of next before it changes anything. The caller holds
// reloading.
func (s *server) adopt(next *loaded) error {
	old := s.current.Load()
	for _, key := range keepForRestart(&old.Config, &next.Config) {
		s.log.Warn("a change in the configuration needs a restart; until then the old value stays in force", "key", key)
	}
	rules, err := rulesOf(&next.Config) // of the base DN in force
	if err != nil {
		return inFile(next.path, err)
	}
	next.rules, next.settings, next.portal = rules, settingsOf(&next.Config, rules), portalSettingsOf(&next.Config)
	if wrong, _ := next.CheckFiles(); len(wrong) > 0 {
		return &config.Error{File: next.path, Problems: wrong}
	}
	notices, err := mailSettingsOf(&next.Config)
	if err != nil {
		return inFile(next.path, err)
	}
	clients, err := radiusClientsOf(&next.Config)
	if err != nil {
		return inFile(next.path, err)
	}
	eap, err := s.eapOf(&next.Config)
	if err != nil {
		return err
	}
	if err := s.ldap.SetRules(ldapRulesOf(&next.Config, next.rules)); err != nil {
		return err
	}
	undo := func() error { return s.ldap.SetRules(ldapRulesOf(&old.Config, old.rules)) }
	if err := s.radius.SetClients(clients); err != nil {
		return errors.Join(err, undo())
	}
	if s.certificate != nil {
		if err := s.certificate.use(next.TLS); err != nil {
			clients, _ := radiusClientsOf(&old.Config)
			return errors.Join(err, undo(), s.radius.SetClients(clients))
		}
	}
	if s.signers != nil && next.RADIUS.RadSecCA != old.RADIUS.RadSecCA {
		if err := s.signers.use(next.RADIUS.RadSecCA); err != nil {
			s.log.Error("the old authorities of devices stay in force", "error", err)
		}
	}
	s.engine.SetRules(rules)
	s.disconnects.changed(context.Background(), 0)
	s.radius.SetReplies(next.replies)
	s.level.Set(levelOf(next.Log))
	s.current.Store(next)
	s.mail.Store(notices)
	return errors.Join(s.radius.SetEAP(eap), s.radius.SetRejectDelay(next.RADIUS.RejectDelay))
}

// logProblems writes one line for each problem of the configuration.
func (s *server) logProblems(message string, err error) {
	var invalid *config.Error
	if !errors.As(err, &invalid) {
		s.log.Error(message, "error", err)
		return
	}
	for _, p := range invalid.Problems {
		s.log.Error(message, "file", invalid.File, "line", p.Line, "key", p.Key, "problem", p.Message)
	}
}
