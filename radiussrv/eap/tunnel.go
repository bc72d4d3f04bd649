package eap

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"postern/policy"
)

// Config is what conversations are held with. It may be used concurrently and
// is not changed.
type Config struct {
	// Methods are allowed; the first is asked for.
	Methods []Method
	// TLS is the server's configuration, with its certificate; nil where no
	// method needs one. The versions between 1.2 and 1.3 that it allows are
	// spoken.
	TLS *tls.Config
	// Handles keeps TLS sessions for resumption; nil: none are resumed.
	Handles *Handles
	// Fragment is the largest piece of TLS in one message; 0: 1000 bytes.
	Fragment int
}

func (c *Config) fragment() int {
	if c.Fragment <= 0 {
		return defaultFragment
	}
	return c.Fragment
}

// tunnel is the TLS inside a conversation.
type tunnel struct {
	*tls.Conn
	wire  *wire
	state tls.ConnectionState
	// resumed is what the session was accepted for before; nil for a full
	// handshake.
	resumed *policy.Decision
	issued  *issued
}

// wire is the peer as crypto/tls sees it. Reading sends what was written and
// waits for the peer's next flight.
type wire struct {
	m   *method
	c   *Conversation
	in  []byte
	out []byte
	err error
}

func (w *wire) Read(b []byte) (int, error) {
	for len(w.in) == 0 {
		if w.err == nil {
			w.in, w.err = w.flush()
		}
		if w.err != nil {
			return 0, w.err
		}
		if len(w.in) == 0 && len(w.out) == 0 {
			w.err = io.ErrUnexpectedEOF // an acknowledgement of nothing
		}
	}
	n := copy(b, w.in)
	w.in = w.in[n:]
	return n, nil
}

// flush sends what was written and returns what comes back.
func (w *wire) flush() ([]byte, error) {
	out := w.out
	w.out = nil
	return w.m.flight(w.c, out)
}

func (w *wire) Write(b []byte) (int, error) {
	w.out = append(w.out, b...)
	return len(b), nil
}

func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return nowhere{} }
func (w *wire) RemoteAddr() net.Addr             { return nowhere{} }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

type nowhere struct{}

func (nowhere) Network() string { return "eap" }
func (nowhere) String() string  { return "eap" }

// handshake shakes hands with the peer, whose first flight is first.
func (m *method) handshake(c *Conversation, first Packet, adapt func(*tls.Config)) (*tunnel, error) {
	hello, err := m.assemble(first)
	if err != nil {
		return nil, err
	}
	t := &tunnel{wire: &wire{m: m, c: c, in: hello}}
	cfg := c.cfg.TLS.Clone()
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	if adapt != nil {
		adapt(cfg)
	}
	t.resumeWith(c, m, cfg)
	t.Conn = tls.Server(t.wire, cfg)
	if err := t.Handshake(); err != nil {
		return nil, t.broken(err)
	}
	t.state = t.ConnectionState()
	return t, nil
}

// broken sends the alert that crypto/tls has written, and says what broke.
func (t *tunnel) broken(err error) error {
	if errors.Is(err, errOver) {
		return errOver
	}
	var f failure
	if errors.As(err, &f) {
		return f
	}
	if len(t.wire.out) > 0 && t.wire.err == nil {
		if _, sent := t.wire.flush(); errors.Is(sent, errOver) {
			return errOver
		}
	}
	return failed("TLS: %v", err)
}

// settle sends what the handshake has left to send, where the peer owes us no
// more than an acknowledgement. In TLS 1.2 the server's Finished comes last
// unless the session was resumed.
func (t *tunnel) settle() error {
	if t.state.Version >= tls.VersionTLS13 || t.state.DidResume {
		return nil
	}
	return t.acknowledged()
}

// acknowledged sends what was written and takes an empty answer.
func (t *tunnel) acknowledged() error {
	in, err := t.wire.flush()
	if err != nil {
		return err
	}
	if len(in) != 0 {
		t.wire.in = append(t.wire.in, in...)
	}
	return nil
}

// drain sends what is still to be sent: a peer that presents its credential in
// one flight with its Finished has not had the session's handle yet.
func (t *tunnel) drain() error {
	if len(t.wire.out) == 0 {
		return nil
	}
	return t.acknowledged()
}

// export makes keys under the label of the method (RFC 5216 §2.3, RFC 5281 §8, RFC 9190 §2.3, RFC
// 9427 §2).
func (t *tunnel) export(m *method, n int) ([]byte, error) {
	label, context := "client EAP encryption", []byte(nil)
	switch {
	case t.state.Version >= tls.VersionTLS13:
		label, context = "EXPORTER_EAP_TLS_Key_Material", []byte{byte(m.typ)}
	case m.typ == TypeTTLS:
		label = "ttls keying material"
	}
	return t.exported(label, context, n)
}

func (t *tunnel) exported(label string, context []byte, n int) ([]byte, error) {
	key, err := t.state.ExportKeyingMaterial(label, context, n)
	if err != nil {
		return nil, failed("the peer's TLS cannot make keys: it speaks TLS 1.2 without extended master secret (RFC 7627): %v", err)
	}
	return key, nil
}

// msk is the key a successful conversation leaves behind.
func (t *tunnel) msk(m *method) ([]byte, error) {
	key, err := t.export(m, 128)
	if err != nil {
		return nil, err
	}
	return key[:64], nil
}

// receive reads what the peer sends through the tunnel next, at most limit
// bytes.
func (t *tunnel) receive(limit int) ([]byte, error) {
	buf := make([]byte, limit)
	n, err := t.Read(buf)
	if err != nil {
		return nil, t.broken(err)
	}
	return buf[:n], nil
}

// finished says that the conversation was accepted for d: what was handed out
// for resumption is worth something from now on.
func (t *tunnel) finished(d policy.Decision) {
	if t.issued != nil {
		t.issued.authorise(d)
	}
}

// again asks whether what the resumed session was accepted for still stands.
func (t *tunnel) again(c *Conversation, m *method) error {
	m.name += "/resumed"
	c.decided = true
	c.decision = c.judge.Again(c.ctx, Credential{Identity: c.named(), Method: m.name, Tunnel: true}, *t.resumed)
	if c.decision.Outcome != policy.Accept {
		return failed("what was resumed is refused now")
	}
	return nil
}

var _ net.Conn = (*wire)(nil)

// String keeps fmt away from what is inside.
func (t *tunnel) String() string { return fmt.Sprintf("tunnel(%x)", t.state.Version) }
