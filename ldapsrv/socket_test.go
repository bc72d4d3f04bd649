package ldapsrv

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// joined returns the two ends of a TCP connection: the server's, as it is served,
// and the client's.
func joined() (server, client net.Conn, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	if server, err = ln.Accept(); err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return quick(server), client, nil
}

// TestAConnectionIsServedAsNetConnSays: reads, writes, deadlines and closing, also
// all at once.
func TestAConnectionIsServedAsNetConnSays(t *testing.T) {
	t.Run("one end", func(t *testing.T) {
		nettest.TestConn(t, func() (server, client net.Conn, stop func(), err error) {
			server, client, err = joined()
			return server, client, func() { _ = errors.Join(server.Close(), client.Close()) }, err
		})
	})
	t.Run("both ends", func(t *testing.T) {
		nettest.TestConn(t, func() (server, client net.Conn, stop func(), err error) {
			server, client, err = joined()
			return server, quick(client), func() { _ = errors.Join(server.Close(), client.Close()) }, err
		})
	})
}

// pair is joined for a test.
func pair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	server, client, err := joined()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(server.Close(), client.Close()) })
	return server, client
}

// TestALongAnswerWaitsForWhoReadsIt: more than the kernel has room for.
func TestALongAnswerWaitsForWhoReadsIt(t *testing.T) {
	server, client := pair(t)
	long := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	sent := make(chan error, 1)
	go func() {
		n, err := server.Write(long)
		if err == nil && n != len(long) {
			err = io.ErrShortWrite
		}
		sent <- errors.Join(err, server.Close())
	}()
	got, err := io.ReadAll(client)
	if err := errors.Join(err, <-sent); err != nil || !bytes.Equal(got, long) {
		t.Errorf("%d of %d bytes arrived: %v", len(got), len(long), err)
	}
}

// TestAnAnswerNobodyReadsEndsInTime: what has no room waits as long as it may.
func TestAnAnswerNobodyReadsEndsInTime(t *testing.T) {
	server, _ := pair(t)
	if err := server.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 64<<20)
	if n, err := server.Write(long); !errors.Is(err, os.ErrDeadlineExceeded) || n >= len(long) {
		t.Errorf("%d of %d bytes left, %v", n, len(long), err)
	}
}

// TestWhoIsGoneIsSeen: an end that is orderly, and one that is not.
func TestWhoIsGoneIsSeen(t *testing.T) {
	server, client := pair(t)
	if _, err := client.Write([]byte("bye")); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	in := make([]byte, 10)
	if n, err := server.Read(in); n != 3 || err != nil {
		t.Errorf("the last words are %q, %v", in[:n], err)
	}
	if n, err := server.Read(in); n != 0 || err != io.EOF {
		t.Errorf("behind them come %d bytes, %v", n, err)
	}

	server, client = pair(t)
	if err := client.(*net.TCPConn).SetLinger(0); err != nil { // its end is a reset
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := server.Read(in); n != 0 || err == nil || err == io.EOF {
		t.Errorf("a reset is %d bytes, %v", n, err)
	}
	if _, err := server.Write(in); err == nil {
		t.Error("something can be written behind a reset")
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(in); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed connection can be read: %v", err)
	}
}
