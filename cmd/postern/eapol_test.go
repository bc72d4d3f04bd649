package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/account"
	"postern/config"
	"postern/directory"
	"postern/radiussrv"
)

// wifiConfig serves every EAP method to a client of loopback.
var wifiConfig = strings.Replace(demoConfig, `secret_file = "vpn.secret"
`, `secret_file = "vpn.secret"
methods = ["ttls-pap", "ttls-chap", "ttls-mschapv1", "ttls-mschapv2", "ttls-gtc", "ttls-eap-mschapv2", "ttls-md5",
  "peap-mschapv2", "peap-gtc", "eap-tls"]

[radius.eap]
`, 1) + `
[app_passwords]
allow_chap = true
`

// device is one that signs in with EAP, as wpa_supplicant configures it.
type device struct {
	eap, inside      string // "TTLS", "auth=PAP"
	identity, outer  string
	password         string
	tls              string // "1.2", "1.3"
	certificate, key string
	resume           bool   // sign in twice, the second time by resuming
	pinned           string // file of the authority it knows; "": it believes anybody
}

// profile writes what wpa_supplicant is told.
func (d device) profile() string {
	var b strings.Builder
	phase1 := "tls_disable_tlsv1_3=" + map[string]string{"1.2": "1", "1.3": "0"}[d.tls]
	if d.tls == "1.3" {
		phase1 += " tls_disable_tlsv1_0=1 tls_disable_tlsv1_1=1 tls_disable_tlsv1_2=1"
	}
	phase1 += " tls_disable_session_ticket=0"
	fmt.Fprintf(&b, "network={\n  key_mgmt=WPA-EAP\n  eap=%s\n  identity=%q\n  phase1=%q\n", d.eap, d.identity, phase1)
	if d.outer != "" {
		fmt.Fprintf(&b, "  anonymous_identity=%q\n", d.outer)
	}
	if d.password != "" {
		fmt.Fprintf(&b, "  password=%q\n", d.password)
	}
	if d.inside != "" {
		fmt.Fprintf(&b, "  phase2=%q\n", d.inside)
	}
	if d.certificate != "" {
		fmt.Fprintf(&b, "  client_cert=%q\n  private_key=%q\n", d.certificate, d.key)
	}
	if d.pinned != "" {
		fmt.Fprintf(&b, "  ca_cert=%q\n", d.pinned)
	}
	return b.String() + "}\n"
}

// signIn runs eapol_test against r, and returns what it says.
func (d device) signIn(t *testing.T, r *running, more ...string) (accepted bool, said string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "device.conf")
	rewriteFile(t, file, d.profile())
	host, port, _ := strings.Cut(r.address("radius.listen"), ":")
	args := []string{"-c", file, "-a", host, "-p", port, "-s", r.shared(t), "-t", "20"}
	if d.resume {
		args = append(args, "-r", "1")
	}
	args = append(args, more...)
	out, err := exec.CommandContext(t.Context(), "eapol_test", args...).CombinedOutput()
	return err == nil, string(out)
}

