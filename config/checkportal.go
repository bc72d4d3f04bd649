package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTold is the longest text that a page repeats, in characters.
const maxTold = 200

// checkTold looks at what people are told to fill in elsewhere.
func (t *Portal) checkTold(p *problems) {
	for key, address := range map[string]struct {
		text    string
		schemes []string
	}{
		"portal.mail.imap":    {t.Mail.IMAP, []string{"imaps", "imap"}},
		"portal.mail.smtp":    {t.Mail.SMTP, []string{"submissions", "submission"}},
		"portal.printer.smtp": {t.Printer.SMTP, []string{"submissions", "submission"}},
		"portal.printer.ldap": {t.Printer.LDAP, []string{"ldaps", "ldap"}},
	} {
		if address.text != "" && !isServer(address.text, address.schemes) {
			p.add(key, "must be %s://HOST or %s://HOST, with a port where it is not the usual one", address.schemes[0], address.schemes[1])
		}
	}
	for key, text := range map[string]string{
		"portal.contact": t.Contact, "portal.vpn.server": t.VPN.Server, "portal.wifi.network": t.WiFi.Network,
		"portal.wifi.method": t.WiFi.Method, "portal.wifi.certificate": t.WiFi.Certificate,
	} {
		if utf8.RuneCountInString(text) > maxTold || strings.ContainsFunc(text, unicode.IsControl) {
			p.add(key, "must be one line of at most %d characters", maxTold)
		}
	}
	for key, word := range map[string]string{
		"portal.mail.user_name": t.Mail.UserName, "portal.vpn.user_name": t.VPN.UserName,
		"portal.wifi.user_name": t.WiFi.UserName, "portal.printer.user_name": t.Printer.UserName,
	} {
		checkWord(p, key, word, "login", "mail")
	}
}

// isServer reports whether text is one of the schemes, a host and perhaps a
// port, and nothing more.
func isServer(text string, schemes []string) bool {
	u, err := url.Parse(text)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || u.User != nil {
		return false
	}
	if _, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && err != nil {
		return false
	}
	return u.RawQuery == "" && u.Fragment == "" && strings.Trim(u.Path, "/") == ""
}
