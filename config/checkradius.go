package config

import (
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// RADIUSReply adds attributes to every accept for which all of its conditions
// hold. Of several that give the same attribute the first in the file counts.
type RADIUSReply struct {
	// Group is a group the account is in, by nesting too. Default: "", any.
	Group string `toml:"group"`
	// Service is the service the sign-in counts under. Default: "", any.
	Service string `toml:"service"`
	// Client is the name of the RADIUS client. Default: "", any.
	Client string `toml:"client"`
	// AppPassword is the id of the app password that was used. Default: "",
	// any, and the primary password.
	AppPassword string `toml:"app_password"`
	// Attributes are "NAME=VALUE", or "NAME:TAG=VALUE" for those of tunnels,
	// such as "Tunnel-Private-Group-ID:1=20". Default: none.
	Attributes []string `toml:"attributes"`
}

// DAE is where a device takes requests to end a session (RFC 5176). Without
// Address it is never asked.
type DAE struct {
	// Address is "address:port"; the port is 3799 as a rule, 1700 on some
	// devices of Cisco. Default: "".
	Address string `toml:"address"`
	// SecretFile holds the secret shared with it for these requests. Default:
	// "", the client's own secret.
	SecretFile string `toml:"secret_file"`
}

// fingerprintMark begins a certificate that is named by its SHA-256.
const fingerprintMark = "sha256:"

func (d *DAE) check(p *problems, at string) {
	if d.Address == "" {
		if d.SecretFile != "" {
			p.add(at+".secret_file", "stands there without an address")
		}
		return
	}
	host, port, err := net.SplitHostPort(d.Address)
	n, wrong := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || wrong != nil || n == 0 {
		p.add(at+".address", `%q is not "address:port", such as "192.0.2.1:3799"`, d.Address)
	}
}

// checkTLS is for a client that speaks RADIUS over TLS. Its secret is a
// constant (RFC 6614 §2.3): the certificates are what counts.
func (c *RADIUSClient) checkTLS(p *problems, at string) {
	if c.SecretFile != "" {
		p.add(at+".secret_file", `does not go with transport = "tls": the certificate is what counts there`)
	}
	if c.Secret.Reveal() != "" {
		p.add(at+".secret", `does not go with transport = "tls": the certificate is what counts there`)
	}
	if len(c.Certificates) == 0 {
		p.add(at+".certificates", `is needed with transport = "tls": names in the device's certificate, or "sha256:" and its fingerprint`)
	}
	for i, name := range c.Certificates {
		if _, err := hex.DecodeString(strings.TrimPrefix(name, fingerprintMark)); strings.HasPrefix(name, fingerprintMark) && (err != nil || len(name) != len(fingerprintMark)+64) {
			p.add(index(at+".certificates", i), "is not sha256: and 64 hexadecimal digits")
		}
		if strings.TrimSpace(name) == "" {
			p.add(index(at+".certificates", i), "is empty")
		}
	}
}

// checkSessions looks at replies, sessions and RADIUS over TLS.
func (r *RADIUS) checkSessions(c *Config, p *problems) {
	checkSpan(p, "radius.stale_sessions", r.StaleSessions, 10*time.Minute, 90*24*time.Hour)
	overTLS := false
	for i := range r.Clients {
		k, at := &r.Clients[i], index("radius.client", i)
		k.DAE.check(p, at+".dae")
		overTLS = overTLS || k.Transport == "tls"
		if k.Transport != "tls" && len(k.Certificates) > 0 {
			p.add(at+".certificates", `counts with transport = "tls" only`)
		}
		if k.Transport == "tls" && k.DAE.Address != "" && k.DAE.SecretFile == "" {
			p.add(at+".dae.secret_file", `is needed with transport = "tls"`)
		}
	}
	if len(r.RadSecListen) > 0 {
		if !c.places.has("tls") {
			p.add("radius.radsec_listen", "needs a certificate: add [tls] with certificate and key")
		}
		checkNeeded(p, "radius.radsec_ca", r.RadSecCA)
	} else if overTLS {
		p.add("radius.radsec_listen", `is needed: a client has transport = "tls"`)
	}
	for i, reply := range r.Replies {
		reply.check(c, p, index("radius.reply", i))
	}
}

func (r *RADIUSReply) check(c *Config, p *problems, at string) {
	if r.Service != "" && r.Service != "default" {
		known := false
		for _, s := range c.Services {
			known = known || s.Name == r.Service
		}
		if !known {
			p.add(at+".service", "there is no service %q", r.Service)
		}
	}
	if r.Client != "" {
		known := false
		for _, k := range c.RADIUS.Clients {
			known = known || k.Name == r.Client
		}
		if !known {
			p.add(at+".client", "there is no RADIUS client %q", r.Client)
		}
	}
}

// SharedSecretDAE returns the secret for requests to the device.
func (c *RADIUSClient) SharedSecretDAE() (Secret, error) {
	if c.DAE.SecretFile == "" {
		return c.SharedSecret()
	}
	own := RADIUSClient{Name: c.Name, SecretFile: c.DAE.SecretFile}
	s, err := own.SharedSecret()
	if err != nil {
		return s, fmt.Errorf("for requests to the device: %w", err)
	}
	return s, nil
}
