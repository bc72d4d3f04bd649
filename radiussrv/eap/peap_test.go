package eap

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"testing"

	"postern/policy"
)

// inside is a peer of PEAP behind its handshake.
type inside struct {
	*tls.Conn
	p *peer
}

// hear returns the next inner message: its type and data.
func (i inside) hear() (Type, []byte) {
	i.p.t.Helper()
	buf := make([]byte, 4096)
	n, err := i.Read(buf)
	if err != nil {
		return 0, nil
	}
	if whole, err := Decode(buf[:n]); err == nil && whole.Type == TypeTLV {
		return whole.Type, whole.Data
	}
	return Type(buf[0]), buf[1:n]
}

func (i inside) say(t Type, data ...byte) {
	i.p.t.Helper()
	if _, err := i.Write(append([]byte{byte(t)}, data...)); err != nil {
		i.p.t.Fatal(err)
	}
}

// signIn goes through PEAP with GTC inside. result is the peer's Result TLV.
func (p *peer) signIn(cfg *tls.Config, name, password string, result []byte) *tls.Conn {
	p.t.Helper()
	conn := tls.Client(p, cfg)
	if err := conn.Handshake(); err != nil {
		p.t.Fatalf("handshake: %v", err)
	}
	in := inside{conn, p}
	if !conn.ConnectionState().DidResume {
		if typ, _ := in.hear(); typ != TypeIdentity {
			p.t.Fatalf("asked for %d and not for the identity", typ)
		}
		in.say(TypeIdentity, []byte(name)...)
		for typ, _ := in.hear(); typ != TypeGTC; typ, _ = in.hear() {
			if p.ended {
				return conn
			}
			in.say(TypeNak, byte(TypeGTC))
		}
		in.say(TypeGTC, []byte(password)...)
	}
	if typ, data := in.hear(); typ == TypeTLV && bytes.Equal(data, resultSuccess) {
		in.say(TypeTLV, result...)
	}
	if !p.ended {
		p.finish()
	}
	return conn
}

func TestPEAPWithGTC(t *testing.T) {
	for name, version := range versions12And13 {
		t.Run(name, func(t *testing.T) {
			j := &judge{accept: func(c Credential) bool { return c.Secret.Reveal() == "right" }}
			p := begin(t, serverConfig(t, version), j, "anonymous", TypeTTLS)
			p.nak(TypePEAP)
			conn := p.signIn(clientConfig(nil), "ann", "right", resultSuccess)
			if p.last.Decision.Outcome != policy.Accept || p.last.Method != "peap/eap-gtc" || j.shown[0].Identity != "ann" {
				t.Fatalf("the conversation ends with %+v after %+v", p.last, j.shown)
			}
			state := conn.ConnectionState()
			label, context := "client EAP encryption", []byte(nil)
			if version == tls.VersionTLS13 {
				label, context = "EXPORTER_EAP_TLS_Key_Material", []byte{25}
			}
			if want, err := state.ExportKeyingMaterial(label, context, 128); err != nil || !bytes.Equal(want[:64], p.last.MSK) {
				t.Errorf("the keys differ (%v)", err)
			}
		})
	}
}

// TestPEAPPeersThatDoNotAgreeFail: neither a wrong secret nor a right one whose
// peer says that it failed is a success, and neither leaves anything to resume.
func TestPEAPPeersThatDoNotAgreeFail(t *testing.T) {
	for name, version := range versions12And13 {
		for what, c := range map[string]struct {
			password string
			result   []byte
		}{
			"a wrong secret":      {"wrong", resultSuccess},
			"a Result of failure": {"right", []byte{0x80, 3, 0, 2, 0, 2}},
			"no Result":           {"right", nil},
			"a Result cut short":  {"right", []byte{0x80, 3, 0, 9, 0, 1}},
			"another TLV":         {"right", []byte{0x80, 9, 0, 2, 0, 1}},
		} {
			t.Run(what+" over "+name, func(t *testing.T) {
				j := &judge{accept: func(c Credential) bool { return c.Secret.Reveal() == "right" }, again: true}
				cfg, cache := serverConfig(t, version), tls.NewLRUClientSessionCache(8)
				for range 2 {
					p := begin(t, cfg, j, "ann", TypeTTLS)
					p.nak(TypePEAP)
					conn := p.signIn(clientConfig(cache), "ann", c.password, c.result)
					if conn.ConnectionState().DidResume || p.last.Decision.Outcome == policy.Accept || p.last.MSK != nil {
						t.Errorf("it ends with %+v", p.last)
					}
				}
				if n := cfg.Handles.Len(); n != 0 {
					t.Errorf("%d sessions could be resumed", n)
				}
			})
		}
	}
}

func TestPEAPResumes(t *testing.T) {
	for name, version := range versions12And13 {
		t.Run(name, func(t *testing.T) {
			j := &judge{accept: func(Credential) bool { return true }, again: true}
			cfg, cache := serverConfig(t, version), tls.NewLRUClientSessionCache(8)
			for _, c := range []struct {
				again, resumed bool
				want           policy.Outcome
			}{{true, false, policy.Accept}, {true, true, policy.Accept}, {false, true, policy.Reject}} {
				j.again = c.again
				p := begin(t, cfg, j, "ann", TypeTTLS)
				p.nak(TypePEAP)
				conn := p.signIn(clientConfig(cache), "ann", "right", resultSuccess)
				if conn.ConnectionState().DidResume != c.resumed || p.last.Decision.Outcome != c.want {
					t.Errorf("resumed is %v, it ends with %+v", conn.ConnectionState().DidResume, p.last)
				}
			}
			cfg.Handles.Drop(func(policy.Decision) bool { return true })
			p := begin(t, cfg, j, "ann", TypeTTLS)
			p.nak(TypePEAP)
			if conn := p.signIn(clientConfig(cache), "ann", "right", resultSuccess); conn.ConnectionState().DidResume {
				t.Error("a session that was dropped is resumed")
			}
		})
	}
}

