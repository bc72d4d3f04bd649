//go:build linux

package main

import (
	"errors"
	"os"
	"testing"
	"time"

	"postern/bench/load"
	"postern/bench/peers"
	"postern/bench/people"
	"postern/bench/site"
)

// TestTheShortForm measures a little of everything that Postern alone can do.
// It says nothing of time: it fails where an answer is wrong or missing, and
// where memory grows with the work.
func TestTheShortForm(t *testing.T) {
	binary, err := site.Build(t.Context(), "../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const accounts = 300
	b := bench{rounds: 2, length: 100 * time.Millisecond, small: accounts, large: accounts, dir: t.TempDir(), binary: binary}
	s, at, err := b.startPostern(t.Context(), "short", accounts, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}()
	binds := driveLDAP(at.LDAP, nil, bindRequests(accounts, drawn), nil)
	paps := drivePAP(at.RADIUS, at.secret, papFrom(accounts, 3, drawn, at.secret))
	const each, most = 10_000, 48 << 20
	var before int64
	for round := range 4 {
		for what, drive := range map[string]func(int) error{
			"binds": func(n int) error { r, err := binds(n); return enough(t, r.Exchanges, n, err) },
			"PAP":   func(n int) error { r, err := paps(n); return enough(t, r.Exchanges, n, err) },
		} {
			if err := drive(each); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		now, err := s.Resident()
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			before = now
		}
		if now-before > most {
			t.Errorf("after %d more sign-ins, memory grew from %d to %d bytes", 2*round*each, before, now)
		}
	}
	if err := b.searches(t.Context()); err != nil {
		t.Errorf("searches: %v", err)
	}
}

func enough(t *testing.T, got, want int, err error) error {
	t.Helper()
	if err == nil && got != want {
		t.Errorf("%d exchanges, want %d", got, want)
	}
	return err
}

// TestARunWithAWrongAnswerIsNoFigure asks for what is refused and for what is
// not answered.
func TestARunWithAWrongAnswerIsNoFigure(t *testing.T) {
	binary, err := site.Build(t.Context(), "../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := bench{dir: t.TempDir(), binary: binary}
	s, at, err := b.startPostern(t.Context(), "wrong", 10, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop() }() // how it ends is not the matter here
	if _, err := driveLDAP(at.LDAP, nil, [][]byte{load.Bind(people.DN(10), people.Password(10, 0))}, nil)(50); err == nil {
		t.Error("binds of an account that is not there made a figure")
	}
	if _, err := drivePAP(at.RADIUS, at.secret, papFrom(10, 3, drawn, "another secret"))(50); err == nil {
		t.Error("requests that are not answered made a figure")
	}
}

// TestARunOfAPeerIsMadeAgain, and none of Postern: a request that Postern loses
// is a fault.
func TestARunOfAPeerIsMadeAgain(t *testing.T) {
	lost := errors.New("no answer came")
	for _, c := range []struct {
		fails int
		peer  bool
		fine  bool
	}{{0, false, true}, {1, false, false}, {1, true, true}, {again, true, true}, {again + 1, true, false}} {
		calls := 0
		drive := func(n int) (load.Result, error) {
			calls++
			if trials := 2; calls > trials && calls <= trials+c.fails {
				return load.Result{}, lost
			}
			return load.Result{Exchanges: n, Took: time.Second}, nil
		}
		b := bench{rounds: 2, length: time.Second}
		got, err := b.contest(t.Context(), []contestant{{Server: &peers.Server{PID: os.Getpid()}, drive: drive, peer: c.peer}})
		if fine := err == nil; fine != c.fine || !fine && !errors.Is(err, lost) {
			t.Errorf("with %d runs that fail, of a peer: %v, it ended with %v", c.fails, c.peer, err)
		}
		if err == nil && (len(got[0].rate) != b.rounds || len(b.table.notes) != c.fails) {
			t.Errorf("%d figures, want %d, and %q", len(got[0].rate), b.rounds, b.table.notes)
		}
	}
}

func TestMedianAndRatios(t *testing.T) {
	s := sample{3, 1, 2}
	if got := s.median(); got != 2 {
		t.Errorf("the median is %v, want 2", got)
	}
	if got := (sample{4, 1, 2, 3}).median(); got != 2.5 {
		t.Errorf("the median of four is %v, want 2.5", got)
	}
	if got := s.over(sample{1, 1, 4}).spread("%.1f"); got != "1.0 (0.5–3.0)" {
		t.Errorf("the ratios are %s", got)
	}
}

func TestWhatMeasuresNothingIsRefused(t *testing.T) {
	good := bench{rounds: 1, length: time.Second, small: 1, large: 1}
	for name, spoil := range map[string]func(*bench){
		"no rounds":               func(b *bench) { b.rounds = 0 },
		"no time":                 func(b *bench) { b.length = 0 },
		"no accounts":             func(b *bench) { b.small = 0 },
		"fewer than no entries":   func(b *bench) { b.large = -1 },
		"a row of no name":        func(b *bench) { b.rows = "bnid" },
		"a million, not asked":    func(b *bench) { b.rows = "million" },
		"before, without another": func(b *bench) { b.rows = "before" },
	} {
		b := good
		spoil(&b)
		if rows, err := b.asked(); err == nil {
			t.Errorf("%s: would measure %s", name, names(rows))
		}
	}
	if rows, err := good.asked(); err != nil || names(rows) != "bind, pap, eap, search, paged, crowd, memory, start" {
		t.Errorf("asked for nothing in particular, it would measure %s (%v)", names(rows), err)
	}
}
