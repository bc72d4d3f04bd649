package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// startBare serves the methods that have no TLS around them.
func startBare(t *testing.T, more string) *running {
	t.Helper()
	needs(t, "eapol_test", "radclient")
	dir := t.TempDir()
	rewriteFile(t, filepath.Join(dir, "config.toml"), strings.NewReplacer(`"warn"`, `"info"`, `secret_file = "vpn.secret"
`, `secret_file = "vpn.secret"
insecure_mschap = true
methods = ["eap-mschapv2", "eap-md5", "mschapv1", "mschapv2", "chap"]
`).Replace(demoConfig)+"\n[app_passwords]\nallow_chap = true\n"+more)
	r := open(t, dir)
	r.run(t)
	return r
}

const staffVLAN = `
[[radius.reply]]
group = "staff"
attributes = ["Tunnel-Type:1=VLAN", "Tunnel-Medium-Type:1=IEEE-802", "Tunnel-Private-Group-ID:1=20"]
`

// refuses fails unless everything but the app password is refused in EAP.
func (d device) refuses(t *testing.T, r *running, p passwords, args ...string) {
	t.Helper()
	for what, password := range map[string]string{"a primary with MFA on": p.primary, "a revoked app password": p.revoked, "one for elsewhere": p.elsewhere, "a wrong one": p.wrong} {
		d.password = password
		if accepted, said := d.signIn(t, r, args...); accepted || !strings.Contains(said, "EAP: Received EAP-Failure") && !strings.Contains(said, "CTRL-EVENT-EAP-FAILURE") {
			t.Errorf("%s is accepted, or not refused in EAP:\n%s", what, tail(said))
		}
	}
}

// TestEAPWithoutATunnel is what VPN gateways pass on from IKEv2. The keys of
// EAP-MSCHAPv2 are those that the device makes; EAP-MD5 makes none.
func TestEAPWithoutATunnel(t *testing.T) {
	r := startBare(t, "")
	_, p := r.addHolder(t, "ann")
	keyed := device{eap: "MSCHAPV2", identity: "ann", tls: "1.2", password: p.app}
	if accepted, said := keyed.signIn(t, r); !accepted || !strings.Contains(said, "MPPE keys OK: 1  mismatch: 0") {
		t.Errorf("EAP-MSCHAPv2: accepted is %v, or the keys differ:\n%s", accepted, tail(said))
	}
	keyed.refuses(t, r, p)
	bare := device{eap: "MD5", identity: "ann", tls: "1.2", password: p.app}
	if accepted, said := bare.signIn(t, r, "-n"); !accepted {
		t.Errorf("EAP-MD5:\n%s", tail(said))
	}
	bare.refuses(t, r, p, "-n")
}

// TestMSCHAPv1AndCHAPWithRadclient: it decodes the keys that the accept carries,
// which end with the hash of the hash of the app password.
func TestMSCHAPv1AndCHAPWithRadclient(t *testing.T) {
	r := startBare(t, "")
	_, p := r.addHolder(t, "ann")
	for method, keys := range map[string]*regexp.Regexp{"MS-CHAP-Password": regexp.MustCompile(`MS-CHAP-MPPE-Keys = 0x0000000000000000[0-9a-f]{32}`), "CHAP-Password": nil} {
		for password, want := range map[string]string{p.app: "Received Access-Accept", p.primary: "Received Access-Reject", p.revoked: "Received Access-Reject", p.wrong: "Received Access-Reject"} {
			said := r.radclient(t, "User-Name = ann", method+` = "`+password+`"`)
			if !strings.Contains(said, want) || keys != nil && keys.MatchString(said) != (password == p.app) {
				t.Errorf("%s, want %s:\n%s", method, want, said)
			}
		}
	}
}

// vlanShown are the VLAN attributes as eapol_test shows them.
var vlanShown = regexp.MustCompile(`Attribute (64|65|81) `)

