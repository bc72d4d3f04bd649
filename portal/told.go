package portal

import (
	"postern/directory"
)

// Told is what people are told to fill in where they use an app password.
// Zero fields say nothing.
type Told struct {
	IMAP, SMTP Endpoint
	MailUser   UserName

	VPN     string // the server's address
	VPNUser UserName

	WiFi            string // the network's name
	WiFiMethod      string // EAP method as devices call it
	WiFiCertificate string // name in the server's certificate
	WiFiUser        UserName

	PrinterSMTP, PrinterLDAP Endpoint
	PrinterUser              UserName
}

// Security says how a connection is protected.
type Security uint8

const (
	TLS      Security = iota // from the first byte
	STARTTLS                 // after a command
)

// String is the word that clients' settings use for it.
func (s Security) String() string {
	if s == STARTTLS {
		return "STARTTLS"
	}
	return "SSL/TLS"
}

// Endpoint is a server as a client's settings ask for it. The zero Endpoint is
// none.
type Endpoint struct {
	Host     string
	Port     int
	Security Security
}

// UserName says what goes into a field for the user name.
type UserName string

// The words of the configuration. Any other means LoginName.
const (
	LoginName   UserName = "login"
	MailAddress UserName = "mail"
)

// of is the user name of an account. One without a mail address has its login.
func (u UserName) of(a directory.Account) string {
	if u == MailAddress && a.Mail != "" {
		return a.Mail
	}
	return a.Login
}