// shared is the RADIUS secret of the first client.
func (r *running) shared(t *testing.T) string {
	t.Helper()
	s, err := r.current.Load().RADIUS.Clients[0].SharedSecret()
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

func startWiFi(t *testing.T, more ...string) *running {
	t.Helper()
	needs(t, "eapol_test")
	dir := t.TempDir()
	rewriteFile(t, filepath.Join(dir, "config.toml"), strings.Replace(wifiConfig, `"warn"`, `"info"`, 1)+strings.Join(more, ""))
	r := open(t, dir)
	r.run(t)
	return r
}

// passwords are what one account may present, by what each is.
type passwords struct{ app, revoked, elsewhere, primary, wrong string }

// addHolder adds somebody with MFA on and app passwords of every standing.
func (r *running) addHolder(t *testing.T, login string) (id string, p passwords) {
	t.Helper()
	id, primary := r.addPerson(t, login)
	people := r.env.accountsOf(r.site)
	if err := people.MFAOn(t.Context(), "cli:test", id); err != nil {
		t.Fatal(err)
	}
	issue := func(services ...string) account.Issued {
		issued, err := people.Issue(t.Context(), "cli:test", id, account.Request{Label: "phone", Services: services, Challenge: directory.ChallengeCHAP})
		if err != nil {
			t.Fatal(err)
		}
		return issued
	}
	revoked := issue("vpn")
	if _, err := people.Revoke(t.Context(), "cli:test", id, revoked.AppPassword.ID); err != nil {
		t.Fatal(err)
	}
	return id, passwords{issue("vpn").Secret.Reveal(), revoked.Secret.Reveal(), issue("mail").Secret.Reveal(), primary.Reveal(), "correct horse battery"}
}

// ways are what devices sign in with, each over both versions of TLS.
var ways = []struct{ name, eap, inside, method string }{
	{"TTLS-PAP", "TTLS", "auth=PAP", "eap-ttls/pap"},
	{"TTLS-CHAP", "TTLS", "auth=CHAP", "eap-ttls/chap"},
	{"TTLS-MSCHAPv2", "TTLS", "auth=MSCHAPV2", "eap-ttls/mschapv2"},
	{"TTLS-MSCHAPv1", "TTLS", "auth=MSCHAP", "eap-ttls/mschapv1"},
	{"TTLS-MD5", "TTLS", "autheap=MD5", "eap-ttls/eap-md5"},
	{"TTLS-GTC", "TTLS", "autheap=GTC", "eap-ttls/eap-gtc"},
	{"TTLS-EAP-MSCHAPv2", "TTLS", "autheap=MSCHAPV2", "eap-ttls/eap-mschapv2"},
	{"PEAP-MSCHAPv2", "PEAP", "auth=MSCHAPV2", "peap/eap-mschapv2"},
	{"PEAP-GTC", "PEAP", "auth=GTC", "peap/eap-gtc"},
}

func TestDevicesSignInOverEAP(t *testing.T) {
	r := startWiFi(t)
	_, p := r.addHolder(t, "ann")
	for _, way := range ways {
		for _, version := range []string{"1.2", "1.3"} {
			t.Run(way.name+" over TLS "+version, func(t *testing.T) {
				d := device{eap: way.eap, inside: way.inside, identity: "ann", outer: "anonymous@example.org", tls: version}
				d.password, d.resume = p.app, true
				accepted, said := d.signIn(t, r)
				for _, want := range []string{"MPPE keys OK: 2  mismatch: 0", "Using TLS version TLSv" + version, "resumed=1"} {
					if !accepted || !strings.Contains(said, want) {
						t.Fatalf("the app password is refused, or %q is not said:\n%s", want, tail(said))
					}
				}
				d.resume = false
				for what, password := range map[string]string{"a primary with MFA on": p.primary, "a revoked app password": p.revoked, "one for elsewhere": p.elsewhere, "a wrong one": p.wrong} {
					d.password = password
					if accepted, said := d.signIn(t, r); accepted || !strings.Contains(said, "EAP: Received EAP-Failure") && !strings.Contains(said, "CTRL-EVENT-EAP-FAILURE") {
						t.Errorf("%s is accepted, or not refused in EAP:\n%s", what, tail(said))
					}
				}
			})
		}
	}
}

// TestARevokedAppPasswordLeavesNothingToResume: what revokes is another
// process, and nobody need come back for the server to forget.
func TestARevokedAppPasswordLeavesNothingToResume(t *testing.T) {
	r := startWiFi(t)
	_, p := r.addHolder(t, "ann")
	d := device{eap: "PEAP", inside: "auth=MSCHAPV2", identity: "ann", outer: "anonymous", tls: "1.2", password: p.wrong, resume: true}
	if accepted, said := d.signIn(t, r); accepted || strings.Contains(said, "resumed=1") {
		t.Errorf("who failed inside resumes:\n%s", tail(said))
	}
	if n := r.radius.Stats().Resumable; n != 0 {
		t.Errorf("%d sessions of who failed could be resumed", n)
	}
	d.password, d.resume = p.app, false
	if accepted, said := d.signIn(t, r); !accepted {
		t.Fatal(tail(said))
	}
	if n := r.radius.Stats().Resumable; n == 0 {
		t.Fatal("no session of who succeeded could be resumed")
	}
	if code, _, stderr := cli(t, "app-password", "revoke", "ann", "--all", "--yes", "--config", r.env.configPath); code != exitDone {
		t.Fatal(stderr)
	}
	for end := time.Now().Add(patience); r.radius.Stats().Resumable > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the session is still there")
		}
	}
}

