package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"postern/bench/load"
	"postern/bench/people"
)

// RADIUSSecret is what FreeRADIUS and the floor share with their clients.
const RADIUSSecret = "0123456789abcdef0123456789abcdef"

const freeradiusConf = `prefix = /usr
logdir = %[1]s
raddbdir = %[1]s
run_dir = %[1]s
libdir = /usr/lib/freeradius
max_request_time = 30
cleanup_delay = 5
max_requests = 16384
log {
	destination = files
	file = %[1]s/radius.log
	auth = no
}
security {
	max_attributes = 200
	reject_delay = 0
	status_server = yes
	allow_vulnerable_openssl = yes
}
proxy_requests = no
thread pool {
	start_servers = 5
	max_servers = 32
	min_spare_servers = 3
	max_spare_servers = 10
	max_requests_per_server = 0
	auto_limit_acct = no
}
client loopback {
	ipaddr = 127.0.0.0/16
	secret = %[2]s
	require_message_authenticator = yes
}
modules {
	pap {
		normalise = yes
	}
	files {
		filename = %[1]s/users
	}
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = %[3]d
	}
	authorize {
		files
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
	}
}
`

// FreeRADIUS starts FreeRADIUS with n accounts in its files module, {SSHA}, and
// the modules that PAP needs and no others.
func FreeRADIUS(ctx context.Context, dir string, n int) (*Server, error) {
	program, err := find("freeradius")
	if err != nil {
		return nil, err
	}
	at, err := freePort("udp")
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.MkdirAll(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "radiusd.conf"), fmt.Appendf(nil, freeradiusConf, dir, RADIUSSecret, at.Port()), 0o600),
		write(filepath.Join(dir, "users"), n, people.Users))
	if err != nil {
		return nil, err
	}
	return start(ctx, "FreeRADIUS", at, answersPAP(at, RADIUSSecret), program, "-f", "-l", "stdout", "-d", dir)
}

// answersPAP asks once.
func answersPAP(at netip.AddrPort, secret string) func() error {
	return func() error {
		c, err := net.Dial("udp", at.String())
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		if _, err := c.Write(load.PAP(1, people.Login(0), people.Password(0, 0), []byte(secret))); err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 4096))
		return err
	}
}

// write writes what fill has to say about n accounts into a new file.
func write(path string, n int, fill func(io.Writer, int) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(fill(f, n), f.Close())
}
