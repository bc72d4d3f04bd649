package mail

import (
	"bufio"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
)

// received is one message as a mail server gets it.
type received struct {
	from, to string
	raw      string
}

// smtpServer speaks as much SMTP as a client needs, on loopback.
type smtpServer struct {
	t  *testing.T
	ln net.Listener

	mu       sync.Mutex // covers what follows
	messages []received
	commands []string
	refuse   func(command string) string // a reply in place of the usual one; "" for none
}

func newSMTPServer(t *testing.T) *smtpServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &smtpServer{t: t, ln: ln}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.converse(conn) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); all.Wait() })
	return s
}

func (s *smtpServer) port() int { return s.ln.Addr().(*net.TCPAddr).Port }

// converse answers one connection (RFC 5321 §3).
func (s *smtpServer) converse(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	reply := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") } // the client may be gone
	reply("220 localhost")
	var m received
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		if no := s.note(line); no != "" {
			reply(no)
			continue
		}
		switch verb, rest, _ := strings.Cut(line, ":"); {
		case strings.HasPrefix(line, "EHLO"):
			reply("250-localhost\r\n250 8BITMIME")
		case verb == "MAIL FROM":
			m.from = addressIn(rest)
			reply("250 ok")
		case verb == "RCPT TO":
			m.to = addressIn(rest)
			reply("250 ok")
		case line == "DATA":
			reply("354 go on")
			m.raw = data(in)
			s.keep(m)
			reply("250 taken")
		case line == "QUIT":
			reply("221 bye")
			return
		default:
			reply("250 ok")
		}
	}
}

func addressIn(text string) string {
	text = text[strings.IndexByte(text, '<')+1:]
	return text[:strings.IndexByte(text, '>')]
}

func data(in *bufio.Reader) string {
	var raw strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return raw.String()
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
}

func (s *smtpServer) note(line string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, line)
	if s.refuse == nil {
		return ""
	}
	return s.refuse(line)
}

func (s *smtpServer) keep(m received) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
}

func (s *smtpServer) answer(refuse func(string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

// take returns what was received since the last time.
func (s *smtpServer) take() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.messages
	s.messages = nil
	return taken
}

// read takes a message apart: its subject and its text.
func (m received) read(t *testing.T) (subject, body string, header netmail.Header) {
	t.Helper()
	parsed, err := netmail.ReadMessage(strings.NewReader(m.raw))
	if err != nil {
		t.Fatal(err)
	}
	if subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	reader := parsed.Body
	if how := parsed.Header.Get("Content-Transfer-Encoding"); strings.EqualFold(how, "quoted-printable") {
		reader = quotedprintable.NewReader(reader)
	} else if !strings.EqualFold(how, "8bit") && !strings.EqualFold(how, "7bit") {
		t.Fatal(fmt.Errorf("the text is encoded as %q", how))
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return subject, strings.ReplaceAll(string(text), "\r\n", "\n"), parsed.Header
}
