package config

import (
	"fmt"
	netmail "net/mail"
	"net/url"
	"os"
	"strings"
)

func (m *Mail) check(p *problems) {
	checkWords(p, "mail.languages", m.Languages, "en", "nl")
	if m.Server == "" {
		return
	}
	u, err := url.Parse(m.Server)
	switch {
	case err != nil || !isServer(m.Server, []string{"submissions", "submission", "smtp"}):
		p.add("mail.server", "must be submissions://HOST or submission://HOST, with a port where it is not the usual one")
	case u.Scheme == "smtp" && !isLoopback(u.Hostname()):
		p.add("mail.server", "must be submissions:// or submission://: smtp:// is in clear and for loopback only")
	}
	if address, err := netmail.ParseAddress(m.From); err != nil || address.Address != m.From {
		p.add("mail.from", `must be a mail address such as "postern@example.org"`)
	}
	if m.UserName != "" && m.PasswordFile == "" {
		p.add("mail.password_file", "is needed beside user_name")
	}
}

// Password returns the password for the mail server, empty for none.
func (m *Mail) Password() (Secret, error) {
	if m.PasswordFile == "" {
		return Secret{}, nil
	}
	data, err := os.ReadFile(m.PasswordFile)
	if err != nil {
		return Secret{}, fmt.Errorf("reading the password for the mail server: %w", err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" || len(data) > maxSecretFile || strings.ContainsAny(text, "\n\r") {
		return Secret{}, fmt.Errorf("%s must hold the password on one line and nothing else", m.PasswordFile)
	}
	return Secret{&text}, nil
}
