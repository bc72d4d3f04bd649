package main

import (
	"encoding/base32"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/account"
	"postern/secret"
)

var shownState = regexp.MustCompile(`State = (0x[0-9a-f]+)`)

// radclient asks until it is answered, and returns all it says.
func (r *running) radclient(t *testing.T, lines ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "radclient", "-x", "-r", "6", "-t", "10", r.address("radius.listen"), "auth", r.shared(t))
	cmd.Stdin = strings.NewReader(strings.Join(append(lines, "Message-Authenticator = 0x00"), "\n") + "\n")
	out, _ := cmd.CombinedOutput() // it fails where it is refused
	return string(out)
}

func (r *running) askPAP(t *testing.T, login, password string, more ...string) string {
	t.Helper()
	return r.radclient(t, append(more, "User-Name = "+login, `User-Password = "`+password+`"`)...)
}

// code is the code of the moment for a key that "user totp" printed.
func code(t *testing.T, uri string) string {
	t.Helper()
	u, err := url.Parse(strings.TrimSpace(uri))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return secret.TOTPCode(seed, time.Now().Unix()/30)
}

// TestACodeIsAskedForAlike: at a client that can ask for a code, what is not
// accepted outright is asked for one, and only the right primary with a fresh
// code gets in.
func TestACodeIsAskedForAlike(t *testing.T) {
	needs(t, "radclient")
	r := open(t, t.TempDir())
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	r.change(t, `secret_file = "vpn.secret"`, "secret_file = \"vpn.secret\"\notp_challenge = true")
	r.change(t, "[log]", "[app_passwords]\nallow_chap = true\n\n[log]")
	r = open(t, r.dir)
	r.run(t)
	people := r.env.accountsOf(r.site)
	id, p := r.addHolder(t, "ann")
	exitCode, uri, stderr := cli(t, "user", "totp", "ann", "--config", r.env.configPath)
	if exitCode != exitDone {
		t.Fatal(stderr)
	}
	_, plain := r.addPerson(t, "bob")
	if said := r.askPAP(t, "ann", p.app); !strings.Contains(said, "Access-Accept") {
		t.Errorf("the app password is not accepted outright:\n%s", said)
	}
	if said := r.askPAP(t, "bob", plain.Reveal()); !strings.Contains(said, "Access-Accept") {
		t.Errorf("the primary of somebody without MFA is not accepted outright:\n%s", said)
	}
	states := map[string]string{}
	shape := regexp.MustCompile(`0x[0-9a-f]+|Id \d+|\d+\.\d+\.\d+\.\d+:\d+`)
	first := ""
	for what, with := range map[string][2]string{
		"right": {"ann", p.primary}, "wrong": {"ann", p.wrong}, "revoked": {"ann", p.revoked},
		"elsewhere": {"ann", p.elsewhere}, "unknown": {"nobody", p.wrong}, "wrong without MFA": {"bob", p.wrong},
	} {
		said := r.askPAP(t, with[0], with[1])
		_, reply, ok := strings.Cut(said, "Received Access-Challenge")
		if !ok {
			t.Fatalf("%s is not asked for a code:\n%s", what, said)
		}
		if reply = shape.ReplaceAllString(reply, "_"); first == "" {
			first = reply
		} else if reply != first {
			t.Errorf("%s is asked otherwise:\n%s\nthan:\n%s", what, reply, first)
		}
		states[what] = "State = " + shownState.FindStringSubmatch(said)[1]
	}
	now := code(t, uri)
	for _, c := range []struct{ what, login, state, code string }{
		{"a right code after a wrong password", "ann", states["wrong"], now},
		{"a right code after a revoked app password", "ann", states["revoked"], now},
		{"somebody else's question", "bob", states["right"], now},
		{"a wrong code", "ann", states["right"], "000000"},
		{"a question that was answered", "ann", states["right"], now},
		{"a State nobody made", "ann", "State = 0x00112233445566778899aabbccddeeff", now},
	} {
		if said := r.askPAP(t, c.login, c.code, c.state); !strings.Contains(said, "Received Access-Reject") {
			t.Errorf("%s:\n%s", c.what, said)
		}
	}
	ask := func() string { return "State = " + shownState.FindStringSubmatch(r.askPAP(t, "ann", p.primary))[1] }
	if said := r.askPAP(t, "ann", "000000", ask()); !strings.Contains(said, "Received Access-Reject") {
		t.Errorf("a wrong code:\n%s", said)
	}
	now = code(t, uri)
	if said := r.askPAP(t, "ann", now, ask()); !strings.Contains(said, "Received Access-Accept") {
		t.Errorf("the right password and code are refused:\n%s\n%s", said, &r.log)
	}
	if said := r.askPAP(t, "ann", now, ask()); !strings.Contains(said, "Received Access-Reject") {
		t.Errorf("a code counts twice:\n%s", said)
	}
	state := ask()
	if err := people.Disable(t.Context(), account.Actor("cli:test"), id); err != nil {
		t.Fatal(err)
	}
	if said := r.askPAP(t, "ann", code(t, uri), state); !strings.Contains(said, "Received Access-Reject") {
		t.Errorf("disabled between the legs:\n%s", said)
	}
}
