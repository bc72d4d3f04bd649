package load

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RADIUS is built on it
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// EAP is a closed loop of whole EAP conversations, with as many under way as
// there are Devices, each of which begins one when the last has ended in an
// Access-Accept.
type EAP struct {
	Address netip.AddrPort
	Secret  []byte
	Method  Method
	// Version is the version of TLS that is spoken, such as tls.VersionTLS13.
	Version uint16
	// Resume has each device sign in once before the loop begins, and resume
	// that session each time. Without it there are full handshakes only.
	Resume bool
	// First says to resume the session of the first sign-in each time. Without
	// it, it is the newest, as devices do.
	First   bool
	Devices []Device
}

// Device is who signs in.
type Device struct{ Login, Password string }

// Run holds n conversations, shared among the devices.
func (e EAP) Run(ctx context.Context, n int) (r Result, err error) {
	all := make([]*supplicant, len(e.Devices))
	for i, d := range e.Devices {
		if all[i], err = e.connect(d); err != nil {
			return r, err
		}
		defer all[i].conn.Close()
		if e.Resume {
			if err := all[i].signIn(false); err != nil {
				return r, fmt.Errorf("before resuming: %w", err)
			}
		}
	}
	errs := make([]error, len(all))
	var work sync.WaitGroup
	begun := time.Now()
	for i, s := range all {
		work.Go(func() {
			for k := i; k < n && errs[i] == nil && ctx.Err() == nil; k += len(all) {
				errs[i] = s.signIn(e.Resume)
			}
		})
	}
	work.Wait()
	return Result{Exchanges: n, Took: time.Since(begun)}, errors.Join(append(errs, ctx.Err())...)
}

func (e EAP) connect(d Device) (*supplicant, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(e.Address))
	if err != nil {
		return nil, fmt.Errorf("making a device: %w", err)
	}
	s := &supplicant{Device: d, method: e.Method, secret: e.Secret, conn: conn}
	s.config = &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // whose certificate it is does not matter to a load
		MinVersion:         e.Version, MaxVersion: e.Version, ServerName: "load",
		// What all servers speak: an exchange that one of them knows and the other
		// does not would make two loads of one.
		CurvePreferences: []tls.CurveID{tls.CurveP256},
	}
	if e.Resume {
		s.config.ClientSessionCache = &sessions{first: e.First}
	}
	return s, nil
}

// sessions keeps one session of TLS: the first, or the newest.
type sessions struct {
	first bool
	kept  *tls.ClientSessionState
}

// Get is for tls.ClientSessionCache.
func (k *sessions) Get(string) (*tls.ClientSessionState, bool) { return k.kept, k.kept != nil }

// Put is for tls.ClientSessionCache.
func (k *sessions) Put(_ string, s *tls.ClientSessionState) {
	if s != nil && (k.kept == nil || !k.first) {
		k.kept = s
	}
}

// Codes of RADIUS and of EAP, and types of EAP.
const (
	accessRequest, accessAccept, accessChallenge = 1, 2, 11
	eapRequest, eapResponse, eapSuccess          = 1, 2, 3
	typeIdentity, typeNak                        = 1, 3
	typeTTLS, typePEAP, typeMSCHAPv2, typeTLV    = 21, 25, 26, 33
)

// supplicant is a device at work. Its conversation is the connection of its
// TLS: what was written goes out when it next reads.
type supplicant struct {
	Device
	method Method
	secret []byte
	conn   *net.UDPConn
	config *tls.Config

	id       byte   // of the last RADIUS request
	state    []byte // of the last challenge
	request  []byte // of EAP, as it came last
	accepted bool
	out, in  []byte
	buf      [4096]byte
}

// signIn holds one conversation.
func (s *supplicant) signIn(resume bool) error {
	s.state, s.accepted, s.in, s.out = nil, false, nil, nil
	if err := s.say([]byte{eapResponse, 1, 0, 0, typeIdentity}, []byte("anonymous@example.org")); err != nil {
		return err
	}
	if typ := s.request[4]; typ != s.method.outer() {
		return fmt.Errorf("the server begins with EAP type %d", typ)
	}
	t := tls.Client(s, s.config)
	if err := t.Handshake(); err != nil {
		return fmt.Errorf("shaking hands: %w", err)
	}
	if got := t.ConnectionState().DidResume; got != resume {
		return fmt.Errorf("the session was resumed: %v", got)
	}
	if err := s.method.inside(s, t, resume); err != nil {
		return err
	}
	return s.end(t)
}

// end goes on until the server has accepted. A ticket may stand unread: in the
// server's first flight behind its Finished, or in the last.
func (s *supplicant) end(t *tls.Conn) error {
	for range 3 {
		if !s.accepted {
			if err := s.flush(); err != nil {
				return err
			}
		}
		if len(s.in) > 0 || s.accepted {
			_, _ = t.Read(make([]byte, 16)) // it gives nothing: nothing more is said inside
		}
		if s.accepted {
			return nil
		}
	}
	return errors.New("the conversation does not end")
}

var errAccepted = errors.New("the conversation ended in acceptance")

