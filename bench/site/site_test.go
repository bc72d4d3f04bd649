package site_test

import (
	"testing"
	"time"

	"postern/bench/site"
)

func TestASiteServesAndStops(t *testing.T) {
	binary, err := site.Build(t.Context(), "../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := site.New(t.Context(), binary, t.TempDir(), site.Config)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddPerson(t.Context(), "ann", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	p, err := s.Serve(t.Context(), "ldap.listen", "radius.listen")
	if err != nil {
		t.Fatal(err)
	}
	l, err := site.DialLDAP(p.At("ldap.listen"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if code, _, err := l.Bind("ann", "correct horse battery"); err != nil || code != 0 {
		t.Errorf("the bind answers %d, %v", code, err)
	}
	shared, err := s.Secret()
	if err != nil {
		t.Fatal(err)
	}
	r, err := site.DialRADIUS(p.At("radius.listen"), shared)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if code, _, err := r.PAP("ann", "correct horse battery"); err != nil || code != 2 {
		t.Errorf("PAP answers %d, %v", code, err)
	}
	if code, _, err := r.PAP("ann", "wrong"); err != nil || code != 3 {
		t.Errorf("PAP with a wrong password answers %d, %v", code, err)
	}
	if state, err := p.State(); err != nil || state.Goroutines == 0 || state.Heap == 0 || state.Connections != 1 || state.Hashes == 0 {
		t.Errorf("the server holds %+v, %v", state, err)
	}
	if err := p.Stop(time.Minute); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}
