package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	gomail "github.com/wneessen/go-mail"

	"postern/secret"
)

// Security says how a connection to the mail server is protected. The zero
// value is the strictest.
type Security uint8

const (
	TLS      Security = iota // from the first byte
	STARTTLS                 // demanded
	InClear                  // for a server on the same host
)

// Server is the mail server that takes what is to be sent.
type Server struct {
	Host     string
	Port     int
	Security Security
	From     string
	UserName string // "" for none
	Password secret.Text
}

// SMTP is a Sender by that protocol (RFC 5321). It may be used concurrently.
type SMTP struct{}

// sendWithin bounds one conversation.
const sendWithin = 30 * time.Second

// Send hands m to the server.
func (SMTP) Send(ctx context.Context, s Server, m Message) error {
	msg, err := compose(s, m)
	if err != nil {
		return err
	}
	line := &connection{server: s}
	defer line.close()
	client, err := gomail.NewClient(s.Host, append(options(s), gomail.WithDialContextFunc(line.dial))...)
	if err != nil {
		return fmt.Errorf("setting up mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	err = client.DialAndSendWithContext(ctx, msg)
	var failed *gomail.SendError
	if errors.As(err, &failed) && !failed.IsTemp() && failed.ErrorCode() >= 500 && failed.Reason != gomail.ErrSMTPMailFrom {
		return fmt.Errorf("%w (code %d)", ErrRefused, failed.ErrorCode())
	}
	if err != nil {
		return fmt.Errorf("sending mail by %s: %w", s.Host, err)
	}
	return nil
}

// connection dials for one conversation, and closes what it dialled however
// the conversation ended: the library leaves a connection open where STARTTLS
// fails.
type connection struct {
	server Server
	conn   net.Conn
}

func (c *connection) dial(ctx context.Context, network, address string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: sendWithin}
	var err error
	if c.server.Security == TLS {
		d := &tls.Dialer{NetDialer: plain, Config: &tls.Config{ServerName: c.server.Host, MinVersion: tls.VersionTLS12}}
		c.conn, err = d.DialContext(ctx, network, address)
	} else {
		c.conn, err = plain.DialContext(ctx, network, address)
	}
	return c.conn, err
}

func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.Close() // it may be closed already
	}
}

// compose refuses addresses that can be none.
func compose(s Server, m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg()
	if err := msg.FromFormat("Postern", s.From); err != nil {
		return nil, fmt.Errorf("the sender's address: %w", err)
	}
	if err := msg.AddToFormat(m.Name, m.To); err != nil {
		return nil, fmt.Errorf("%w: the address can be none", ErrRefused)
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's answering machine answers
	msg.SetBodyString(gomail.TypeTextPlain, m.Body)
	return msg, nil
}

func options(s Server) []gomail.Option {
	o := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(sendWithin), gomail.WithTLSPolicy(gomail.TLSMandatory)}
	switch s.Security {
	case TLS:
		o = append(o, gomail.WithSSL())
	case InClear:
		o = append(o, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.UserName != "" {
		o = append(o, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.UserName), gomail.WithPassword(s.Password.Reveal()))
	}
	return o
}
