package ldapsrv

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern/ldapsrv/wire"
	"postern/policy"
)

// pipeListener hands out the ends of pipes, on which deadlines run by the
// clock of a synctest bubble.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(loopback) }

// pipeEnd is the server's end of a pipe, from a client on loopback.
type pipeEnd struct{ net.Conn }

func (pipeEnd) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(loopback) }

// dial returns the client's end of a new connection.
func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- pipeEnd{server}
	return client
}

// bubble is a server in a synctest bubble.
type bubble struct {
	*pipeListener
	srv     *Server
	stop    context.CancelFunc
	stopped chan error
}

// inBubble runs test against a server of c, on whose clock everything happens.
func inBubble(t *testing.T, c Config, o ListenerOptions, test func(*testing.T, *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		b := &bubble{newPipeListener(), srv, stop, make(chan error, 1)}
		go func() { b.stopped <- srv.Serve(ctx, b.pipeListener, o) }()
		test(t, b)
		stop()
		if err := <-b.stopped; err != nil {
			t.Errorf("Serve returned %v", err)
		}
		if n := srv.gate.total; n != 0 {
			t.Errorf("%d connections are counted when all are gone", n)
		}
	})
}

// send writes b, which the server must take at once.
func send(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatalf("sending: %v", err)
	}
}

// expectBytes reads exactly want.
func expectBytes(t *testing.T, c net.Conn, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("received %q, %v; want %q", got[:n], err, want)
	}
}

// expectEnd reads to the end of the connection and returns when it came.
func expectEnd(t *testing.T, c net.Conn) time.Time {
	t.Helper()
	if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
		t.Fatalf("received %q, %v; want the end", rest, err)
	}
	return time.Now()
}

func TestAConnectionThatSaysNothingEndsInTime(t *testing.T) {
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		begin := time.Now()
		c := b.dial()
		expectLasted(t, expectEnd(t, c).Sub(begin), 15*time.Minute)
	})
}

// expectLasted allows for the steps in which deadlines are moved.
func expectLasted(t *testing.T, got, want time.Duration) {
	t.Helper()
	if got < want || got > want+want/16 {
		t.Errorf("it lasted %v, want %v", got, want)
	}
}

func TestABusyConnectionIsNotIdle(t *testing.T) {
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		for id := int32(1); id < 100; id++ {
			time.Sleep(14 * time.Minute)
			send(t, c, whoAmIMessage(id))
			expectBytes(t, c, whoAmIAnswer(id, ""))
		}
		begin := time.Now()
		expectLasted(t, expectEnd(t, c).Sub(begin), 15*time.Minute)
	})
}

func TestAHalfFrameEndsTheConnectionTenSecondsAfterItsFirstByte(t *testing.T) {
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		frame := whoAmIMessage(1)
		time.Sleep(time.Minute)
		begin := time.Now()
		var sender sync.WaitGroup
		defer sender.Wait()
		sender.Go(func() {
			for _, octet := range frame { // a byte a second never gets there
				if _, err := c.Write([]byte{octet}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		if got := expectEnd(t, c).Sub(begin); got != 10*time.Second {
			t.Errorf("it lasted %v, want 10s", got)
		}
	})
}

func TestAFrameMayComeInPieces(t *testing.T) {
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		frame := append(bindMessage(1, annName, "right"), whoAmIMessage(2)...)
		go func() {
			for _, octet := range frame {
				if _, err := c.Write([]byte{octet}); err != nil {
					t.Errorf("sending: %v", err)
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
		expectBytes(t, c, bindAnswer(1, wire.Success))
		expectBytes(t, c, whoAmIAnswer(2, "dn:"+annName))
		begin := time.Now() // the frame's deadline is gone with the frame
		expectLasted(t, expectEnd(t, c).Sub(begin), 15*time.Minute)
	})
}

func TestAClientThatDoesNotReadIsLetGo(t *testing.T) {
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		send(t, c, whoAmIMessage(1))
		time.Sleep(33 * time.Second)
		synctest.Wait()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after 33 s without reading: %v, want the end", err)
		}
	})
}

