package main

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/directory"
	"postern/ldapsrv/wire"
	"postern/policy"
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
	if code, stdout, stderr := cli(t, "explain", "ann", "--config", again.env.configPath); code != exitDone || !strings.Contains(stdout, "the brake is on until") {
		t.Errorf("explain exits %d and does not tell of the brake: %s%s", code, stdout, stderr)
	}
	code, _, stderr := cli(t, "unlock", "ann", "--config", again.env.configPath)
	if code != exitDone || !strings.Contains(stderr, "ann") {
		t.Fatalf("unlock exits %d: %s", code, stderr)
	}
	if code := again.bind(t, "ann", password.Reveal()); code != wire.Success {
		t.Errorf("the next attempt after unlock is answered %v", code)
	}
}

// TestABrakedAnswerIsAWrongPasswords compares the bytes that a client gets, on
// both protocols: braked, remembered, wrong, unknown, and right with MFA on.
func TestABrakedAnswerIsAWrongPasswords(t *testing.T) {
	r := start(t)
	ann, annSecret := r.addPerson(t, "ann")
	if err := r.env.accountsOf(r.site).MFAOn(t.Context(), "cli:test", ann); err != nil {
		t.Fatal(err)
	}
	_, bob := r.addPerson(t, "bob")
	asked := []struct{ name, login, typed string }{
		{"wrong", "bob", "guess 0"}, {"remembered", "bob", "guess 0"}, {"MFA on, right", "ann", annSecret.Reveal()}, {"unknown", "nobody", "guess 0"},
		{"braked, right", "bob", bob.Reveal()}, {"braked, wrong", "bob", "another"},
	}
	var ldap, radius []byte
	for _, a := range asked {
		if a.name == "braked, right" {
			r.brakeBySource(t, "bob")
		}
		byLDAP, byRADIUS := r.bindBytes(t, a.login, a.typed), r.rejectBytes(t, a.login, a.typed)
		if ldap == nil {
			ldap, radius = byLDAP, byRADIUS
		}
		if !bytes.Equal(byLDAP, ldap) || !bytes.Equal(byRADIUS, radius) {
			t.Errorf("%s: LDAP % x, RADIUS % x; a wrong password % x and % x", a.name, byLDAP, byRADIUS, ldap, radius)
		}
	}
	if err := r.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	events, err := r.site.store.Events(t.Context(), directory.EventFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range []string{"ldap", "radius"} {
		if !slices.ContainsFunc(events, func(ev directory.Event) bool {
			return ev.Protocol == protocol && ev.Reason == string(policy.ReasonBraked)
		}) {
			t.Errorf("over %s the brake was never on", protocol)
		}
	}
}

// bindBytes is the whole answer to a bind.
func (r *running) bindBytes(t *testing.T, login, password string) []byte {
	t.Helper()
	return exchange(t, "tcp", r.address("ldap.listen"), bindRequest("uid="+login+",ou=people,dc=example,dc=org", password))
}

// rejectBytes is the whole answer to a request, but for the two authenticators,
// which are different each time.
func (r *running) rejectBytes(t *testing.T, login, password string) []byte {
	t.Helper()
	shared, err := r.current.Load().RADIUS.Clients[0].SharedSecret()
	if err != nil {
		t.Fatal(err)
	}
	request := &papRequest{shared: shared.Reveal(), login: login, password: password}
	if _, err := io.ReadFull(r.env.random, request.authenticator[:]); err != nil {
		t.Fatal(err)
	}
	answer := exchange(t, "udp", r.address("radius.listen"), request.encode())
	if code, err := request.verify(answer); err != nil || code != accessReject {
		t.Fatalf("the answer is %d (%v)", code, err)
	}
	clear(answer[authenticatorAt:radiusHeader])
	clear(answer[radiusHeader+2 : radiusHeader+2+md5.Size])
	return answer
}

func exchange(t *testing.T, network, address string, request []byte) []byte {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(request); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return answer[:n]
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
