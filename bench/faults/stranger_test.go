package faults

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"postern/bench/site"
	"postern/ldapsrv/wire"
)

// attacks are what one client at 127.0.0.1 sends, over and over.
var attacks = map[string][]byte{
	"garbage":                   bytes.Repeat([]byte("\xffnot LDAP\x00"), 2000),
	"24 MB of 30 80":            bytes.Repeat([]byte{0x30, 0x80}, 12<<20),
	"half frames":               {0x30, 0x82, 0x3f, 0xff, 0x02, 0x01},
	"10 000 pipelined requests": bytes.Repeat(site.BindRequest(1, "uid=nobody,ou=people,dc=example,dc=org", "wrong"), 10_000),
}

// TestOneClientsAttackLeavesOthersTheirSignIns has one client attack, and
// another at 127.0.0.2 bind and ask over RADIUS 200 times each meanwhile.
func TestOneClientsAttackLeavesOthersTheirSignIns(t *testing.T) {
	h, c := steady(t, site.Config)
	h.serve()
	defer h.running().Kill()
	shared, err := h.site.Secret()
	ok(t, err)
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			stop := attacking(t, h.running().At("ldap.listen"), attack)
			defer stop()
			l, err := site.DialLDAPFrom("127.0.0.2", h.running().At("ldap.listen"))
			ok(t, err)
			defer l.Close()
			r, err := site.DialRADIUSFrom("127.0.0.2", h.running().At("radius.listen"), shared)
			ok(t, err)
			defer r.Close()
			for range 200 {
				if code, _, err := l.Bind(c.login, c.secret); err != nil || code != wire.Success {
					t.Fatalf("a bind answers %d, %v", code, err)
				}
				if code, _, err := r.PAP(c.login, c.secret); err != nil || code != 2 {
					t.Fatalf("PAP answers %d, %v", code, err)
				}
			}
		})
	}
}

// attacking sends attack on up to 8 connections, again where one ends, until
// stop.
func attacking(t *testing.T, address string, attack []byte) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				conn, err := net.DialTimeout("tcp", address, 5*time.Second)
				if err != nil {
					continue
				}
				_ = conn.SetDeadline(time.Now().Add(500 * time.Millisecond))
				_, _ = conn.Write(attack)          // it may be cut off
				_, _ = conn.Read(make([]byte, 64)) // waits for its end, or half a second
				_ = conn.Close()
			}
		})
	}
	return func() { close(done); all.Wait() }
}