func TestARefusalIsHeldBack(t *testing.T) {
	const hold = 250 * time.Millisecond
	c := testConfig()
	c.Authenticator = authFunc(func(ctx context.Context, a policy.Attempt) policy.Decision {
		d := knowsAnn(ctx, a)
		if d.Outcome != policy.Accept {
			d.ReplyAt = a.At.Add(hold)
			time.Sleep(time.Duration(len(a.Login)) * time.Millisecond) // work that differs
		}
		return d
	})
	inBubble(t, c, ListenerOptions{}, func(t *testing.T, b *bubble) {
		client := b.dial()
		begin := time.Now()
		// What was asked before is answered before, and what is asked behind it
		// waits: a bind is a barrier.
		batch := append(whoAmIMessage(1), bindMessage(2, "nobody", "x")...)
		batch = append(batch, bindMessage(3, "somebody-else", "x")...)
		batch = append(batch, bindMessage(4, annName, "right")...)
		send(t, client, append(batch, whoAmIMessage(5)...))
		for _, step := range []struct {
			want []byte
			at   time.Duration
		}{
			{whoAmIAnswer(1, ""), 0},
			{bindAnswer(2, wire.InvalidCredentials), hold},
			{bindAnswer(3, wire.InvalidCredentials), 2 * hold}, // its time begins when its turn comes
			{bindAnswer(4, wire.Success), 2 * hold},
			{whoAmIAnswer(5, "dn:"+annName), 2 * hold},
		} {
			expectBytes(t, client, step.want)
			if at := time.Since(begin); at != step.at {
				t.Errorf("%q came after %v, want %v", step.want, at, step.at)
			}
		}
		client.Close()
	})
}

func TestStoppingAnswersWhatIsInHandAndTellsEverybody(t *testing.T) {
	const hold = 300 * time.Millisecond
	c := testConfig()
	c.Authenticator = authFunc(func(_ context.Context, a policy.Attempt) policy.Decision {
		return policy.Decision{ReplyAt: a.At.Add(hold)}
	})
	notice := noticeAnswer(wire.Unavailable, "the server is stopping")
	inBubble(t, c, ListenerOptions{}, func(t *testing.T, b *bubble) {
		idle, half, held := b.dial(), b.dial(), b.dial()
		send(t, half, whoAmIMessage(1)[:5])
		send(t, held, append(bindMessage(1, "ann", "x"), bindMessage(2, "ann", "x")...))
		synctest.Wait()
		begin := time.Now()
		b.stop()
		for _, c := range []net.Conn{idle, half} {
			expectBytes(t, c, notice)
			if at := expectEnd(t, c).Sub(begin); at != 0 {
				t.Errorf("it was told after %v", at)
			}
		}
		expectBytes(t, held, bindAnswer(1, wire.InvalidCredentials))
		expectBytes(t, held, notice)
		if at := expectEnd(t, held).Sub(begin); at != hold {
			t.Errorf("what was in hand was answered after %v, want %v", at, hold)
		}
	})
}

func TestStoppingDoesNotWaitForEver(t *testing.T) {
	c := testConfig()
	c.Authenticator = authFunc(func(ctx context.Context, a policy.Attempt) policy.Decision {
		if a.Login == "ann" {
			<-ctx.Done() // keeps to its context, and to nothing else
		}
		return policy.Decision{ReplyAt: a.At.Add(time.Hour)}
	})
	inBubble(t, c, ListenerOptions{}, func(t *testing.T, b *bubble) {
		stuck, held, deaf := b.dial(), b.dial(), b.dial()
		send(t, stuck, bindMessage(1, "ann", "x"))
		send(t, held, bindMessage(1, "nobody", "x"))
		send(t, deaf, whoAmIMessage(1)) // and never reads
		synctest.Wait()
		begin := time.Now()
		b.stop()
		if err := <-b.stopped; err != nil || time.Since(begin) != 10*time.Second {
			t.Errorf("Serve returned %v after %v, want nil after 10s", err, time.Since(begin))
		}
		b.stopped <- nil
	})
}

func TestAHandshakeEndsInTime(t *testing.T) {
	c := testConfig()
	c.TLS = &tls.Config{}
	inBubble(t, c, ListenerOptions{TLS: true}, func(t *testing.T, b *bubble) {
		begin := time.Now()
		if got := expectEnd(t, b.dial()).Sub(begin); got != 10*time.Second {
			t.Errorf("without a word of TLS it lasted %v, want 10s", got)
		}
	})
	inBubble(t, c, ListenerOptions{}, func(t *testing.T, b *bubble) {
		client := b.dial()
		send(t, client, extendedMessage(1, wire.OIDStartTLS))
		expectBytes(t, client, startTLSAnswer(1, wire.Success, ""))
		begin := time.Now()
		if got := expectEnd(t, client).Sub(begin); got != 10*time.Second {
			t.Errorf("after StartTLS it lasted %v, want 10s", got)
		}
	})
}

