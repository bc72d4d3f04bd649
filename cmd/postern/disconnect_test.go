package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"

	"postern/directory"
)

// gate is a RADIUS client of these tests: a device that signs people in,
// reports it, and takes requests to end their sessions.
type gate struct {
	*running
	*net.UDPConn
	shared string
	last   []byte // request that request returned
}

func newGateAt(t *testing.T, edit ...string) *gate {
	t.Helper()
	needs(t, "radclient")
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	dir := t.TempDir()
	text := strings.NewReplacer(append(edit, `"warn"`, `"info"`, "reject_delay", "accounting_listen = [\"127.0.0.1:0\"]\nreject_delay",
		`secret_file = "vpn.secret"`, "secret_file = \"vpn.secret\"\ndae = { address = \""+conn.LocalAddr().String()+"\" }")...).Replace(demoConfig)
	rewriteFile(t, filepath.Join(dir, "config.toml"), text)
	r := open(t, dir)
	r.run(t)
	shared, err := os.ReadFile(filepath.Join(dir, "vpn.secret"))
	if err != nil {
		t.Fatal(err)
	}
	return &gate{running: r, UDPConn: conn, shared: strings.TrimSpace(string(shared))}
}

// command runs a command beside the server, as a person would.
func (g *gate) command(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), append(args, "--config", g.env.configPath), strings.NewReader(""), &out, &errs); code != exitDone {
		t.Fatalf("postern %v: %d\n%s%s", args, code, &out, &errs)
	}
	return out.String()
}

// radclient sends what attributes say, and fails unless the answer is want.
func (g *gate) radclient(t *testing.T, key, kind, want, attributes string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "radclient", "-x", g.address(key), kind, g.shared)
	cmd.Stdin = strings.NewReader(attributes)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("Received "+want)) {
		t.Fatalf("radclient: %v\n%s", err, out)
	}
	return string(out)
}

var classShown = regexp.MustCompile(`Class = 0x[0-9a-f]+`)

// signIn has ann signed in with an app password and her session reported.
func (g *gate) signIn(t *testing.T, session string, issue ...string) {
	t.Helper()
	password := g.command(t, append([]string{"app-password", "issue", "ann", "--label", "phone " + session}, issue...)...)
	g.signInWith(t, "ann", strings.TrimSpace(password), session)
}

func (g *gate) signInWith(t *testing.T, login, password, session string) {
	t.Helper()
	out := g.radclient(t, "radius.listen", "auth", "Access-Accept", "User-Name = "+login+"\nUser-Password = \""+password+"\"\nMessage-Authenticator = 0x00\n")
	g.radclient(t, "radius.accounting_listen", "acct", "Accounting-Response", classShown.FindString(out)+
		"\nAcct-Status-Type = Start\nUser-Name = "+login+"\nAcct-Session-Id = "+session+"\nNAS-Identifier = gate\nCalling-Station-Id = 198.51.100.4\n")
}

// request returns the next request and where it came from, nil for none within
// wait. One that is sent again, because its answer took a while, is not another.
func (g *gate) request(t *testing.T, wait time.Duration) ([]byte, *net.UDPAddr) {
	t.Helper()
	if err := g.SetReadDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		n, from, err := g.ReadFromUDP(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(buf[:n], g.last) {
			g.last = bytes.Clone(buf[:n])
			return buf[:n], from
		}
	}
}

// checkRequest fails unless raw is a rightly signed Disconnect-Request.
func (g *gate) checkRequest(t *testing.T, raw []byte, session string) {
	t.Helper()
	p, err := radius.Parse(raw, []byte(g.shared))
	if err != nil {
		t.Fatal(err)
	}
	bare := bytes.Clone(raw)
	clear(bare[4:20])
	if sum := md5.Sum(append(bytes.Clone(bare), g.shared...)); p.Code != radius.CodeDisconnectRequest || !bytes.Equal(sum[:], raw[4:20]) {
		t.Errorf("a %v with a wrong authenticator", p.Code)
	}
	signature := bytes.Clone(p.Get(rfc2869.MessageAuthenticator_Type))
	clear(bare[22:38])
	mac := hmac.New(md5.New, []byte(g.shared))
	mac.Write(bare)
	if !hmac.Equal(mac.Sum(nil), signature) {
		t.Error("its Message-Authenticator is wrong")
	}
	if rfc2865.UserName_GetString(p) != "ann" || rfc2866.AcctSessionID_GetString(p) != session || rfc2865.NASIdentifier_GetString(p) != "gate" {
		t.Errorf("it does not identify session %s: %+v", session, p.Attributes)
	}
}

