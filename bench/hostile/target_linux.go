package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"postern/bench/load"
	"postern/bench/peers"
	"postern/bench/people"
	"postern/bench/site"
)

// target is a server that runs.
type target struct {
	*peers.Server
	ldap, tls netip.AddrPort // not valid: it does not speak that
	radius    netip.AddrPort
	secret    string        // of RADIUS
	bind      []byte        // somebody else's bind
	process   *site.Process // of Postern
}

// opener starts a target anew.
type opener struct {
	name string
	open func(context.Context) (*target, error)
}

// withTLS adds a listener for LDAP under TLS to a configuration, and leaves most
// of loopback out of the RADIUS client's network.
func withTLS(config string) string {
	config = strings.Replace(config, "\"127.0.0.0/8\"\nsecret_file", "\"127.0.0.0/16\"\nsecret_file", 1)
	config = strings.Replace(config, "[ldap]\n", "[ldap]\nlisten_tls = [\"127.0.0.2:0\"]\n", 1)
	return config + `
[tls]
certificate = "cert.pem"
key         = "key.pem"
`
}

func openers(binary, dir string) []opener {
	place := func(name string) (string, error) { return os.MkdirTemp(dir, name) }
	good := load.Bind(people.DN(0), people.Password(0, 0))
	return []opener{
		{"Postern", func(ctx context.Context) (*target, error) {
			in, err := place("postern")
			if err != nil {
				return nil, err
			}
			return openPostern(ctx, binary, in, good)
		}},
		{"slapd", func(ctx context.Context) (*target, error) {
			in, err := place("slapd")
			if err != nil {
				return nil, err
			}
			s, err := peers.Slapd(ctx, in, 10)
			if err != nil {
				return nil, err
			}
			return &target{Server: s, ldap: s.At, bind: good}, nil
		}},
		{"FreeRADIUS", func(ctx context.Context) (*target, error) {
			in, err := place("freeradius")
			if err != nil {
				return nil, err
			}
			s, err := peers.FreeRADIUS(ctx, in, 10)
			if err != nil {
				return nil, err
			}
			return &target{Server: s, radius: s.At, secret: peers.RADIUSSecret}, nil
		}},
		{"gldap", func(ctx context.Context) (*target, error) {
			program := filepath.Join(dir, "gldap")
			build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
			build.Dir = filepath.Join("bench", "gldap")
			if out, err := build.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("building gldap's server: %w: %s", err, out)
			}
			s, err := peers.Program(ctx, "gldap", program, "-serve", "-addr")
			if err != nil {
				return nil, err
			}
			return &target{Server: s, ldap: s.At, bind: load.Bind("uid=tester,ou=people,dc=example,dc=org", "right")}, nil
		}},
	}
}

func openPostern(ctx context.Context, binary, dir string, good []byte) (*target, error) {
	p, err := peers.NewPostern(ctx, binary, dir, 10, withTLS(peers.Config))
	if err != nil {
		return nil, err
	}
	process, err := p.Serve(ctx, "ldap.listen", "ldap.listen_tls", "radius.listen")
	if err != nil {
		return nil, err
	}
	t := &target{Server: peers.Running("Postern", process.PID(), func() error { return process.Stop(time.Minute) }),
		secret: p.RADIUSSecret, bind: good, process: process}
	var errs []error
	for key, at := range map[string]*netip.AddrPort{"ldap.listen": &t.ldap, "ldap.listen_tls": &t.tls, "radius.listen": &t.radius} {
		*at, err = netip.ParseAddrPort(process.At(key))
		errs = append(errs, err)
	}
	return t, errors.Join(errs...)
}

// patience is how long somebody else waits for an answer, asks how often over
// RADIUS meanwhile, and abide how long an attacker puts up with a connection.
const (
	patience = 30 * time.Second
	asks     = 10
	abide    = 5 * time.Second
)

// signsIn has somebody else sign in, from an address of its own, by each
// protocol the target speaks.
func (t *target) signsIn() error {
	if t.ldap.IsValid() {
		if err := t.binds(); err != nil {
			return err
		}
	}
	if t.radius.IsValid() {
		return t.pap()
	}
	return nil
}

func (t *target) binds() error {
	c, err := dialFor(patience, "tcp", "127.0.9.1", t.ldap)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(t.bind); err != nil {
		return err
	}
	var head [10]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return err
	}
	if !bytes.Contains(head[:], []byte{0x61}) || head[9] != 0 {
		return fmt.Errorf("the bind was answered with %x", head)
	}
	return nil
}

// pap asks again where nothing comes, as a device does.
func (t *target) pap() error {
	c, err := dialFor(patience, "udp", "127.0.9.1", t.radius)
	if err != nil {
		return err
	}
	defer c.Close()
	request := load.PAP(byte(time.Now().UnixNano()), people.Login(0), people.Password(0, 0), []byte(t.secret))
	in := make([]byte, 4096)
	for range asks {
		if _, err := c.Write(request); err != nil {
			return err
		}
		_ = c.SetReadDeadline(time.Now().Add(patience / asks))
		n, err := c.Read(in)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return err
		}
		if n < 20 || in[0] != 2 {
			return fmt.Errorf("the request was answered with %x", in[:n])
		}
		return nil
	}
	return errors.New("the request was not answered, however often it was sent")
}

// dial connects an attacker from a loopback address, with a deadline for all of
// it.
func dial(network, from string, to netip.AddrPort) (net.Conn, error) {
	return dialFor(abide, network, from, to)
}

func dialFor(within time.Duration, network, from string, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Timeout: within}
	if network == "udp" {
		d.LocalAddr = &net.UDPAddr{IP: net.ParseIP(from)}
	} else {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	c, err := d.Dial(network, to.String())
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(within))
}
