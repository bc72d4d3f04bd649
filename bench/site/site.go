// Package site runs the plain binary, as people build it, in an installation
// of its own on loopback: for the tests that kill it, time it and load it.
//
// Nothing imports it but what stands in bench.
package site

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Config is an installation with LDAP and RADIUS on free ports, services
// "mail" (LDAP) and "vpn" (RADIUS), and no reject delay.
const Config = `base_dn  = "dc=example,dc=org"
data_dir = "data"
key_file = "postern.key"

[ldap]
listen = ["127.0.0.1:0"]

[radius]
listen       = ["127.0.0.1:0"]
reject_delay = "0s"

[[radius.client]]
name        = "vpn"
address     = "127.0.0.0/8"
secret_file = "vpn.secret"

[app_passwords]
max_per_account = 1000

[[service]]
name           = "mail"
ldap_listeners = ["127.0.0.1:0"]

[[service]]
name           = "vpn"
radius_clients = ["vpn"]

[log]
level  = "info"
format = "json"
`

// Build builds the binary into dir as the README says, without the race
// detector, and returns its path. root is the top of the tree.
func Build(ctx context.Context, root, dir string) (string, error) {
	path := filepath.Join(dir, "postern")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/postern")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the binary: %w\n%s", err, out)
	}
	return path, nil
}

// Site is an installation. Its commands may run concurrently.
type Site struct {
	Dir    string
	binary string
	around []string // runs the server; see Wrap
}

// Wrap has later servers run by a program, with the server's command line
// behind args. Without arguments they run by themselves again.
func (s *Site) Wrap(args ...string) { s.around = args }

// New makes an installation in dir, with postern init.
func New(ctx context.Context, binary, dir, config string) (*Site, error) {
	s := &Site{Dir: dir, binary: binary}
	if err := os.WriteFile(s.path("config.toml"), []byte(config), 0o600); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	_, err := s.Run(ctx, "", "init")
	return s, err
}

func (s *Site) path(name string) string { return filepath.Join(s.Dir, name) }

// Secret is the shared secret of the RADIUS client "vpn".
func (s *Site) Secret() (string, error) {
	b, err := os.ReadFile(s.path("vpn.secret"))
	return strings.TrimSpace(string(b)), err
}

// Command is a command of the binary on this installation, not started yet.
func (s *Site) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.binary, append(args, "--config", s.path("config.toml"))...)
	cmd.Dir = s.Dir
	return cmd
}

// Run runs a command to its end and returns its standard output.
func (s *Site) Run(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := s.Command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("postern %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// AddPerson adds somebody with a primary password.
func (s *Site) AddPerson(ctx context.Context, login, password string) error {
	_, err := s.Run(ctx, password, "user", "add", login, "--password-stdin")
	return err
}

// Issued is an app password and its id.
type Issued struct{ ID, Secret string }

// Issue issues an app password.
func (s *Site) Issue(ctx context.Context, login, label string, more ...string) (i Issued, err error) {
	out, err := s.Run(ctx, "", append([]string{"app-password", "issue", login, "--label", label, "--json"}, more...)...)
	if err != nil {
		return i, err
	}
	if err := json.Unmarshal([]byte(out), &i); err != nil {
		return i, fmt.Errorf("reading what was issued: %w", err)
	}
	return i, nil
}

// Process is a server that runs.
type Process struct {
	cmd     *exec.Cmd
	mu      sync.Mutex
	at      map[string]string
	log     bytes.Buffer
	ended   chan struct{}
	waitErr error
}

// ErrEnded says that the server ended before it was ready.
var ErrEnded = errors.New("the server ended before it was ready")

// Serve starts the server and returns when each of keys ("ldap.listen") is
// served.
func (s *Site) Serve(ctx context.Context, keys ...string) (*Process, error) {
	p := &Process{cmd: s.wrapped(ctx), at: map[string]string{}, ended: make(chan struct{})}
	logs, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	heard := make(chan struct{}, 64)
	go p.listen(logs, heard)
	for !p.serves(keys) {
		select {
		case <-heard:
		case <-p.ended:
			return nil, fmt.Errorf("%w: %s", ErrEnded, p.Log())
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the server: %w: %s", ctx.Err(), p.Log())
		}
	}
	return p, nil
}

func (s *Site) wrapped(ctx context.Context) *exec.Cmd {
	own := s.Command(ctx, "serve")
	if len(s.around) == 0 {
		return own
	}
	cmd := exec.CommandContext(ctx, s.around[0], append(s.around[1:len(s.around):len(s.around)], own.Args...)...) //nolint:gosec // a test's own words
	cmd.Dir = s.Dir
	return cmd
}

// listen reads the log to its end, then waits for the process.
func (p *Process) listen(logs io.Reader, heard chan<- struct{}) {
	lines := bufio.NewScanner(logs)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Msg, For, Address string }
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			line.Msg = ""
		}
		p.mu.Lock()
		p.log.Write(append(lines.Bytes(), '\n'))
		if line.Msg == "listening" {
			p.at[line.For] = line.Address
		}
		p.mu.Unlock()
		select {
		case heard <- struct{}{}:
		default:
		}
	}
	p.waitErr = p.cmd.Wait()
	close(p.ended)
}

func (p *Process) serves(keys []string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		if p.at[k] == "" {
			return false
		}
	}
	return true
}

// At is where a listener listens.
func (p *Process) At(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[key]
}

// Log is what the server has logged so far.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err is how the process ended. It is known once Ended is closed.
func (p *Process) Err() error { return p.waitErr }

// Kill ends the server as a power cut would end the process, and waits until
// it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.ended
}

// Stop has the server drain and returns how it ended.
func (p *Process) Stop(within time.Duration) error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping the server: %w", err)
	}
	select {
	case <-p.ended:
		return p.waitErr
	case <-time.After(within):
		p.Kill()
		return fmt.Errorf("the server did not end within %s", within)
	}
}