func TestAHandshakeUnderWayIsStopped(t *testing.T) {
	c := testConfig()
	c.TLS = &tls.Config{}
	inBubble(t, c, ListenerOptions{TLS: true}, func(t *testing.T, b *bubble) {
		client := b.dial()
		synctest.Wait()
		begin := time.Now()
		b.stop()
		if got := expectEnd(t, client).Sub(begin); got != 0 {
			t.Errorf("it lasted %v", got)
		}
	})
}

func TestAPanicEndsOneConnectionAndSaysNothingOfTheRequest(t *testing.T) {
	var log bytes.Buffer
	c := testConfig()
	c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Authenticator = authFunc(func(ctx context.Context, a policy.Attempt) policy.Decision {
		if a.Login == "panic-login" {
			panic("the secret is " + a.Secret.Reveal() + " of " + a.Login)
		}
		return knowsAnn(ctx, a)
	})
	inBubble(t, c, ListenerOptions{}, func(t *testing.T, b *bubble) {
		other, victim := b.dial(), b.dial()
		send(t, other, bindMessage(1, annName, "right"))
		expectBytes(t, other, bindAnswer(1, wire.Success))
		send(t, victim, bindMessage(1, "panic-login", "hunter2"))
		expectEnd(t, victim)
		send(t, other, whoAmIMessage(2))
		expectBytes(t, other, whoAmIAnswer(2, "dn:"+annName))
		other.Close()
	})
	said := log.String()
	if !strings.Contains(said, "ended in a panic") || !strings.Contains(said, "conn_test.go") {
		t.Errorf("the log does not tell of the panic and its place: %s", said)
	}
	if strings.Contains(said, "hunter2") || strings.Contains(said, "panic-login") {
		t.Errorf("the log tells of the request: %s", said)
	}
}

func TestFramesAreBoundedByWhoIsBound(t *testing.T) {
	tooLarge := noticeAnswer(wire.ProtocolError, "the message cannot be decoded")
	long := func(n int) string { return strings.Repeat("x", n) }
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		send(t, c, bindMessage(1, "nobody", long(16<<10-40)))
		expectBytes(t, c, bindAnswer(1, wire.InvalidCredentials))
		send(t, c, []byte{0x30, 0x82, 0x3f, 0xfd}) // one more than 16 KiB in all
		expectBytes(t, c, tooLarge)
		expectEnd(t, c)
	})
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		send(t, c, bindMessage(1, annName, "right"))
		expectBytes(t, c, bindAnswer(1, wire.Success))
		var sender sync.WaitGroup
		sender.Go(func() { // a pipe holds nothing: the server reads while this writes
			if _, err := c.Write(bindMessage(2, "nobody", long(256<<10-40))); err != nil {
				t.Errorf("sending: %v", err)
			}
		})
		expectBytes(t, c, bindAnswer(2, wire.InvalidCredentials))
		sender.Wait()
		send(t, c, []byte{0x30, 0x82, 0x3f, 0xfd}) // the bind is gone, and what it allowed with it
		expectBytes(t, c, tooLarge)
		expectEnd(t, c)
	})
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		send(t, c, bindMessage(1, annName, "right"))
		expectBytes(t, c, bindAnswer(1, wire.Success))
		send(t, c, []byte{0x30, 0x83, 0x03, 0xff, 0xfc})
		expectBytes(t, c, tooLarge)
		expectEnd(t, c)
	})
}

