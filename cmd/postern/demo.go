package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"postern/account"
	"postern/secret"
)

// demoConfig is a whole configuration for loopback. Port 0 is any free port.
const demoConfig = `base_dn  = "dc=example,dc=org"
data_dir = "data"
key_file = "postern.key"

[ldap]
listen     = ["127.0.0.1:0"]
listen_tls = ["127.0.0.1:0"]

[radius]
listen       = ["127.0.0.1:0"]
reject_delay = "0s"

[[radius.client]]
name = "vpn"
address = "127.0.0.1"
secret_file = "vpn.secret"

[portal]
listen = "127.0.0.1:0"
public_url = "http://localhost:0"

[portal.mail]
imap = "imaps://mail.example.org"
smtp = "submissions://mail.example.org"

[portal.vpn]
server = "vpn.example.org"

[tls]

[[service]]
name = "mail"
ldap_listeners = ["127.0.0.1:0"]

[[service]]
name = "vpn"
radius_clients = ["vpn"]

[log]
level = "warn"
`

func demoCommand(e *env) *cobra.Command {
	var hold bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the answers that matter, with throw-away data",
		Long: "Runs a server on free ports of loopback with throw-away data, asks it over LDAP\n" +
			"and RADIUS, and shows the answers that came back. Exits 0 only where all are as\n" +
			"they should be.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.demo(cmd.Context(), hold) },
	}
	cmd.Flags().BoolVar(&hold, "hold", false, "keep the server running and print commands to try on it")
	return cmd
}

// demo is a server with throw-away data and the people in it.
type demo struct {
	*env    // of the demonstration: its own configuration
	out     io.Writer
	server  *server
	people  *account.Service
	shared  string // RADIUS secret
	failed  int    // answers that are not as they should be
	answers int
}

func (e *env) demo(ctx context.Context, hold bool) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	dir, err := os.MkdirTemp("", "postern-demo-")
	if err != nil {
		return fmt.Errorf("making a directory for throw-away data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := e.newDemo(ctx, dir)
	if err != nil {
		return err
	}
	serving, end := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- d.server.serve(serving) }()
	shown := d.show(ctx)
	if shown == nil && hold {
		shown = d.hold(ctx)
	}
	end()
	return errors.Join(shown, <-served)
}

// newDemo makes an installation in dir the way init does, and opens it the way
// serve does.
func (e *env) newDemo(ctx context.Context, dir string) (*demo, error) {
	own := newEnv(e.stdin, io.Discard, e.stderr)
	own.configPath, own.actor = filepath.Join(dir, "config.toml"), "cli:demo"
	if err := createFile(own.configPath, []byte(demoConfig), 0o600); err != nil {
		return nil, fmt.Errorf("writing the demonstration's configuration: %w", err)
	}
	if err := (&initializer{env: own}).run(ctx); err != nil {
		return nil, err
	}
	c, err := own.loadConfig()
	if err != nil {
		return nil, err
	}
	shared, err := c.RADIUS.Clients[0].SharedSecret()
	if err != nil {
		return nil, err
	}
	level := new(slog.LevelVar)
	s, err := openServer(ctx, own, c, newLogger(e.stderr, c.Log, level), level)
	if err != nil {
		return nil, err
	}
	return &demo{env: own, out: e.stdout, server: s, people: own.accountsOf(s.site), shared: shared.Reveal()}, nil
}

// person is somebody of the demonstration.
type person struct {
	login string
	id    string
	main  secret.Text // primary password
}

func (d *demo) add(ctx context.Context, login, name string) (person, error) {
	main, err := d.people.GeneratePassword()
	if err != nil {
		return person{}, err
	}
	a, err := d.people.Add(ctx, d.actor, account.Person{Login: login, Name: name, Secret: main})
	return person{login, a.ID, main}, err
}

func (d *demo) issue(ctx context.Context, p person, label string, services ...string) (account.Issued, error) {
	return d.people.Issue(ctx, d.actor, p.id, account.Request{Label: label, Services: services})
}