// TestCertificatesSignInOverEAPTLS: a certificate opens what it was bound for,
// by its fingerprint alone, until it is revoked.
func TestCertificatesSignInOverEAPTLS(t *testing.T) {
	r := startWiFi(t)
	id, _ := r.addPerson(t, "ann")
	bound := r.clientCertificate(t, "bound")
	elsewhere, revoked, unbound := r.clientCertificate(t, "elsewhere"), r.clientCertificate(t, "revoked"), r.clientCertificate(t, "unbound")
	add := func(d device, services ...string) string {
		code, out, stderr := cli(t, "certificate", "add", "ann", d.certificate, "--label", "laptop", "--service", strings.Join(services, ","), "--config", r.env.configPath)
		if code != exitDone {
			t.Fatal(stderr)
		}
		return strings.TrimSpace(out)
	}
	add(bound, "vpn")
	add(elsewhere, "mail")
	gone := add(revoked, "vpn")
	if code, _, stderr := cli(t, "certificate", "revoke", "ann", gone, "--config", r.env.configPath); code != exitDone {
		t.Fatal(stderr)
	}
	for _, version := range []string{"1.2", "1.3"} {
		expect := func(what string, d device, want bool) string {
			d.tls = version
			accepted, said := d.signIn(t, r)
			if accepted != want {
				t.Errorf("%s over TLS %s: accepted is %v:\n%s", what, version, accepted, tail(said))
			}
			return said
		}
		named, anonymous, other := bound, bound, bound
		named.identity, anonymous.identity, other.identity = "ann", "anonymous@example.org", "bob"
		named.resume = true
		if said := expect("the bound one, named and resumed", named, true); !strings.Contains(said, "resumed=1") || !strings.Contains(said, "mismatch: 0") {
			t.Errorf("it is not resumed, or keys differ:\n%s", tail(said))
		}
		expect("the bound one of somebody anonymous", anonymous, true)
		expect("the bound one under another name", other, false)
		for what, d := range map[string]device{"one for elsewhere": elsewhere, "a revoked one": revoked, "an unbound one": unbound} {
			d.identity = "ann"
			expect(what, d, false)
		}
	}
	if err := r.env.accountsOf(r.site).Disable(t.Context(), "cli:test", id); err != nil {
		t.Fatal(err)
	}
	bound.identity, bound.tls = "ann", "1.3"
	if accepted, said := bound.signIn(t, r); accepted {
		t.Errorf("a disabled account is accepted:\n%s", tail(said))
	}
}

// clientCertificate makes a device with a certificate that it signed itself.
func (r *running) clientCertificate(t *testing.T, name string) device {
	t.Helper()
	dir := t.TempDir()
	d := device{eap: "TLS", certificate: filepath.Join(dir, name+".pem"), key: filepath.Join(dir, name+".key")}
	key, err := newTLSKey(r.env.random)
	if err != nil {
		t.Fatal(err)
	}
	rewriteFile(t, d.key, string(key))
	signer, err := readTLSKey(d.key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := selfSign(signer, []string{name + ".example.org"}, time.Now(), r.env.random)
	if err != nil {
		t.Fatal(err)
	}
	rewriteFile(t, d.certificate, string(text))
	return d
}

// tail is the end of what a program said.
func tail(said string) string {
	lines := strings.Split(said, "\n")
	return strings.Join(lines[max(0, len(lines)-60):], "\n")
}

// TestEveryMethodOfTheConfigurationIsSpoken: the configuration and the server
// each have a list, and neither can see the other.
func TestEveryMethodOfTheConfigurationIsSpoken(t *testing.T) {
	for _, m := range config.RADIUSMethods {
		if !radiussrv.Method(m).Known() {
			t.Errorf("the RADIUS server does not speak %q", m)
		}
	}
}