// TestASessionIsResumedInItsOwnMethodOnly: what was accepted in PEAP says
// nothing in TTLS.
func TestASessionIsResumedInItsOwnMethodOnly(t *testing.T) {
	j := &judge{accept: func(Credential) bool { return true }, again: true}
	cfg, cache := serverConfig(t, tls.VersionTLS12), tls.NewLRUClientSessionCache(8)
	p := begin(t, cfg, j, "ann", TypeTTLS)
	p.nak(TypePEAP)
	p.signIn(clientConfig(cache), "ann", "right", resultSuccess)
	p = begin(t, cfg, j, "ann", TypeTTLS)
	if conn := presentPAP(p, clientConfig(cache), "ann", "right"); conn.ConnectionState().DidResume {
		t.Error("a session of PEAP is resumed in TTLS")
	}
}

func TestEAPTLSShowsTheFingerprint(t *testing.T) {
	for name, version := range versions12And13 {
		t.Run(name, func(t *testing.T) {
			mine := certificate(t, "laptop.example.org")
			fingerprint := sha256.Sum256(mine.Certificate[0])
			j := &judge{accept: func(c Credential) bool { return c.Proof.Explains(fingerprint[:]) }, again: true}
			cfg, cache := serverConfig(t, version), tls.NewLRUClientSessionCache(8)
			sign := func(with *tls.Certificate, identity string) (*peer, bool) {
				p := begin(t, cfg, j, identity, TypeTTLS)
				p.nak(TypeTLS)
				c := clientConfig(cache)
				if with != nil {
					c.Certificates = []tls.Certificate{*with}
				}
				conn := tls.Client(p, c)
				if err := conn.Handshake(); err == nil && !p.ended {
					p.finish()
				}
				if !p.ended {
					p.finish()
				}
				_, _ = conn.Read(make([]byte, 1)) // takes the tickets of TLS 1.3
				return p, conn.ConnectionState().DidResume
			}
			if p, _ := sign(nil, "ann"); p.last.Decision.Outcome == policy.Accept || len(j.shown) != 0 {
				t.Fatalf("without a certificate: %+v", p.last)
			}
			other := certificate(t, "other.example.org")
			if p, _ := sign(&other, "ann"); p.last.Decision.Outcome == policy.Accept {
				t.Fatalf("another certificate: %+v", p.last)
			}
			if p, resumed := sign(&mine, "anonymous@example.org"); resumed || p.last.Decision.Outcome != policy.Accept || len(p.last.MSK) != 64 {
				t.Fatalf("resumed is %v: %+v", resumed, p.last)
			}
			if got := j.shown[len(j.shown)-1].Identity; got != "" {
				t.Errorf("somebody anonymous is judged as %q", got)
			}
			if p, resumed := sign(&mine, "ann"); !resumed || p.last.Decision.Outcome != policy.Accept {
				t.Errorf("resumed is %v: %+v", resumed, p.last)
			}
		})
	}
}

// TestTTLSWithEAPInside: EAP-GTC in AVPs, after a Nak of what is asked first.
func TestTTLSWithEAPInside(t *testing.T) {
	for name, version := range versions12And13 {
		for password, want := range map[string]policy.Outcome{"right": policy.Accept, "wrong": policy.Reject} {
			t.Run(password+" over "+name, func(t *testing.T) {
				j := &judge{accept: func(c Credential) bool { return c.Secret.Reveal() == "right" }}
				cfg := serverConfig(t, version)
				cfg.Methods = []Method{TTLSMD5, TTLSEAPMSCHAPv2, TTLSGTC}
				p := begin(t, cfg, j, "ann", TypeTTLS)
				conn := tls.Client(p, clientConfig(nil))
				if err := conn.Handshake(); err != nil {
					t.Fatal(err)
				}
				id, asked := uint8(0), []Type{}
				for answer := (Packet{Response, id, TypeIdentity, []byte("ann")}); !p.ended; {
					if _, err := conn.Write(avp{0, avpEAPMessage, answer.Encode()}.encode()); err != nil {
						t.Fatal(err)
					}
					buf := make([]byte, 4096)
					n, err := conn.Read(buf)
					if err != nil {
						break
					}
					all, err := decodeAVPs(buf[:n])
					if err != nil {
						t.Fatal(err)
					}
					request, err := Decode(find(all, 0, avpEAPMessage))
					if err != nil {
						t.Fatal(err)
					}
					asked = append(asked, request.Type)
					answer = Packet{Response, request.ID, TypeNak, []byte{byte(TypeGTC)}}
					if request.Type == TypeGTC {
						answer.Type, answer.Data = TypeGTC, []byte(password)
					}
				}
				if p.last.Decision.Outcome != want || len(asked) != 2 || asked[0] != TypeMD5 {
					t.Errorf("asked for %v, it ends with %+v", asked, p.last)
				}
			})
		}
	}
}