// Read is for crypto/tls: it sends what was written and returns what comes.
func (s *supplicant) Read(b []byte) (int, error) {
	for len(s.in) == 0 {
		if s.accepted {
			return 0, errAccepted
		}
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.in)
	s.in = s.in[n:]
	return n, nil
}

// Write is for crypto/tls.
func (s *supplicant) Write(b []byte) (int, error) {
	s.out = append(s.out, b...)
	return len(b), nil
}

// Flags of the methods over TLS (RFC 5216 §3.1), and how much goes into one
// message.
const (
	flagLength, flagMore = 0x80, 0x40
	fragment             = 1000
)

// flush sends a flight and takes the server's.
func (s *supplicant) flush() error {
	for first := true; ; first = false {
		head, piece := []byte{eapResponse, 0, 0, 0, s.method.outer(), 0}, s.out
		if len(piece) > fragment {
			piece = piece[:fragment]
			head[5] = flagMore
			if first {
				head[5] |= flagLength
				head = binary.BigEndian.AppendUint32(head, uint32(len(s.out))) //nolint:gosec // it is some KiB
			}
		}
		if err := s.say(head, piece); err != nil || s.accepted {
			s.out = nil
			return err
		}
		if s.out = s.out[len(piece):]; len(s.out) == 0 {
			return s.hear()
		}
	}
}

// hear takes the fragments of the server's flight, the first of which has come.
func (s *supplicant) hear() error {
	for {
		if len(s.request) < 6 || s.request[4] != s.method.outer() {
			return fmt.Errorf("the server leaves the method: %x", s.request)
		}
		flags, data := s.request[5], s.request[6:]
		if flags&flagLength != 0 {
			data = data[min(4, len(data)):]
		}
		s.in = append(s.in, data...)
		if flags&flagMore == 0 {
			return nil
		}
		if err := s.say([]byte{eapResponse, 0, 0, 0, s.method.outer(), 0}, nil); err != nil || s.accepted {
			return err
		}
	}
}

// say sends an EAP message, the identifier and length of which it fills in, and
// takes the answer.
func (s *supplicant) say(head, data []byte) error {
	message := append(head, data...)
	if len(s.request) > 1 && s.state != nil {
		message[1] = s.request[1]
	}
	binary.BigEndian.PutUint16(message[2:], uint16(len(message))) //nolint:gosec // fragments are small
	s.id++
	request := s.wrap(message)
	if _, err := s.conn.Write(request); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return fmt.Errorf("waiting for an answer: %w", err)
	}
	n, err := s.conn.Read(s.buf[:])
	if err != nil {
		return fmt.Errorf("waiting for an answer: %w", err)
	}
	return s.take(s.buf[:n], request)
}

// wrap makes an Access-Request of an EAP message.
func (s *supplicant) wrap(message []byte) []byte {
	b := make([]byte, 20, 256+len(message))
	b[0], b[1] = accessRequest, s.id
	binary.LittleEndian.PutUint64(b[4:], rand.Uint64())
	binary.LittleEndian.PutUint64(b[12:], rand.Uint64())
	b = AppendAttribute(b, 80, make([]byte, 16))
	b = AppendAttribute(b, 1, []byte("anonymous@example.org"))
	b = AppendAttribute(b, 4, []byte{127, 0, 0, 1})
	b = AppendAttribute(b, 31, []byte("00-11-22-33-44-55"))
	for len(message) > 0 {
		n := min(len(message), 253)
		b, message = AppendAttribute(b, 79, message[:n]), message[n:]
	}
	if s.state != nil {
		b = AppendAttribute(b, 24, s.state)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b))) //nolint:gosec // as above
	mac := hmac.New(md5.New, s.secret)
	mac.Write(b)
	copy(b[22:38], mac.Sum(nil))
	return b
}

// take reads the answer to a request.
func (s *supplicant) take(reply, request []byte) error {
	if len(reply) < 20 || reply[1] != request[1] || !authentic(reply, request, s.secret) {
		return errors.New("an answer is not to the request, or not authentic")
	}
	s.state, s.request = nil, nil
	for rest := reply[20:]; len(rest) >= 2 && int(rest[1]) >= 2 && int(rest[1]) <= len(rest); rest = rest[rest[1]:] {
		switch value := rest[2:rest[1]]; rest[0] {
		case 24:
			s.state = append([]byte{}, value...)
		case 79:
			s.request = append(s.request, value...)
		}
	}
	switch {
	case reply[0] == accessAccept && len(s.request) >= 4 && s.request[0] == eapSuccess:
		s.accepted = true
		return nil
	case reply[0] == accessChallenge && len(s.request) >= 5 && s.request[0] == eapRequest && s.state != nil:
		return nil
	}
	return fmt.Errorf("the conversation ended with code %d: %x", reply[0], s.request)
}

// The rest of a net.Conn.

func (s *supplicant) Close() error                     { return nil }
func (s *supplicant) LocalAddr() net.Addr              { return s.conn.LocalAddr() }
func (s *supplicant) RemoteAddr() net.Addr             { return s.conn.RemoteAddr() }
func (s *supplicant) SetDeadline(time.Time) error      { return nil }
func (s *supplicant) SetReadDeadline(time.Time) error  { return nil }
func (s *supplicant) SetWriteDeadline(time.Time) error { return nil }
