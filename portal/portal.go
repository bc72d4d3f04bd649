package portal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/portal/page"
	"postern/secret"
)

// Authenticator decides attempts; *policy.Engine is one.
type Authenticator interface {
	Authenticate(context.Context, policy.Attempt) policy.Decision
}

// Sessions keeps sign-ins. All of it may be used concurrently.
type Sessions interface {
	AddSession(ctx context.Context, s directory.Session) error
	// SessionByDigest finds a session. directory.ErrNotFound: there is none.
	SessionByDigest(ctx context.Context, digest string) (directory.Session, error)
	// SeeSession notes a request. It need not be durable.
	SeeSession(ctx context.Context, digest string, at time.Time) error
}

// SessionList lists and ends sign-ins.
type SessionList interface {
	// SessionsOf returns the sessions of an account, newest first.
	SessionsOf(ctx context.Context, accountID string) ([]directory.Session, error)
	EndSession(ctx context.Context, accountID, digest string) error
	// EndOtherSessions ends those of the account but one, and returns how many.
	EndOtherSessions(ctx context.Context, accountID, digest string) (int, error)
}

// Events reads the record.
type Events interface {
	// Events returns what f selects, newest first. directory.ErrNotFound: the
	// event that f names is kept no more.
	Events(ctx context.Context, f directory.EventFilter) ([]directory.Event, error)
}

// Settings is what the configuration says about the portal. It is replaced as
// a whole at reload and never changed in place.
type Settings struct {
	PublicURL      *url.URL // where people find the portal; its host is the only one answered
	AdminGroup     string   // normalised
	EnrolFrom      []netip.Prefix
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	SelfService    bool           // owners may make app passwords
	Contact        string         // whom people ask; "": the administrator
	Told           Told           // what people are told to fill in elsewhere
}

// Config is what a Portal is made of. All fields are needed.
type Config struct {
	Engine   Authenticator
	Accounts *account.Service
	Sessions Sessions
	Listing  SessionList
	Events   Events
	// Directory, Primary and Installation are for the administrators' pages.
	Directory    People
	Primary      account.PrimaryUses
	Installation func() Installation
	Keys         *secret.Keys
	Random       io.Reader
	Now          func() time.Time
	Settings     func() *Settings
	Log          *slog.Logger
}

// Portal serves the pages. It may be used concurrently.
type Portal struct {
	Config
	pages   *page.Set
	pending *pending
	moments *moments
	tries   *tries
	handler http.Handler
}

// New returns a Portal.
func New(c Config) (*Portal, error) {
	if c.Engine == nil || c.Accounts == nil || c.Sessions == nil || c.Listing == nil || c.Events == nil || c.Directory == nil || c.Primary == nil || c.Installation == nil ||
		c.Keys == nil || c.Random == nil || c.Now == nil || c.Settings == nil || c.Log == nil {
		return nil, errors.New("portal: a field of Config is not set")
	}
	pages, err := page.NewSet()
	if err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	p := &Portal{Config: c, pages: pages, pending: newPending(), moments: newMoments(), tries: newTries()}
	p.handler = p.guard(p.routes())
	return p, nil
}

// ServeHTTP answers one request.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// Serve answers on ln until ctx ends, then lets requests under way finish for
// as long as drain.
func Serve(ctx context.Context, srv *http.Server, ln net.Listener, drain time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serving the portal: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		return fmt.Errorf("ending the portal: %w", err)
	}
	return nil
}
