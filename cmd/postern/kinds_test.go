package main

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"postern/ldapsrv/wire"
)

// TestARefusalOfSomebodyWithASlowImportedHashTakesNoLonger compares, from the
// first attempt on, somebody whose hash was taken over and is slow with nobody:
// their time must not say whose hash is whose.
func TestARefusalOfSomebodyWithASlowImportedHashTakesNoLonger(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "slow.csv")
	rewriteFile(t, file, "login,password_hash\nslow,{CRYPT}$2b$12$hXksr/g1NOrUIkSpOU5jHeaepMMrcK0u3s2FkbXqBJS/Y34vvBIxa\n")
	r := open(t, dir)
	if code, _, stderr := cli(t, "user", "import", file, "--config", r.env.configPath); code != 0 {
		t.Fatal(stderr)
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, dir)
	r.run(t)
	least := map[string]time.Duration{"slow": time.Hour, "nobody": time.Hour}
	ratio := 0.0
	for round := range 8 { // load of the machine adds to some, and not to the least of several
		for login := range least {
			start := time.Now()
			if code := r.bind(t, login, "wrong password "+strconv.Itoa(round)); code != wire.InvalidCredentials {
				t.Fatalf("%s: %v", login, code)
			}
			least[login] = min(least[login], time.Since(start))
		}
		if ratio = least["slow"].Seconds() / least["nobody"].Seconds(); ratio < 1.15 && ratio > 0.87 {
			return
		}
	}
	t.Errorf("a refusal of the one takes %.2f of one of the other: %v", ratio, least)
}

// TestAServerFindsOutWhatAHashTakesBeforeAnybodyAsks, and counts no hash for it:
// nobody gave a password.
func TestAServerFindsOutWhatAHashTakesBeforeAnybodyAsks(t *testing.T) {
	r := open(t, t.TempDir())
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	if took := r.hasher.AtFirst(t.Context()); took <= 0 || r.hasher.Ahead() <= 0 || r.hasher.Runs() != 0 {
		t.Errorf("at first a hash takes %v, then %v, and %d are counted", took, r.hasher.Ahead(), r.hasher.Runs())
	}
}
