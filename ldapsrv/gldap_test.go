package ldapsrv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
	"postern/policy"
)

// The server of github.com/jimlambrt/gldap is what applications written for
// it were tested against. These tests send both servers the same valid binds:
// what gldap's answers, ours answers with the same result.

// annsNames denote ann, however they are written.
var annsNames = []string{
	annName, "UID=ann,OU=people,DC=example,DC=org", "uid=ann, ou=people, dc=example, dc=org", `uid=\61nn,ou=people,` + testBase,
	"uid=Ann,ou=People," + testBase, "ann", "ANN", "ann@example.org", "Ann@Example.ORG",
}

const annsPassword = "pässword \x01,+\"\\ with everything"

// startGldap runs gldap's server until the test ends, with a handler that
// knows ann by all her names, and returns its address.
func startGldap(t *testing.T) string {
	t.Helper()
	bound := make(chan string, 1)
	server, err := gldap.NewServer(gldap.WithLogger(hclog.New(&hclog.LoggerOptions{
		Level: hclog.Info, Output: listening(bound),
	})))
	if err != nil {
		t.Fatal(err)
	}
	mux, err := gldap.NewMux()
	if err != nil {
		t.Fatal(err)
	}
	if err := mux.Bind(gldapBind); err != nil {
		t.Fatal(err)
	}
	if err := server.Router(mux); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Run("127.0.0.1:0") }()
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stopping gldap's server: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("gldap's server: %v", err)
		}
	})
	select {
	case addr := <-bound:
		return addr
	case err := <-done:
		done <- nil
		t.Fatalf("gldap's server does not run: %v", err)
	case <-time.After(patience):
		t.Fatal("gldap's server does not say where it listens")
	}
	return ""
}

// listening is a log that passes on the address in gldap's first line, which
// is the only place it stands in.
type listening chan string

var listeningAddr = regexp.MustCompile(`listening:.* addr=(\S+)`)

func (l listening) Write(line []byte) (int, error) {
	if m := listeningAddr.FindSubmatch(line); m != nil {
		l <- string(m[1])
	}
	return len(line), nil
}

func gldapBind(w *gldap.ResponseWriter, r *gldap.Request) {
	response := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	defer func() { _ = w.Write(response) }() // the test sees what came
	m, err := r.GetSimpleBindMessage()
	if err != nil {
		return
	}
	known := false
	for _, name := range annsNames {
		known = known || m.UserName == name
	}
	if known && string(m.Password) == annsPassword || m.UserName == "" && m.Password == "" {
		response.SetResultCode(gldap.ResultSuccess)
	}
}

// decideLikeGldap is the same decision behind our server.
func decideLikeGldap(_ context.Context, a policy.Attempt) policy.Decision {
	login, _, _ := strings.Cut(strings.ToLower(a.Login), "@example.org")
	if login == "ann" && a.Secret.Reveal() == annsPassword {
		return policy.Decision{Outcome: policy.Accept, Login: "ann"}
	}
	return policy.Decision{}
}

// validBind writes a bind in one of the many ways that are valid: lengths of
// any number of octets, integers with leading ones, and controls.
func validBind(random *rand.Rand, name, password string) []byte {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	id := []byte(pick("\x01", "\x7f", "\x00\x80", "\x00\x00\x05", "\x7f\xff\xff\xff", "\x00\x00\x00\x07"))
	bind := element(random, ber.Integer, []byte(pick("\x03", "\x00\x03", "\x00\x00\x00\x03")))
	bind = append(bind, element(random, ber.OctetString, []byte(name))...)
	bind = append(bind, element(random, ber.Context(0), []byte(password))...)
	content := append(element(random, ber.Integer, id), element(random, wire.OpBind, bind)...)
	if random.IntN(2) == 0 {
		var list []byte
		for range random.IntN(3) + 1 {
			list = append(list, control(random, pick)...)
		}
		content = append(content, element(random, ber.ContextConstructed(0), list)...)
	}
	return element(random, ber.Sequence, content)
}

