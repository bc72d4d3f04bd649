package eap

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"postern/policy"
)

// judge accepts what accept says, and keeps what it was shown.
type judge struct {
	accept func(Credential) bool
	again  bool
	shown  []Credential
	asked  int
}

func (j *judge) Judge(_ context.Context, c Credential) policy.Decision {
	j.shown = append(j.shown, c)
	return decided(j.accept(c))
}

func (j *judge) Again(_ context.Context, _ Credential, d policy.Decision) policy.Decision {
	j.asked++
	return decided(j.again && d.Outcome == policy.Accept)
}

func decided(ok bool) policy.Decision {
	if ok {
		return policy.Decision{Outcome: policy.Accept}
	}
	return policy.Decision{Outcome: policy.Reject, Reason: policy.ReasonWrongSecret}
}

func certificate(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// peer is the other end of a conversation, in TLS methods: what it writes goes
// out when it next reads.
type peer struct {
	t        *testing.T
	conv     *Conversation
	typ      Type
	id       uint8
	out      []byte
	in       []byte
	last     Step
	ended    bool
	fragment int
}

// begin says who is there and takes the start of the method.
func begin(t *testing.T, cfg *Config, j Judge, identity string, typ Type) *peer {
	t.Helper()
	p := &peer{t: t, conv: New(cfg, j), typ: typ, fragment: 700}
	t.Cleanup(p.conv.Close)
	p.send(Packet{Response, 7, TypeIdentity, []byte(identity)})
	return p
}

// send gives the conversation a packet and returns the request it answers.
func (p *peer) send(packet Packet) Packet {
	p.t.Helper()
	step, err := p.conv.Next(p.t.Context(), packet.Encode())
	if err != nil {
		p.t.Fatalf("after %v: %v", packet.Type, err)
	}
	p.last, p.ended = step, step.Done
	answer, err := Decode(step.Message)
	if err != nil {
		p.t.Fatalf("the answer %x: %v", step.Message, err)
	}
	p.id = answer.ID
	return answer
}

func (p *peer) reply(data []byte) Packet { return p.send(Packet{Response, p.id, p.typ, data}) }

// exchange sends the peer's flight in fragments and returns the server's.
func (p *peer) exchange(out []byte) ([]byte, error) {
	var answer Packet
	for first := true; ; first = false {
		data, piece := []byte{0}, out
		if len(piece) > p.fragment {
			piece = piece[:p.fragment]
			data[0] = flagMore
			if first {
				data[0] |= flagLength
				data = binary.BigEndian.AppendUint32(data, uint32(len(out)))
			}
		}
		out = out[len(piece):]
		if answer = p.reply(append(data, piece...)); p.ended {
			return nil, io.EOF
		}
		if len(out) == 0 {
			break
		}
	}
	var whole []byte
	for {
		flags, data := answer.Data[0], answer.Data[1:]
		if flags&flagLength != 0 {
			data = data[4:]
		}
		whole = append(whole, data...)
		if flags&flagMore == 0 {
			return whole, nil
		}
		if answer = p.reply([]byte{0}); p.ended {
			return nil, io.EOF
		}
	}
}

func (p *peer) Read(b []byte) (int, error) {
	for len(p.in) == 0 {
		if p.ended {
			return 0, io.EOF
		}
		out := p.out
		p.out = nil
		in, err := p.exchange(out)
		if err != nil {
			return 0, err
		}
		p.in = in
	}
	n := copy(b, p.in)
	p.in = p.in[n:]
	return n, nil
}

func (p *peer) Write(b []byte) (int, error) {
	p.out = append(p.out, b...)
	return len(b), nil
}

func (p *peer) Close() error                     { return nil }
func (p *peer) LocalAddr() net.Addr              { return nowhere{} }
func (p *peer) RemoteAddr() net.Addr             { return nowhere{} }
func (p *peer) SetDeadline(time.Time) error      { return nil }
func (p *peer) SetReadDeadline(time.Time) error  { return nil }
func (p *peer) SetWriteDeadline(time.Time) error { return nil }

// finish lets the server end: flushes what the peer has written and goes on
// acknowledging until there is nothing more to say.
func (p *peer) finish() {
	p.t.Helper()
	for range 5 {
		if p.ended {
			return
		}
		out := p.out
		p.out = nil
		if in, err := p.exchange(out); err == nil {
			p.in = append(p.in, in...)
		}
	}
	p.t.Fatal("the conversation does not end")
}

func serverConfig(t *testing.T, version uint16) *Config {
	return &Config{
		Methods: []Method{TTLSPAP, TTLSCHAP, TTLSMSCHAPv1, TTLSMSCHAPv2, TTLSGTC, TTLSEAPMSCHAPv2, TTLSMD5, PEAPMSCHAPv2, PEAPGTC, EAPTLS},
		TLS:     &tls.Config{Certificates: []tls.Certificate{certificate(t, "radius.example.org")}, MaxVersion: version},
		Handles: NewHandles(time.Hour, 100, time.Now),
	}
}

func clientConfig(cache tls.ClientSessionCache) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ClientSessionCache: cache, ServerName: "radius.example.org"} //nolint:gosec // the test is about what is inside
}

// nak wants another method than the one that was asked for.
func (p *peer) nak(wanted Type) {
	p.t.Helper()
	answer := p.send(Packet{Response, p.id, TypeNak, []byte{byte(wanted)}})
	if answer.Type != wanted {
		p.t.Fatalf("asked for %d after wanting %d", answer.Type, wanted)
	}
	p.typ = wanted
}

// only writes, and hears nothing back.
type only struct{ io.Writer }

func (only) Read([]byte) (int, error)         { return 0, io.EOF }
func (only) Close() error                     { return nil }
func (only) LocalAddr() net.Addr              { return nowhere{} }
func (only) RemoteAddr() net.Addr             { return nowhere{} }
func (only) SetDeadline(time.Time) error      { return nil }
func (only) SetReadDeadline(time.Time) error  { return nil }
func (only) SetWriteDeadline(time.Time) error { return nil }
