package main

import (
	"context"
	"time"

	"postern/config"
)

// expiresSoon is how long before its end a certificate is worth a warning.
const expiresSoon = 30 * day

// announce logs what is served and what is dangerous about it.
func (s *server) announce(ctx context.Context) {
	c := s.current.Load()
	s.log.Info("postern starts", "version", version(), "config", c.path, "data", c.DataDir, "base_dn", c.BaseDN)
	_, more := c.CheckFiles()
	s.warn(ctx, *c, append(c.warnings, more...))
	if s.certificate != nil {
		if until := s.certificate.current().Leaf.NotAfter; until.Sub(s.env.now()) < expiresSoon {
			s.log.Warn("the certificate ends soon, or has ended; replace its files", "file", c.TLS.Certificate, "good_until", until.Format(time.RFC3339))
		}
	}
	for _, l := range s.listeners {
		s.log.Info("listening", "for", l.key, "address", l.at.String())
	}
}

// warn logs dangers, the three switches with the accounts they leave open.
func (s *server) warn(ctx context.Context, c loaded, warnings []config.Problem) {
	open, err := countSoftened(ctx, c, s.site.store, s.env.now())
	if err != nil {
		s.log.Error("the accounts that a switch leaves open cannot be counted", "error", err)
	}
	for _, w := range warnings {
		s.log.Warn("allowed and dangerous", "file", c.path, "line", w.Line, "key", w.Key, "danger", open.tell(w))
	}
}
