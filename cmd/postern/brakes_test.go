package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"postern/ldapsrv/wire"
)

// brakeBySource sends ten wrong passwords.
func (r *running) brakeBySource(t *testing.T, login string) {
	t.Helper()
	for i := range 10 {
		if code := r.bind(t, login, fmt.Sprint("guess ", i)); code != wire.InvalidCredentials {
			t.Fatalf("guess %d is answered %v", i, code)
		}
	}
}

func TestBrakesHoldOverARestartUntilSomebodyUnlocks(t *testing.T) {
	r := start(t)
	_, password := r.addPerson(t, "ann")
	r.brakeBySource(t, "ann")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again := open(t, r.dir)
	again.run(t)
	if code := again.bind(t, "ann", password.Reveal()); code != wire.InvalidCredentials {
		t.Fatalf("after a restart a braked account is answered %v", code)
	}
	code, _, stderr := cli(t, "unlock", "ann", "--config", again.env.configPath)
	if code != exitDone || !strings.Contains(stderr, "ann") {
		t.Fatalf("unlock exits %d: %s", code, stderr)
	}
	if code := again.bind(t, "ann", password.Reveal()); code != wire.Success {
		t.Errorf("the next attempt after unlock is answered %v", code)
	}
}

func TestUnlockNamesWhoItDoesNotKnow(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.toml")
	if code, _, stderr := cli(t, "init", "--config", config); code != exitDone {
		t.Fatal(stderr)
	}
	if code, _, stderr := cli(t, "unlock", "ann", "--config", config); code != exitFailed || !strings.Contains(stderr, "ann") {
		t.Errorf("it exits %d: %s", code, stderr)
	}
	if code := run(t.Context(), []string{"unlock"}, strings.NewReader(""), io.Discard, io.Discard); code != exitUsage {
		t.Errorf("without a login it exits %d", code)
	}
}
