package eap

import (
	"crypto/tls"
	"testing"
	"time"

	"postern/policy"
)

var versions12And13 = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// presentPAP shakes hands and presents a name and a password.
func presentPAP(p *peer, cfg *tls.Config, name, password string) *tls.Conn {
	p.t.Helper()
	conn := tls.Client(p, cfg)
	if err := conn.Handshake(); err != nil {
		p.t.Fatalf("handshake: %v", err)
	}
	if conn.ConnectionState().DidResume {
		p.finish()
		return conn
	}
	inside := append(avp{0, avpUserName, []byte(name)}.encode(), avp{0, avpUserPassword, append([]byte(password), 0, 0)}.encode()...)
	if _, err := conn.Write(inside); err != nil {
		p.t.Fatal(err)
	}
	p.finish()
	return conn
}

func TestTTLSPAP(t *testing.T) {
	for name, version := range versions12And13 {
		t.Run(name, func(t *testing.T) {
			j := &judge{accept: func(c Credential) bool { return c.Secret.Reveal() == "right" }}
			cfg := serverConfig(t, version)
			p := begin(t, cfg, j, "anonymous@example.org", TypeTTLS)
			conn := presentPAP(p, clientConfig(nil), "ann", "right")
			if p.last.Decision.Outcome != policy.Accept || p.last.Method != "eap-ttls/pap" {
				t.Fatalf("the conversation ends with %+v", p.last)
			}
			if got := j.shown[0]; got.Identity != "ann" || !got.Tunnel {
				t.Errorf("what was judged is %+v", got)
			}
			state := conn.ConnectionState()
			label, context := "ttls keying material", []byte(nil)
			if version == tls.VersionTLS13 {
				label, context = "EXPORTER_EAP_TLS_Key_Material", []byte{21}
			}
			want, err := state.ExportKeyingMaterial(label, context, 128)
			if err != nil || string(want[:64]) != string(p.last.MSK) {
				t.Errorf("the keys differ (%v)", err)
			}
		})
	}
}

func TestTTLSRefusal(t *testing.T) {
	for name, version := range versions12And13 {
		t.Run(name, func(t *testing.T) {
			j := &judge{accept: func(Credential) bool { return false }}
			p := begin(t, serverConfig(t, version), j, "ann", TypeTTLS)
			presentPAP(p, clientConfig(nil), "ann", "wrong")
			if p.last.Decision.Outcome != policy.Reject || p.last.MSK != nil || len(j.shown) != 1 {
				t.Errorf("the conversation ends with %+v after %d judgements", p.last, len(j.shown))
			}
		})
	}
}

// A peer that failed inside and resumes fails: its handle was never worth
// anything. One that succeeded resumes without presenting anything, if the
// judge still says so.
func TestTTLSResumption(t *testing.T) {
	for name, version := range versions12And13 {
		t.Run(name, func(t *testing.T) {
			j := &judge{accept: func(c Credential) bool { return c.Secret.Reveal() == "right" }, again: true}
			cfg, cache := serverConfig(t, version), tls.NewLRUClientSessionCache(8)
			sign := func(password string) (*peer, bool) {
				p := begin(t, cfg, j, "ann", TypeTTLS)
				conn := presentPAP(p, clientConfig(cache), "ann", password)
				_, _ = conn.Read(make([]byte, 1)) // takes the tickets of TLS 1.3
				return p, conn.ConnectionState().DidResume
			}
			sign("wrong")
			if p, resumed := sign("wrong"); resumed || p.last.Decision.Outcome == policy.Accept {
				t.Fatalf("a peer that failed resumes (%v): %+v", resumed, p.last)
			}
			sign("right")
			if p, resumed := sign("right"); !resumed || p.last.Decision.Outcome != policy.Accept || len(p.last.MSK) != 64 {
				t.Fatalf("a peer that succeeded does not resume (%v): %+v", resumed, p.last)
			}
			j.again = false
			if p, resumed := sign("right"); !resumed || p.last.Decision.Outcome == policy.Accept {
				t.Errorf("what is refused now is resumed (%v): %+v", resumed, p.last)
			}
		})
	}
}

// TestResumingDoesNotProlongASession: it ends a set time after the full sign-in,
// however often it is resumed, and then the device presents its password anew.
func TestResumingDoesNotProlongASession(t *testing.T) {
	for name, version := range versions12And13 {
		t.Run(name, func(t *testing.T) {
			j := &judge{accept: func(Credential) bool { return true }, again: true}
			at, life := time.Now(), 8*time.Hour
			cfg, cache := serverConfig(t, version), tls.NewLRUClientSessionCache(8)
			cfg.Handles = NewHandles(life, 8, func() time.Time { return at })
			for n, c := range []struct {
				after   time.Duration
				resumed bool
			}{{0, false}, {life / 2, true}, {life/2 - 1, true}, {1, false}, {0, true}} {
				at = at.Add(c.after)
				p := begin(t, cfg, j, "ann", TypeTTLS)
				conn := presentPAP(p, clientConfig(cache), "ann", "right")
				_, _ = conn.Read(make([]byte, 1)) // takes the tickets of TLS 1.3
				if resumed := conn.ConnectionState().DidResume; resumed != c.resumed || p.last.Decision.Outcome != policy.Accept {
					t.Errorf("sign-in %d: resumed is %v, it ends with %+v", n, resumed, p.last)
				}
			}
			if len(j.shown) != 2 {
				t.Errorf("the password was asked for %d times, want 2", len(j.shown))
			}
		})
	}
}
