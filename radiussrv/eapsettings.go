package radiussrv

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"postern/policy"
	"postern/radiussrv/eap"
)

// EAP is what EAP conversations are held with.
type EAP struct {
	// TLS has the server's certificate and the versions that are spoken, 1.2
	// at least. Nil: methods that need TLS are refused to clients that name
	// them.
	TLS *tls.Config
	// Resumption is for how long after a full sign-in TLS sessions may be
	// resumed; zero: never.
	Resumption time.Duration
	// Fragment is the largest piece of TLS in one message, in bytes: 1000.
	Fragment int
}

// Entitler says whether what was granted would be granted now, as
// policy.Engine does.
type Entitler interface {
	Entitled(context.Context, policy.Grant) (bool, error)
}

// maxHandles bounds the TLS sessions that are kept for resumption. One is a
// kilobyte or two.
const maxHandles = 8192

// eapSettings are EAP in force.
type eapSettings struct {
	EAP
	handles *eap.Handles // nil: no session is resumed
}

// SetEAP replaces Config.EAP for every conversation that begins after it.
// Sessions that can be resumed stay, unless their time is another one now.
func (s *Server) SetEAP(e EAP) error {
	if e.Resumption < 0 || e.Fragment < 0 {
		return fmt.Errorf("the EAP settings of the RADIUS server are negative: %v, %d bytes", e.Resumption, e.Fragment)
	}
	if e.Fragment == 0 {
		e.Fragment = 1000
	}
	s.swap.Lock()
	defer s.swap.Unlock()
	next := &eapSettings{EAP: e}
	if old := s.eap.Load(); old != nil && old.Resumption == e.Resumption {
		next.handles = old.handles
	} else if e.Resumption > 0 {
		next.handles = eap.NewHandles(e.Resumption, maxHandles, time.Now)
	}
	s.eap.Store(next)
	return nil
}

// Recheck drops the TLS sessions that could be resumed and whose credential
// would not be accepted any more. Each resumption asks again anyway; this
// leaves nothing of a revoked credential behind. Call it after changes.
func (s *Server) Recheck(ctx context.Context) {
	settings := s.eap.Load()
	if s.cfg.Entitler == nil || settings.handles == nil {
		return
	}
	settings.handles.Drop(func(d policy.Decision) bool {
		ok, err := s.cfg.Entitler.Entitled(ctx, d.Grant)
		return err == nil && !ok
	})
}
