package portal

import (
	"strconv"
	"strings"

	"postern/directory"
)

// kinds are the kinds of clients there is a page for, in the order shown, each
// with what gives one away in the name its owner chose.
var kinds = []struct {
	name  string
	hints []string
}{
	{"outlook", []string{"outlook", "office"}},
	{"apple-mail", []string{"apple mail", "mac"}},
	{"thunderbird", []string{"thunderbird"}},
	{"phone", []string{"phone", "telefoon", "mobiel", "android", "ipad", "tablet"}},
	{"printer", []string{"print", "scan", "copier", "kopieer"}},
	{"vpn", []string{"vpn"}},
	{"wifi", []string{"wi-fi", "wifi", "wlan"}},
}

// kindOf is the kind of client that was asked for, or that the label of an app
// password sounds like, or else the first.
func kindOf(asked, label string) string {
	for _, k := range kinds {
		if k.name == asked {
			return asked
		}
	}
	label = strings.ToLower(label)
	for _, k := range kinds {
		for _, hint := range k.hints {
			if strings.Contains(label, hint) {
				return k.name
			}
		}
	}
	return kinds[0].name
}

// field is one thing to fill in.
type field struct {
	ID    string // of its element
	Label string // key
	Value string
}

// block is what belongs together in a client's settings.
type block struct {
	Title  string // key; "" for none
	Fields []field
}

// instructions is what a kind of client asks for. Nothing configured gives
// none.
func (t Told) instructions(kind string, a directory.Account) []block {
	switch kind {
	case "printer":
		return t.printer(a)
	case "vpn":
		return t.vpn(a)
	case "wifi":
		return t.wifi(a)
	}
	return t.mail(a)
}

func (t Told) mail(a directory.Account) []block {
	servers := servers(server("use.incoming", "imap", t.IMAP), server("use.outgoing", "smtp", t.SMTP))
	return withUser(servers, t.MailUser.of(a))
}

func (t Told) printer(a directory.Account) []block {
	servers := servers(server("use.outgoing", "smtp", t.PrinterSMTP), server("use.addresses", "ldap", t.PrinterLDAP))
	return withUser(servers, t.PrinterUser.of(a))
}

func (t Told) vpn(a directory.Account) []block {
	if t.VPN == "" {
		return nil
	}
	return withUser([]block{{Fields: []field{{"vpn", "use.server", t.VPN}}}}, t.VPNUser.of(a))
}

func (t Told) wifi(a directory.Account) []block {
	if t.WiFi == "" {
		return nil
	}
	b := block{Fields: []field{{"wifi", "use.network", t.WiFi}}}
	if t.WiFiMethod != "" {
		b.Fields = append(b.Fields, field{"wifi-method", "use.method", t.WiFiMethod})
	}
	if t.WiFiCertificate != "" {
		b.Fields = append(b.Fields, field{"wifi-certificate", "use.certificate", t.WiFiCertificate})
	}
	return withUser([]block{b}, t.WiFiUser.of(a))
}

func server(title, id string, e Endpoint) block {
	if e.Host == "" {
		return block{}
	}
	return block{Title: title, Fields: []field{
		{id + "-server", "use.server", e.Host},
		{id + "-port", "use.port", strconv.Itoa(e.Port)},
		{id + "-security", "use.security", e.Security.String()},
	}}
}

// servers leaves out what is not configured.
func servers(all ...block) []block {
	var known []block
	for _, b := range all {
		if len(b.Fields) > 0 {
			known = append(known, b)
		}
	}
	return known
}

// withUser adds the account's part to what is told of servers.
func withUser(blocks []block, name string) []block {
	if len(blocks) == 0 {
		return nil
	}
	return append(blocks, block{Title: "use.account", Fields: []field{{"user-name", "use.user-name", name}}})
}
