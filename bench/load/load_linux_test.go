package load_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"postern/bench/load"
	"postern/ldapsrv/wire"
)

const accepted = "0\x0c\x02\x01\x01a\x07\x0a\x01\x00\x04\x00\x04\x00"

// answering serves connections that answer whatever is read with answer.
func answering(t *testing.T, answer string) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := make([]byte, 4096)
				for {
					if _, err := c.Read(in); err != nil || answer == "" {
						return
					}
					if _, err := c.Write([]byte(answer)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func run(at netip.AddrPort, entry func(int) []byte) (load.Result, error) {
	c := load.Closed{Address: at, Window: 1}
	for range 3 {
		c.Lines = append(c.Lines, &load.LDAP{Requests: [][]byte{load.Bind("cn=x", "y"), load.Bind("cn=z", "y")}, Left: 100, Entry: entry})
	}
	return c.Run()
}

func TestAClosedLoopCountsEveryExchange(t *testing.T) {
	r, err := run(answering(t, accepted), nil)
	if err != nil || r.Exchanges != 300 || r.Took <= 0 || r.Rate() <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if r.Processor <= 0 || r.Processor > r.Took+50*time.Millisecond {
		t.Errorf("one thread used %v of the processor in %v", r.Processor, r.Took)
	}
}

func TestAnUnexpectedAnswerIsNoFigure(t *testing.T) {
	for name, answer := range map[string]string{
		"refused":        strings.Replace(accepted, "\x0a\x01\x00", "\x0a\x01\x31", 1),
		"hung up":        "",
		"not LDAP":       "HTTP/1.1 400 Bad Request\r\n\r\n",
		"strange length": "0\x85\x00\x00\x00\x00\x01",
	} {
		if r, err := run(answering(t, answer), nil); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	another := func(int) []byte { return []byte("uid=ann,") }
	entry := "0\x14\x02\x01\x01d\x0f\x04\x0buid=bob,o=x0\x00"
	if _, err := run(answering(t, entry), another); err == nil {
		t.Error("the entry of somebody else made a figure")
	}
	if _, err := run(answering(t, "0\x0c\x02\x01\x01e\x07\x0a\x01\x00\x04\x00\x04\x00"), another); err == nil {
		t.Error("no entry made a figure")
	}
}

func TestRequestsAreLDAP(t *testing.T) {
	for _, request := range [][]byte{
		load.Bind("uid=ann,o=x", "secret"),
		load.Search("o=x", "uid", "ann", []string{"uid", "cn"}, nil),
		load.Search("o=x", "objectClass", "", nil, load.Paged(100, []byte("cookie"))),
	} {
		m, err := wire.Decode(request)
		if err != nil || m.ID != 1 {
			t.Errorf("%x: %v", request, err)
		}
	}
}

func TestAnOpenLoopCountsFromWhenEachWasDue(t *testing.T) {
	const slow = 20 * time.Millisecond
	o := load.Open{Rate: 200, Duration: 200 * time.Millisecond, Connections: []func() error{func() error { time.Sleep(slow); return nil }}}
	got, err := o.Run(t.Context())
	if err != nil || len(got) != 40 {
		t.Fatalf("%d latencies, %v", len(got), err)
	}
	// One connection does at most 50 a second: who comes last waits for all that
	// came before.
	if least := got.Percentile(0); least < slow {
		t.Errorf("the least is %v", least)
	}
	if most := got.Percentile(100); most < 40*slow-200*time.Millisecond {
		t.Errorf("the most is %v: what waited for a connection does not count", most)
	}
	broken := errors.New("broken")
	o.Connections = append(o.Connections, func() error { return broken })
	if _, err := o.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("an error of one exchange: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := o.Run(ended); err == nil {
		t.Error("a run that was ended made a figure")
	}
}

func TestPercentile(t *testing.T) {
	all := load.Latencies{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p, want := range map[float64]time.Duration{0: 1, 50: 6, 90: 10, 99: 10, 100: 10} {
		if got := all.Percentile(p); got != want {
			t.Errorf("%v%%: %d, want %d", p, got, want)
		}
	}
	if load.Latencies(nil).Percentile(50) != 0 {
		t.Error("nothing has a percentile")
	}
}