// control writes one of the controls that clients send with binds.
func control(random *rand.Rand, pick func(...string) string) []byte {
	oid := pick(wire.OIDManageDsaIT, "1.3.6.1.4.1.42.2.27.8.5.1", "1.2.3.4.5")
	content := element(random, ber.OctetString, []byte(oid))
	switch {
	case oid == wire.OIDManageDsaIT && random.IntN(2) == 0:
		content = append(content, element(random, ber.Boolean, []byte{0xff})...)
	case random.IntN(2) == 0:
		content = append(content, element(random, ber.Boolean, []byte{0})...)
	}
	return element(random, ber.Sequence, content)
}

// element writes an element with a length of the short form or of up to four
// octets.
func element(random *rand.Rand, tag ber.Tag, content []byte) []byte {
	octets := random.IntN(5)
	if octets == 0 || len(content) >= 1<<(8*octets) {
		return append(ber.AppendHeader(nil, tag, len(content)), content...)
	}
	b := []byte{byte(tag), 0x80 | byte(octets)}
	for shift := 8 * (octets - 1); shift >= 0; shift -= 8 {
		b = append(b, byte(len(content)>>shift))
	}
	return append(b, content...)
}

// resultOn sends one bind on a connection of its own and returns the message
// ID and code of the answer, or what happened instead.
func resultOn(addr string, frame []byte) (string, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := c.Write(frame); err != nil {
		return "", err
	}
	answer, err := readFrame(c)
	if err != nil {
		return "", err
	}
	return bindResult(answer)
}

// readFrame reads one message.
func readFrame(r io.Reader) ([]byte, error) {
	var in inbox
	for {
		frame, ok, err := in.frame(1 << 20)
		if ok || err != nil {
			return frame, err
		}
		if err := in.fill(r); err != nil {
			return nil, err
		}
	}
}

func bindResult(frame []byte) (string, error) {
	outer := ber.NewReader(frame)
	r, err := outer.Sub(ber.Sequence)
	if err != nil {
		return "", err
	}
	id, err := r.Int(ber.Integer)
	if err != nil {
		return "", err
	}
	op, err := r.Sub(wire.OpBindResponse)
	if err != nil {
		return "", err
	}
	code, err := op.Int(ber.Enumerated)
	return fmt.Sprintf("message %d, %v", id, wire.Code(code)), err
}

func TestABindThatGldapAnswersIsAnsweredTheSame(t *testing.T) {
	c := testConfig()
	c.Authenticator = authFunc(decideLikeGldap)
	_, ours := start(t, c)
	theirs := startGldap(t)
	const seed1, seed2, count = 7, 11, 400
	random := rand.New(rand.NewPCG(seed1, seed2))
	answered, succeeded := 0, 0
	for range count {
		name := append([]string{"nobody", "uid=nobody,ou=people," + testBase, ""}, annsNames...)[random.IntN(3+len(annsNames))]
		password := []string{annsPassword, annsPassword, "wrong"}[random.IntN(3)]
		if name == "" {
			password = ""
		}
		frame := validBind(random, name, password)
		want, err := resultOn(theirs, frame)
		if err != nil {
			continue // gldap's server does not accept it
		}
		answered++
		if strings.Contains(want, "success") {
			succeeded++
		}
		got, err := resultOn(ours, frame)
		if err != nil || got != want {
			t.Errorf("%x (%q): ours says %q, %v; gldap's says %q", frame, name, got, err, want)
		}
	}
	t.Logf("seed %d, %d: gldap's server answered %d of %d binds, %d with success", seed1, seed2, answered, count, succeeded)
	if answered < count*9/10 || succeeded < count/4 {
		t.Errorf("gldap's server answered %d of %d binds, %d with success: too few to compare", answered, count, succeeded)
	}
}

// TestOneConnectionOfManyBinds: gldap answers binds of one connection in any
// order; ours answers in the order they came, whatever each comes to.
func TestOneConnectionOfManyBinds(t *testing.T) {
	c := testConfig()
	c.Authenticator = authFunc(decideLikeGldap)
	_, addr := start(t, c)
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var batch, want []byte
	for id := int32(1); id <= 300; id++ {
		password, code := annsPassword, wire.Success
		if id%3 == 0 {
			password, code = "wrong", wire.InvalidCredentials
		}
		batch = append(batch, bindMessage(id, annName, password)...)
		want = append(want, bindAnswer(id, code)...)
	}
	got := make([]byte, len(want))
	if _, err := conn.Write(batch); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("received %q, %v; want %q", got, err, want)
	}
}