// answer is an ACK, or a NAK with that Error-Cause.
func (g *gate) answer(t *testing.T, request []byte, to *net.UDPAddr, cause uint32) {
	t.Helper()
	raw := append([]byte{byte(radius.CodeDisconnectACK), request[1], 0, 0}, request[4:20]...)
	if cause != 0 {
		raw[0] = byte(radius.CodeDisconnectNAK)
		raw = binary.BigEndian.AppendUint32(append(raw, 101, 6), cause)
	}
	binary.BigEndian.PutUint16(raw[2:], uint16(len(raw)))
	sum := md5.Sum(append(bytes.Clone(raw), g.shared...))
	copy(raw[4:20], sum[:])
	if _, err := g.WriteToUDP(raw, to); err != nil {
		t.Fatal(err)
	}
}

// outcomes are the details of the events about disconnects, oldest first.
func (g *gate) outcomes(t *testing.T) (list []string) {
	t.Helper()
	events, err := g.site.store.Events(t.Context(), directory.EventFilter{Kinds: []directory.EventKind{directory.EventDisconnect}, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range events {
		list = append([]string{ev.Login + ": " + ev.Detail}, list...)
	}
	return list
}

func (g *gate) awaitOutcome(t *testing.T, want string) {
	t.Helper()
	var got []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got = g.outcomes(t); len(got) > 0 && strings.Contains(got[len(got)-1], want) {
			return
		}
	}
	t.Fatalf("no event with %q among %q", want, got)
}

func TestARevokeOnTheCommandLineDisconnectsTheSession(t *testing.T) {
	g := newGateAt(t)
	g.addPerson(t, "ann")
	g.signIn(t, "5A")
	began := time.Now()
	g.command(t, "app-password", "revoke", "ann", "--all", "--yes")
	raw, from := g.request(t, patience)
	if raw == nil {
		t.Fatal("no request came")
	}
	t.Logf("from the revoke on the command line to the Disconnect-Request: %s", time.Since(began).Round(time.Millisecond))
	g.checkRequest(t, raw, "5A")
	g.answer(t, raw, from, 0)
	g.awaitOutcome(t, "ann: acknowledged")
	if again, _ := g.request(t, 300*time.Millisecond); again != nil {
		t.Error("a second request came for a session that is over")
	}
	if out := g.command(t, "sessions"); strings.Contains(out, "ann") {
		t.Errorf("it is still on:\n%s", out)
	}
	if out := g.command(t, "sessions", "--all"); !strings.Contains(out, "disconnect") {
		t.Errorf("how it ended is not shown:\n%s", out)
	}
}

func TestOnlyTheSessionsOfWhatWasRevokedEndAndDisablingEndsAll(t *testing.T) {
	g := newGateAt(t)
	g.addPerson(t, "ann")
	g.signIn(t, "1")
	g.signIn(t, "2")
	list, err := g.site.store.NetworkSessions(t.Context(), directory.NetworkSessionFilter{})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	for _, n := range list {
		if n.Session == "1" {
			g.command(t, "app-password", "revoke", "ann", n.Credential)
		}
	}
	raw, from := g.request(t, patience)
	g.checkRequest(t, raw, "1")
	g.answer(t, raw, from, 503)
	g.awaitOutcome(t, "no such session (Error-Cause 503)")
	if other, _ := g.request(t, 300*time.Millisecond); other != nil {
		t.Error("the session of another app password was to end")
	}
	g.command(t, "user", "disable", "ann")
	raw, from = g.request(t, patience)
	g.checkRequest(t, raw, "2")
	g.answer(t, raw, from, 401)
	g.awaitOutcome(t, "refused (Error-Cause 401)")
	if out := g.command(t, "sessions"); !strings.Contains(out, "refused (Error-Cause 401)") {
		t.Errorf("that the device refused is not shown:\n%s", out)
	}
}

func TestASessionWhoseClientTakesNoRequestsIsSaidToGoOn(t *testing.T) {
	g := newGateAt(t, `secret_file = "vpn.secret"`, `secret_file = "vpn.secret"`) // before the dae is added
	g.addPerson(t, "ann")
	g.signIn(t, "1")
	g.command(t, "app-password", "revoke", "ann", "--all", "--yes")
	g.awaitOutcome(t, "the client has no dae address")
}
