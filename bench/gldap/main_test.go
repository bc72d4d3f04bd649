package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test binary be the server under observation.
func TestMain(m *testing.M) {
	if addr := os.Getenv("GLDAP_SERVE"); addr != "" {
		fmt.Fprintln(os.Stderr, serve(addr))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// gldapServer describes gldap's server on a free port of a loopback address of
// this process's own: nobody else is given the port before the server has it.
func gldapServer(t *testing.T) target {
	t.Helper()
	pid := os.Getpid()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 128+pid>>16&63, pid>>8&255, pid&255))
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GLDAP_SERVE", addr)
	return target{command: []string{os.Args[0]}, addr: addr, dn: goodDN, password: goodPassword}
}

func TestWhatIsSeenOfGldap(t *testing.T) {
	for name, want := range map[string]result{
		"Compare":                     {saw: "connection closed, no answer", process: "lives", bind: "succeeds"},
		"a bind whose handler panics": {saw: "connection closed, no answer", process: "DEAD: a handler's mistake", bind: "refused"},
		"200 connections to a process with 128 files": {
			process: "DEAD: accept", bind: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			target := gldapServer(t)
			for _, c := range cases {
				if c.name != name {
					continue
				}
				got, err := observe(target, c)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(got.saw, want.saw) || !strings.HasPrefix(got.process, want.process) || got.bind != want.bind {
					t.Errorf("got %+v, want %+v", got, want)
				}
				return
			}
			t.Error("no such case")
		})
	}
}

func TestMessagesAreWhatTheRFCSays(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"a bind, RFC 4511 §4.2", bindRequest(1, "cn=a", "b"), "30 11 02 01 01 60 0c 02 01 03 04 04 63 6e 3d 61 80 01 62"},
		{"a message id above 127", message(300, tlv(tagAbandon, []byte{9})), "30 07 02 02 01 2c 50 01 09"},
		{"two nots", nested(2)[:14], "a2 84 00 00 00 13 a2 84 00 00 00 0d 87 0b"},
	} {
		if want := strings.ReplaceAll(c.want, " ", ""); hex.EncodeToString(c.got) != want {
			t.Errorf("%s: % x, want %s", c.name, c.got, c.want)
		}
	}
	inner := nested(20_000)[6*20_000:]
	if want := str(tagPresent, "objectClass"); !bytes.Equal(inner, want) {
		t.Errorf("under the nots stands % x, want % x", inner, want)
	}
}

func TestAnswersAreRead(t *testing.T) {
	for in, want := range map[string]string{
		"300c02010161070a013104000400":         "answered with code 49",
		"300c02010078070a013404000400":         "notice of disconnection, code 52",
		"":                                     "connection closed, no answer",
		"300c0201":                             "connection closed, no answer",
		"3003040101":                           "not an answer: 04 01 01",
		"30840000000c02010161070a013104000400": "answered with code 49",
		"300702010164020400300c02010165070a010004000400": "answered with code 0",
		"308400200000": "an answer longer than a megabyte",
		"308500000000": "an answer whose length has more than four octets",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := fate(read(bufio.NewReader(bytes.NewReader(b)))); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}
