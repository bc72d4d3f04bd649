package browsertest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// settings is a whole installation on free ports of loopback.
const settings = `base_dn  = "dc=example,dc=org"
data_dir = "data"
key_file = "postern.key"

[ldap]
listen = ["127.0.0.1:0"]

[radius]
listen = ["127.0.0.1:0"]
reject_delay = "0s"

[[radius.client]]
name = "vpn-box"
address = "127.0.0.1"
secret_file = "vpn.secret"

[portal]
listen = "127.0.0.1:0"
public_url = "http://localhost:0"
contact = "the help desk"
%s

[portal.mail]
imap = "imaps://mail.example.org"
smtp = "submission://mail.example.org"
user_name = "mail"

[portal.vpn]
server = "vpn.example.org"

[portal.wifi]
network = "Example"
method = "TTLS with PAP"
certificate = "radius.example.org"

[[service]]
name = "mail"
ldap_listeners = ["127.0.0.1:0"]

[[service]]
name = "vpn"
radius_clients = ["vpn-box"]
`

// mainPassword is everybody's: the tests are about what it opens.
const mainPassword = "correct horse battery"

// server is the real binary, serving.
type server struct {
	t                    *testing.T
	binary, dir          string
	portal, ldap, radius string // addresses; portal is a URL
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "postern-browsertest-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "postern")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/postern")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return binary, nil
})

// serve starts a server of its own for the test; more goes into [portal].
func serve(t *testing.T, more string) *server {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, binary: binary, dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(s.dir, "config.toml"), fmt.Appendf(nil, settings, more), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run("", "init")
	cmd := exec.Command(binary, "--config", filepath.Join(s.dir, "config.toml"), "serve")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	s.addresses(log)
	return s
}

var listening = regexp.MustCompile(`msg=listening for=(\S+) address=(\S+)`)

// addresses waits for the server to say where it listens. The rest of its log
// goes to the test's, which must show no secret.
func (s *server) addresses(log io.Reader) {
	s.t.Helper()
	found := make(chan map[string]string, 1)
	go func() {
		at := map[string]string{}
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if strings.Contains(lines.Text(), mainPassword) {
				panic("the log holds a password")
			}
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				if at[m[1]] = m[2]; len(at) == 3 {
					found <- at
				}
			}
			if strings.Contains(lines.Text(), "level=ERROR") {
				fmt.Fprintln(os.Stderr, "server:", lines.Text())
			}
		}
	}()
	select {
	case at := <-found:
		_, port, _ := strings.Cut(at["portal.listen"], ":")
		s.portal, s.ldap, s.radius = "http://localhost:"+port, at["ldap.listen"], at["radius.listen"]
	case <-time.After(patience):
		s.t.Fatal("the server does not listen")
	}
}

// run runs a command of the binary on the installation.
func (s *server) run(input string, words ...string) string {
	s.t.Helper()
	cmd := exec.Command(s.binary, append([]string{"--config", filepath.Join(s.dir, "config.toml")}, words...)...)
	cmd.Stdin = strings.NewReader(input)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("postern %s: %v\n%s", strings.Join(words, " "), err, problems.String())
	}
	return strings.TrimSpace(out.String())
}

// person adds somebody with MFA on and nothing enrolled.
func (s *server) person(login, name string) {
	s.t.Helper()
	s.run(mainPassword, "user", "add", login, "--name", name, "--mail", login+"@example.org", "--password-stdin")
	s.run("", "user", "mfa", login, "on")
}

// binds reports whether a password binds over LDAP, asked with ldapwhoami.
func (s *server) binds(login, password string) bool {
	s.t.Helper()
	needs(s.t, "ldapwhoami")
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ldapwhoami", "-H", "ldap://"+s.ldap, "-x", "-D", "uid="+login+",ou=people,dc=example,dc=org", "-w", password).CombinedOutput()
	if err == nil {
		return strings.Contains(string(out), "uid="+login+",")
	}
	if !strings.Contains(string(out), "(49)") {
		s.t.Fatalf("ldapwhoami: %v\n%s", err, out)
	}
	return false
}

// accepts reports whether a password gets an Access-Accept, asked with
// radclient. Anything but an Accept or a Reject fails the test.
func (s *server) accepts(login, password string) bool {
	s.t.Helper()
	needs(s.t, "radclient")
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "radclient", "-x", "-S", filepath.Join(s.dir, "vpn.secret"), s.radius, "auth")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("User-Name = %q\nUser-Password = %q\nMessage-Authenticator = 0x00\n", login, password))
	out, _ := cmd.CombinedOutput() // it exits 1 on a Reject
	switch {
	case strings.Contains(string(out), "Received Access-Accept"):
		return true
	case strings.Contains(string(out), "Received Access-Reject"):
		return false
	}
	s.t.Fatalf("radclient: %s", out)
	return false
}

// needs skips the test where a program is not installed. In CI that fails.
func needs(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed: make deps installs it", program)
	}
	t.Skipf("%s is not installed: make deps installs it on Debian, as root", program)
	return ""
}
