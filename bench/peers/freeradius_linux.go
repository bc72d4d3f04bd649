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

// freeradiusConf is FreeRADIUS with the modules and the servers that are to be
// compared and no others.
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
%[4]s
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = %[3]d
	}
%[5]s
}
%[6]s
`

// freeradiusPAP is what its server does with PAP, outside EAP or inside.
const freeradiusPAP = `	authorize {
		files
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
	}
`

// FreeRADIUS starts FreeRADIUS with n accounts in its files module, {SSHA}, and
// the modules that PAP needs and no others.
func FreeRADIUS(ctx context.Context, dir string, n int) (*Server, error) {
	users := func(w io.Writer) error { return people.Users(w, n) }
	return freeradius(ctx, dir, users, "", freeradiusPAP, "")
}

// freeradiusEAP are its modules for EAP: TLS 1.2 and 1.3, and messages as large
// as Postern's.
const freeradiusEAP = `	mschap {
		use_mppe = yes
	}
	eap {
		default_eap_type = %[1]s
		timer_expire = 60
		max_sessions = 16384
		tls-config tls-common {
			certificate_file = %[2]s
			private_key_file = %[3]s
			ca_file = %[2]s
			fragment_size = 1000
			tls_min_version = "1.2"
			tls_max_version = "1.3"
			ecdh_curve = ""
			cache {
%[4]s
			}
		}
		ttls {
			tls = tls-common
			default_eap_type = mschapv2
			virtual_server = inner
		}
		peap {
			tls = tls-common
			default_eap_type = mschapv2
			virtual_server = inner
		}
		mschapv2 {
		}
	}
`

// freeradiusCache keeps sessions for resumption. It does so in a directory or
// not at all.
const freeradiusCache = `				enable = yes
				lifetime = 8
				name = "compare"
				max_entries = 16384
				persist_dir = %[1]s`

const (
	freeradiusOuter = `	authorize {
		eap
	}
	authenticate {
		eap
	}
`
	freeradiusInner = `server inner {
	authorize {
		mschap
		eap {
			ok = return
		}
		files
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type MS-CHAP {
			mschap
		}
		eap
	}
}
`
)

// EAP is what FreeRADIUS is to do with EAP.
type EAP struct {
	First            string // the method it asks for: "ttls" or "peap"
	Users            func(io.Writer) error
	Certificate, Key string // files
	Resume           bool   // keep sessions for resumption
}

// FreeRADIUSEAP starts FreeRADIUS with its eap module.
func FreeRADIUSEAP(ctx context.Context, dir string, e EAP) (*Server, error) {
	cache := "\t\t\t\tenable = no"
	if e.Resume {
		sessions := filepath.Join(dir, "sessions")
		if err := os.MkdirAll(sessions, 0o700); err != nil {
			return nil, fmt.Errorf("making a place for sessions: %w", err)
		}
		cache = fmt.Sprintf(freeradiusCache, sessions)
	}
	modules := fmt.Sprintf(freeradiusEAP, e.First, e.Certificate, e.Key, cache)
	return freeradius(ctx, dir, e.Users, modules, freeradiusOuter, freeradiusInner)
}

// freeradius starts it with these accounts, further modules, what its server
// does, and further servers.
func freeradius(ctx context.Context, dir string, users func(io.Writer) error, modules, does, servers string) (*Server, error) {
	program, err := find("freeradius")
	if err != nil {
		return nil, err
	}
	at, err := freePort("udp")
	if err != nil {
		return nil, err
	}
	conf := fmt.Appendf(nil, freeradiusConf, dir, RADIUSSecret, at.Port(), modules, does, servers)
	err = errors.Join(os.MkdirAll(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "radiusd.conf"), conf, 0o600),
		write(filepath.Join(dir, "users"), users))
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

// write writes what fill has to say into a new file.
func write(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), f.Close())
}
