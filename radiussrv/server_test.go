package radiussrv_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"postern/policy"
	"postern/radiussrv"
	"postern/secret"
)

const (
	sharedSecret = "a secret of the tests"
	patience     = time.Minute // for what must come
)

// authenticate is a policy.Engine of one function.
type authenticate func(context.Context, policy.Attempt) policy.Decision

func (f authenticate) Authenticate(ctx context.Context, a policy.Attempt) policy.Decision {
	return f(ctx, a)
}

// oneRight accepts "ann" with "open sesame" and refuses everything else.
func oneRight(_ context.Context, a policy.Attempt) policy.Decision {
	if a.Login == "ann" && a.Secret.Reveal() == "open sesame" {
		return policy.Decision{Outcome: policy.Accept}
	}
	return policy.Decision{}
}

func loopback(name string) radiussrv.Client {
	return radiussrv.Client{
		Name: name, Address: netip.MustParsePrefix("127.0.0.0/8"),
		Secret: secret.NewText(sharedSecret), Methods: []radiussrv.Method{radiussrv.PAP},
	}
}

// server is a Server on a loopback socket of its own.
type server struct {
	*radiussrv.Server
	addr *net.UDPAddr
	stop func() error // ends Serve and returns what it returned
}

func start(t testing.TB, role radiussrv.Role, cfg radiussrv.Config) *server {
	t.Helper()
	if cfg.Authenticator == nil {
		cfg.Authenticator = authenticate(oneRight)
	}
	if cfg.Clients == nil {
		cfg.Clients = []radiussrv.Client{loopback("loopback")}
	}
	s, err := radiussrv.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, s, conn, role)
}

func serve(t testing.TB, s *radiussrv.Server, conn *net.UDPConn, role radiussrv.Role) *server {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, conn, role) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &server{Server: s, addr: conn.LocalAddr().(*net.UDPAddr), stop: stop}
}

// device is a RADIUS client: one socket.
type device struct {
	t testing.TB
	*net.UDPConn
}

func (s *server) device(t testing.TB) *device { return s.deviceAt(t, "127.0.0.1") }

func (s *server) deviceAt(t testing.TB, local string) *device {
	t.Helper()
	conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(local)}, s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &device{t, conn}
}

func (d *device) send(raw []byte) {
	d.t.Helper()
	if _, err := d.Write(raw); err != nil {
		d.t.Fatal(err)
	}
}

// reply returns the next datagram.
func (d *device) reply() []byte {
	d.t.Helper()
	raw := d.await(patience)
	if raw == nil {
		d.t.Fatal("no reply came")
	}
	return raw
}

func (d *device) await(wait time.Duration) []byte {
	d.t.Helper()
	buf := make([]byte, 4096)
	d.SetReadDeadline(time.Now().Add(wait))
	n, err := d.Read(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return buf[:n]
}

// ask sends a request and returns its reply, whose authenticators are right.
func (d *device) ask(request []byte) *radius.Packet {
	d.t.Helper()
	d.send(request)
	return d.verify(request, d.reply())
}

func (d *device) verify(request, reply []byte) *radius.Packet {
	d.t.Helper()
	if !radius.IsAuthenticResponse(reply, request, []byte(sharedSecret)) {
		d.t.Fatalf("the Response Authenticator of % x is wrong", reply)
	}
	p, err := radius.Parse(reply, []byte(sharedSecret))
	if err != nil {
		d.t.Fatal(err)
	}
	if p.Identifier != request[1] {
		d.t.Fatalf("the reply has identifier %d, the request %d", p.Identifier, request[1])
	}
	if p.Code != radius.CodeAccountingResponse {
		checkSigned(d.t, request, reply)
	}
	return p
}

// checkSigned fails unless the first attribute of the reply is a right
// Message-Authenticator.
func checkSigned(t testing.TB, request, reply []byte) {
	t.Helper()
	if len(reply) < 38 || reply[20] != 80 || reply[21] != 18 {
		t.Fatalf("the first attribute of % x is no Message-Authenticator", reply)
	}
	bare := bytes.Clone(reply)
	copy(bare[4:20], request[4:20])
	clear(bare[22:38])
	if !hmac.Equal(mac(bare), reply[22:38]) {
		t.Fatalf("the Message-Authenticator of % x is wrong", reply)
	}
}

func mac(packet []byte) []byte { return macUnder(sharedSecret, packet) }

func macUnder(key string, packet []byte) []byte {
	h := hmac.New(md5.New, []byte(key))
	h.Write(packet)
	return h.Sum(nil)
}

// request builds an Access-Request; edit, where given, changes it before it is
// signed. With no Message-Authenticator in it, it stays unsigned.
func request(t testing.TB, name, password string, edit ...func(*radius.Packet)) []byte {
	t.Helper()
	p := radius.New(radius.CodeAccessRequest, []byte(sharedSecret))
	p.Add(rfc2869.MessageAuthenticator_Type, make([]byte, 16))
	if name != "" {
		p.Add(rfc2865.UserName_Type, []byte(name))
	}
	hidden, err := radius.NewUserPassword([]byte(password), p.Secret, p.Authenticator[:])
	if err != nil {
		t.Fatal(err)
	}
	p.Add(rfc2865.UserPassword_Type, hidden)
	for _, e := range edit {
		e(p)
	}
	return sign(t, p)
}

func sign(t testing.TB, p *radius.Packet) []byte {
	t.Helper()
	raw, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	resign(raw)
	return raw
}

// resign puts the right value into the first Message-Authenticator there is.
func resign(raw []byte) {
	for at := 20; at+2 <= len(raw) && raw[at+1] >= 2; at += int(raw[at+1]) {
		if raw[at] == 80 && raw[at+1] == 18 && at+18 <= len(raw) {
			clear(raw[at+2 : at+18])
			copy(raw[at+2:], mac(raw))
			return
		}
	}
}

func without(kind radius.Type) func(*radius.Packet) {
	return func(p *radius.Packet) { p.Del(kind) }
}

func TestPAPIsAcceptedOrRefusedAsThePolicySays(t *testing.T) {
	s := start(t, radiussrv.Authentication, radiussrv.Config{})
	d := s.device(t)
	for _, c := range []struct {
		name, password string
		want           radius.Code
	}{
		{"ann", "open sesame", radius.CodeAccessAccept},
		{"ann", "open sesam", radius.CodeAccessReject},
		{"bob", "open sesame", radius.CodeAccessReject},
		{"ann", "", radius.CodeAccessReject},
	} {
		if got := d.ask(request(t, c.name, c.password)).Code; got != c.want {
			t.Errorf("%s with %q: %v, want %v", c.name, c.password, got, c.want)
		}
	}
}
