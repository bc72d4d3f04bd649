package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"postern/account"
	"postern/secret"
)

// The applications that these tests run are Debian's, each with a configuration
// of its own in a directory of its own. The recipes in docs/apps hold the same
// settings.

// appConfig is a service "mail" for what comes to the plain listener, and an
// account for applications to search with.
const appConfig = demoConfig + `
[[service_account]]
name = "reader"
networks = ["127.0.0.0/8"]
read = ["ou=people", "ou=groups"]
attributes = ["*"]
`

// appWorld is a server with people, for an application to ask.
type appWorld struct {
	*running
	LDAP   string // address of the plain listener
	Reader string // secret of the service account
	// ann has MFA on, bob has not; both are in the group staff.
	annPrimary, annApp, annVPN, bobPrimary string
}

func newAppWorld(t *testing.T) *appWorld {
	t.Helper()
	dir := t.TempDir()
	rewriteFile(t, filepath.Join(dir, "config.toml"), appConfig)
	w := &appWorld{running: open(t, dir)}
	w.run(t)
	w.LDAP = w.address("ldap.listen")
	people := w.env.accountsOf(w.site)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := people.AddGroup(t.Context(), "cli:test", "staff", "")
	must(err)
	add := func(login string) (string, string) {
		id, password := w.addPerson(t, login)
		m, err := people.PersonMember(t.Context(), login)
		must(err)
		_, err = people.AddMember(t.Context(), "cli:test", "staff", m)
		must(err)
		return id, password.Reveal()
	}
	ann, annPrimary := add("ann")
	must(people.MFAOn(t.Context(), "cli:test", ann))
	issue := func(service string) string {
		issued, err := people.Issue(t.Context(), "cli:test", ann, account.Request{Label: service, Services: []string{service}})
		must(err)
		return issued.Secret.Reveal()
	}
	w.annPrimary, w.annApp, w.annVPN = annPrimary, issue("mail"), issue("vpn")
	_, w.bobPrimary = add("bob")
	reader, err := people.ServiceAccountSecret(t.Context(), "cli:test", "reader")
	must(err)
	w.Reader = reader.Secret.Reveal()
	return w
}

// cases are what every application has to answer.
func (w *appWorld) cases() map[string]struct {
	login, password string
	in              bool
} {
	shown := strings.ToUpper(strings.Join(secret.Group(secret.NewText(w.annApp)), " "))
	return map[string]struct {
		login, password string
		in              bool
	}{
		"MFA on, app password":                    {"ann", w.annApp, true},
		"MFA on, app password as it is shown":     {"ann", shown, true},
		"MFA on, main password":                   {"ann", w.annPrimary, false},
		"MFA on, app password of another service": {"ann", w.annVPN, false},
		"MFA off, main password":                  {"bob", w.bobPrimary, true},
		"MFA off, somebody else's app password":   {"bob", w.annApp, false},
		"MFA off, wrong password":                 {"bob", "not bob's password", false},
		"nobody":                                  {"eve", w.bobPrimary, false},
	}
}

// app is a program of Debian's with its configuration.
type app struct {
	t    *testing.T
	Dir  string // its own, which others may enter
	Addr string // where it is to listen
	Host string
	Port string
	// User and Group are whom it may run as.
	User, Group string
	Root        bool
	*appWorld
}

func newApp(t *testing.T, w *appWorld) *app {
	t.Helper()
	dir, err := os.MkdirTemp("", "app") //nolint:usetesting // the test's own cannot be entered by others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, Dir: dir, Addr: freeAddress(t), Root: os.Geteuid() == 0, appWorld: w}
	a.Host, a.Port, _ = net.SplitHostPort(a.Addr)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	a.User = me.Username
	if group, err := user.LookupGroupId(me.Gid); err == nil {
		a.Group = group.Name
	}
	return a
}

// write writes a file of the application from a template.
func (a *app) write(name, text string) string {
	a.t.Helper()
	var b bytes.Buffer
	if err := template.Must(template.New(name).Option("missingkey=error").Parse(text)).Execute(&b, a); err != nil {
		a.t.Fatal(err)
	}
	path := filepath.Join(a.Dir, name)
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// run runs the application in the foreground until the test ends, and returns
// when it listens.
func (a *app) run(program string, args ...string) {
	a.t.Helper()
	cmd := exec.Command(program, args...)
	var out screen
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, a.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // what it ended with stands in its output
		close(ended)
	}()
	a.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its own group
		}
		if a.t.Failed() {
			a.t.Logf("%s said:\n%s\n%s", program, &out, a.logs())
		}
	})
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			a.t.Fatalf("%s ended:\n%s", program, &out)
		default:
		}
		if c, err := net.Dial("tcp", a.Addr); err == nil {
			_ = c.Close()
			return
		}
	}
	a.t.Fatalf("%s does not listen within %s", program, patience)
}

// logs are what the application wrote into files ending in .log.
func (a *app) logs() string {
	var b strings.Builder
	files, _ := filepath.Glob(filepath.Join(a.Dir, "*.log"))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		fmt.Fprintf(&b, "%s:\n%s\n", filepath.Base(f), text)
	}
	return b.String()
}