// TestTheAcceptOfEAPCarriesTheVLANAndNothingBeforeItDoes, as seen by the device.
func TestTheAcceptOfEAPCarriesTheVLANAndNothingBeforeItDoes(t *testing.T) {
	r := startWiFi(t, staffVLAN)
	_, p := r.addHolder(t, "ann")
	for _, args := range [][]string{{"group", "add", "staff"}, {"group", "add-member", "staff", "ann"}} {
		if code, _, stderr := cli(t, append(args, "--config", r.env.configPath)...); code != exitDone {
			t.Fatal(stderr)
		}
	}
	for _, d := range []device{
		{eap: "TTLS", inside: "auth=PAP", identity: "ann", outer: "anonymous", tls: "1.3", password: p.app},
		{eap: "PEAP", inside: "auth=MSCHAPV2", identity: "ann", outer: "anonymous", tls: "1.2", password: p.app},
	} {
		accepted, said := d.signIn(t, r)
		before, accept, ok := strings.Cut(said, "(Access-Accept)")
		if !accepted || !ok || len(vlanShown.FindAllString(accept, -1)) != 3 || !strings.Contains(accept, "013230") {
			t.Errorf("the accept carries %q:\n%s", vlanShown.FindAllString(accept, -1), tail(said))
		}
		if found := vlanShown.FindAllString(before, -1); len(found) > 0 {
			t.Errorf("before the accept: %q", found)
		}
		d.password = p.wrong
		if _, said := d.signIn(t, r); vlanShown.MatchString(said) {
			t.Errorf("without an accept:\n%s", tail(said))
		}
	}
}

// TestTLS12WithoutExtendedMasterSecretIsRefused: its keys could be those of
// another tunnel (RFC 7627 §1). The log says why.
func TestTLS12WithoutExtendedMasterSecretIsRefused(t *testing.T) {
	r := startWiFi(t)
	_, p := r.addHolder(t, "ann")
	openssl := filepath.Join(t.TempDir(), "openssl.cnf")
	rewriteFile(t, openssl, "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = old\n[old]\nOptions = -ExtendedMasterSecret\n")
	t.Setenv("OPENSSL_CONF", openssl)
	for _, d := range []device{{eap: "TTLS", inside: "auth=PAP"}, {eap: "TTLS", inside: "auth=MSCHAPV2"}, {eap: "PEAP", inside: "auth=MSCHAPV2"}} {
		d.identity, d.outer, d.tls, d.password = "ann", "anonymous", "1.2", p.app
		if accepted, said := d.signIn(t, r); accepted || !strings.Contains(said, "Using TLS version TLSv1.2") {
			t.Errorf("%s is accepted, or never came to TLS:\n%s", d.eap, tail(said))
		}
	}
	r.log.await(t, "without extended master secret")
	d := device{eap: "TTLS", inside: "auth=PAP", identity: "ann", outer: "anonymous", tls: "1.3", password: p.app}
	if accepted, said := d.signIn(t, r); !accepted {
		t.Errorf("over TLS 1.3, which has no such weakness, it is refused:\n%s", tail(said))
	}
}

// TestACertificateOfADeviceEndsWithItsDate: what a person may not forget to
// revoke, and nobody checks but the server.
func TestACertificateOfADeviceEndsWithItsDate(t *testing.T) {
	r := startWiFi(t)
	r.addPerson(t, "ann")
	d := r.clientCertificate(t, "laptop")
	d.identity, d.tls = "ann", "1.3"
	if code, _, stderr := cli(t, "certificate", "add", "ann", d.certificate, "--label", "laptop", "--config", r.env.configPath); code != exitDone {
		t.Fatal(stderr)
	}
	if accepted, said := d.signIn(t, r); !accepted {
		t.Fatalf("before its end:\n%s", tail(said))
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	later := openAt(t, r.dir, func() time.Time { return time.Now().Add(selfSignedFor) })
	later.run(t)
	if accepted, said := d.signIn(t, later); accepted {
		t.Errorf("after its end:\n%s", tail(said))
	}
	later.log.await(t, "reason=app_password_expired")
}

// TestADeviceRefusesAnExpiredCertificateOfTheServer: one that pins it is told
// nothing, and the server goes on.
func TestADeviceRefusesAnExpiredCertificateOfTheServer(t *testing.T) {
	r := startWiFi(t)
	_, p := r.addHolder(t, "ann")
	files := eapFiles(&r.current.Load().Config)
	d := device{eap: "TTLS", inside: "auth=PAP", identity: "ann", outer: "anonymous", tls: "1.3", password: p.app, pinned: files.Certificate}
	if accepted, said := d.signIn(t, r); !accepted {
		t.Fatalf("with a certificate that is good:\n%s", tail(said))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ended := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "radius.example.org"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, ended, ended, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	rewriteFile(t, files.Certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	rewriteFile(t, files.Key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	if accepted, said := d.signIn(t, r); accepted || !strings.Contains(said, "certificate has expired") {
		t.Errorf("with one that has expired:\n%s", tail(said))
	}
	d.pinned = ""
	if accepted, said := d.signIn(t, r); !accepted {
		t.Errorf("a device that does not look at it:\n%s", tail(said))
	}
}