func TestWhoCannotBeUnderstoodIsToldAndLeft(t *testing.T) {
	notice := noticeAnswer(wire.ProtocolError, "the message cannot be decoded")
	for name, hostile := range map[string]string{
		"HTTP":                         "GET / HTTP/1.1\r\n",
		"TLS where none is":            "\x16\x03\x01\x02\x00",
		"an indefinite length":         "\x30\x80",
		"a length of five octets":      "\x30\x85\x00",
		"a length of 2 GiB":            "\x30\x84\x7f\xff\xff\xff",
		"a response":                   string(bindAnswer(1, wire.Success)),
		"message ID 0":                 string(whoAmIMessage(0)),
		"an operation that is none":    string(message(1, 0x7e, nothing)),
		"lengths that lie":             "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x7f\x80\x00",
		"nested too deep, in a frame":  "\x30\x82\x00\xc8" + strings.Repeat("\x30\x82\x00\x00", 50),
		"an operation behind no frame": "\x02\x01\x01",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
				c := b.dial()
				send(t, c, whoAmIMessage(1))
				expectBytes(t, c, whoAmIAnswer(1, ""))
				go func() { _, _ = c.Write([]byte(hostile)) }() // the server need not take all of it
				expectBytes(t, c, notice)
				expectEnd(t, c)
			})
		})
	}
}

func TestAnswersOfABatchLeaveTogether(t *testing.T) {
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		var batch, want []byte
		for id := int32(1); id <= 20; id++ {
			batch = append(batch, whoAmIMessage(id)...)
			want = append(want, whoAmIAnswer(id, "")...)
		}
		send(t, c, batch)
		got := make([]byte, 2*len(want))
		n, err := c.Read(got) // a pipe hands over what one Write holds
		if err != nil || !bytes.Equal(got[:n], want) {
			t.Errorf("the first write holds %d bytes, %v; want all %d", n, err, len(want))
		}
	})
}

// failingListener fails to accept a number of times, as for want of file
// descriptors.
type failingListener struct {
	*pipeListener
	failures int
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", errors.New("too many open files"))}
	}
	return l.pipeListener.Accept()
}

func TestFailuresToAcceptAreSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := testConfig()
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		srv, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ln := &failingListener{newPipeListener(), 20}
		ctx, stop := context.WithCancel(context.Background())
		stopped := make(chan error)
		go func() { stopped <- srv.Serve(ctx, ln, ListenerOptions{}) }()
		begin := time.Now()
		client := ln.dial()
		send(t, client, whoAmIMessage(1))
		expectBytes(t, client, whoAmIAnswer(1, ""))
		if waited := time.Since(begin); waited < time.Second || waited > 20*time.Second {
			t.Errorf("20 failures took %v: too hasty, or too slow", waited)
		}
		if said := strings.Count(log.String(), "cannot be accepted"); said != 1 {
			t.Errorf("it was said %d times, want once", said)
		}
		client.Close()
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
}

func TestAListenerThatSomebodyElseClosesEndsServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := New(testConfig())
		if err != nil {
			t.Fatal(err)
		}
		ln := newPipeListener()
		ln.Close()
		if err := srv.Serve(t.Context(), ln, ListenerOptions{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve returned %v, want net.ErrClosed", err)
		}
	})
}

func TestRulesAreReplacedWhileServing(t *testing.T) {
	inBubble(t, testConfig(), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		send(t, c, bindMessage(1, annName, "right"))
		expectBytes(t, c, bindAnswer(1, wire.Success))
		if err := b.srv.SetRules(Rules{Applications: []string{"mail"}}); err == nil || !strings.Contains(err.Error(), `"mail"`) {
			t.Errorf("broken rules: %v", err)
		}
		send(t, c, bindMessage(2, annName, "right"))
		expectBytes(t, c, bindAnswer(2, wire.Success)) // the old ones stay
		if err := b.srv.SetRules(Rules{TrustedRelays: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}); err != nil {
			t.Errorf("good rules: %v", err)
		}
		send(t, c, bindMessage(3, annName, "right"))
		expectBytes(t, c, bindAnswer(3, wire.ConfidentialityRequired, noTLS))
		if !b.srv.isRelay(loopback.Addr()) || b.srv.isRelay(outside.Addr()) {
			t.Error("the relays are not those of the new rules")
		}
		c.Close()
	})
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	_, err := New(Config{BaseDN: "example.org", Rules: Rules{Applications: []string{"a=b,c=d"}}})
	for _, want := range []string{`"example.org"`, "authenticator", `"a=b,c=d"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v; it does not name %s", err, want)
		}
	}
}

func TestServingLDAPSNeedsACertificate(t *testing.T) {
	srv, err := New(testConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Serve(t.Context(), newPipeListener(), ListenerOptions{TLS: true}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Serve returned %v", err)
	}
}
