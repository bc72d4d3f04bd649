package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/account"
	"postern/mail"
	"postern/secret"
)

func TestMailServersAreTakenApart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mail.secret"), []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]mail.Server{
		"submissions://mail.example.org":     {Host: "mail.example.org", Port: 465, Security: mail.TLS},
		"submission://mail.example.org:2587": {Host: "mail.example.org", Port: 2587, Security: mail.STARTTLS},
		"smtp://127.0.0.1":                   {Host: "127.0.0.1", Port: 25, Security: mail.InClear},
	} {
		c, err := load(t, smallest+fmt.Sprintf("[mail]\nserver = %q\nfrom = \"p@example.org\"\nuser_name = \"u\"\npassword_file = %q\n", address, filepath.Join(dir, "mail.secret")))
		if err != nil {
			t.Fatal(err)
		}
		got, err := mailSettingsOf(&c.Config)
		if err != nil {
			t.Fatal(err)
		}
		want.From, want.UserName, want.Password = "p@example.org", "u", secret.NewText("open sesame")
		if s := got.Server; s.Host != want.Host || s.Port != want.Port || s.Security != want.Security || s.From != want.From || !s.Password.Equal(want.Password) {
			t.Errorf("%s: %+v", address, s)
		}
	}
}

// mailbox takes one message over SMTP and hands it on.
func mailbox(t *testing.T) (address string, got chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	got = make(chan string, 1)
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "220 localhost\r\n") // the client tells where this fails
		var text strings.Builder
		taking := false
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			reply := "250 ok"
			switch line := lines.Text(); {
			case taking && line == ".":
				taking = false
				got <- text.String()
			case taking:
				text.WriteString(line + "\n")
				continue
			case line == "DATA":
				taking, reply = true, "354 go on"
			}
			_, _ = io.WriteString(conn, reply+"\r\n")
		}
	}()
	return ln.Addr().String(), got
}

// TestServeTellsOwners: a running server notices what somebody else changed in
// its database, and mails the owner.
func TestServeTellsOwners(t *testing.T) {
	address, got := mailbox(t)
	s, _ := served(t, fmt.Sprintf(`base_dn = "dc=example,dc=org"
data_dir = "data"
key_file = "postern.key"
[ldap]
listen = ["127.0.0.1:0"]
[mail]
server = "smtp://%s"
from = "postern@example.org"
languages = ["nl"]
`, address))
	people := s.env.accountsOf(s.site)
	ann, err := people.Add(t.Context(), "cli:test", account.Person{Login: "ann", Mail: "ann@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	// The watcher begins with what comes after its first look.
	for deadline := time.Now().Add(patience); ; {
		if cursor, err := s.site.store.Meta(t.Context(), "mail_cursor"); err == nil && cursor != "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the watcher does not begin")
		}
		time.Sleep(50 * time.Millisecond)
	}
	issued, err := people.Issue(t.Context(), "cli:test", ann.ID, account.Request{Label: "Outlook"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case text := <-got:
		if !strings.Contains(text, "ann@example.org") || !strings.Contains(text, "Outlook") || !strings.Contains(text, "app-wachtwoord") {
			t.Errorf("the notice says:\n%s", text)
		}
		if strings.Contains(text, issued.Secret.Reveal()) {
			t.Error("the notice holds the app password")
		}
	case <-ctx.Done():
		t.Fatal("nothing was sent")
	}
}
