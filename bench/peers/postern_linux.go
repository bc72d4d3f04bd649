package peers

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"postern/bench/people"
	"postern/bench/site"
)

// Reader is the service account that may read everybody.
const Reader = "reader"

// Config adds the reader to an installation for tests.
const Config = site.Config + `
[[service_account]]
name       = "` + Reader + `"
networks   = ["127.0.0.0/8"]
read       = ["ou=people", "ou=groups"]
attributes = ["*"]
`

// Postern is an installation with n accounts.
type Postern struct {
	*site.Site
	RADIUSSecret string
	ReaderSecret string
}

// ReaderDN is the reader's name.
const ReaderDN = "cn=" + Reader + ",ou=system," + people.Base

// NewPostern makes an installation in dir, with n accounts and that
// configuration: Config with what is to be different.
func NewPostern(ctx context.Context, binary, dir string, n int, config string) (p Postern, err error) {
	if p.Site, err = site.New(ctx, binary, dir, config); err != nil {
		return p, err
	}
	if err := people.Store(ctx, filepath.Join(dir, "data"), filepath.Join(dir, "postern.key"), n); err != nil {
		return p, err
	}
	if p.RADIUSSecret, err = p.Secret(); err != nil {
		return p, err
	}
	out, err := p.Run(ctx, "", "service-account", "secret", Reader)
	p.ReaderSecret = strings.TrimSpace(out)
	return p, err
}

// Ports of a running Postern.
type Ports struct{ LDAP, RADIUS netip.AddrPort }

// Start serves it.
func (p Postern) Start(ctx context.Context) (*Server, Ports, error) {
	process, err := p.Serve(ctx, "ldap.listen", "radius.listen")
	if err != nil {
		return nil, Ports{}, err
	}
	ldap, err1 := netip.ParseAddrPort(process.At("ldap.listen"))
	radius, err2 := netip.ParseAddrPort(process.At("radius.listen"))
	s := &Server{Name: "Postern", At: ldap, PID: process.PID(), stop: func() error { return stopped(process) }}
	if err1 != nil || err2 != nil {
		process.Kill()
		return nil, Ports{}, err1
	}
	return s, Ports{ldap, radius}, nil
}

// stopped stops a server and says what it said last where it ends badly.
func stopped(p *site.Process) error {
	err := p.Stop(20 * time.Second)
	if err == nil {
		return nil
	}
	log := p.Log()
	return fmt.Errorf("Postern ended badly: %w: …%s", err, log[max(0, len(log)-600):])
}
