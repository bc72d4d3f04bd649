package config

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// MinRADIUSSecret is the least length of a RADIUS secret, in characters
	// (RFC 2865 §3 asks for 16).
	MinRADIUSSecret = 16
	// maxRejectDelay is as long as a refusal may be held back.
	maxRejectDelay = 10 * time.Second
	maxDays        = 36500
	maxAppPassword = 1000
	maxSearched    = 1_000_000_000
)

var (
	serviceName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	entityName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	// relativeName is a distinguished name in its plainest spelling.
	relativeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*=[^,=+<>#;"\\\x00-\x1f ]([^,=+<>#;"\\\x00-\x1f]*[^,=+<>#;"\\\x00-\x1f ])?$`)
)

// check looks at everything but other files.
func (c *Config) check(p *problems) {
	c.checkRoot(p)
	c.LDAP.check(p, c.places)
	c.RADIUS.check(p, c.places)
	c.RADIUS.checkSessions(c, p)
	c.Portal.check(p, c.places)
	c.Mail.check(p)
	c.TLS.check(p, c.places)
	c.Policy.check(p)
	c.AppPasswords.check(p, c.Services)
	checkServices(p, c)
	checkServiceAccounts(p, c.ServiceAccounts)
	c.Brakes.check(p)
	c.Events.check(p)
	checkWord(p, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	checkWord(p, "log.format", c.Log.Format, "text", "json")
}

func (c *Config) checkRoot(p *problems) {
	checkNeeded(p, "base_dn", c.BaseDN)
	checkNeeded(p, "data_dir", c.DataDir)
	checkNeeded(p, "key_file", c.KeyFile)
	if c.BaseDN != "" && !isName(c.BaseDN) {
		p.add("base_dn", `must be a distinguished name such as "dc=example,dc=org"`)
	}
	if c.DataDir != "" && c.KeyFile != "" && within(c.KeyFile, c.DataDir) {
		p.add("key_file", "must not be inside data_dir: a copy of the database would hold the key that protects it")
	}
	portal := []string{c.Portal.Listen}
	if c.Portal.Listen == "" {
		portal = nil
	}
	checkListeners(p, "tcp", []listeners{{"ldap.listen", c.LDAP.Listen}, {"ldap.listen_tls", c.LDAP.ListenTLS}, {"radius.radsec_listen", c.RADIUS.RadSecListen}, {"portal.listen", portal}})
	checkListeners(p, "udp", []listeners{{"radius.listen", c.RADIUS.Listen}, {"radius.accounting_listen", c.RADIUS.AccountingListen}})
	if len(c.LDAP.Listen)+len(c.LDAP.ListenTLS)+len(c.RADIUS.Listen)+len(c.RADIUS.AccountingListen)+len(c.RADIUS.RadSecListen)+len(portal) == 0 {
		p.add("", `nothing would listen: set at least one listener, such as listen = ["127.0.0.1:3389"] under [ldap]`)
	}
}

func (l *LDAP) check(p *problems, where *places) {
	checkWord(p, "ldap.cleartext_bind", l.CleartextBind, "never", "loopback", "always")
	checkWord(p, "ldap.profile", l.Profile, "rfc", "ad")
	checkWord(p, "ldap.anonymous_read", l.AnonymousRead, "schema", "none")
	checkWord(p, "ldap.member_of", l.MemberOf, "direct", "nested")
	checkRange(p, "ldap.size_limit", l.SizeLimit, 1, maxSearched)
	checkRange(p, "ldap.look_through_limit", l.LookThroughLimit, 1, maxSearched)
	checkSpan(p, "ldap.time_limit", l.TimeLimit, time.Second, 24*time.Hour)
	if len(l.ListenTLS) > 0 && !where.has("tls") {
		p.add("ldap.listen_tls", "needs a certificate: add [tls] with certificate and key")
	}
}

func (r *RADIUS) check(p *problems, where *places) {
	r.EAP.check(p, where)
	if r.RejectDelay < 0 || r.RejectDelay > maxRejectDelay {
		p.add("radius.reject_delay", `must lie between "0s" and "10s"`)
	}
	names, addresses := seen{}, seen{}
	for i := range r.Clients {
		c, at := &r.Clients[i], index("radius.client", i)
		c.check(p, at)
		c.checkMethods(p, at, where)
		names.once(p, at+".name", c.Name, "another client has the name %q")
		if c.Address.IsValid() && c.Transport != "tls" {
			addresses.once(p, at+".address", c.Address.String(), "another client has the address %s")
		}
	}
}

func (c *RADIUSClient) check(p *problems, at string) {
	checkName(p, at+".name", c.Name, entityName)
	if !c.Address.IsValid() {
		p.add(at+".address", "is needed: the address or network its requests come from")
	}
	checkWord(p, at+".transport", c.Transport, "udp", "tls")
	if c.Transport == "tls" {
		c.checkTLS(p, at)
		return
	}
	inline := c.Secret.Reveal()
	switch {
	case c.SecretFile == "" && inline == "" && !p.isUnread(at+".secret"):
		p.add(at+".secret_file", "is needed: the file that holds the shared secret")
	case c.SecretFile != "" && inline != "":
		p.add(at+".secret", "stands beside secret_file: keep one of them")
	case inline != "" && utf8.RuneCountInString(inline) < MinRADIUSSecret:
		p.add(at+".secret", "is too short: a RADIUS secret has at least %d characters", MinRADIUSSecret)
	}
}

func (t *Portal) check(p *problems, where *places) {
	if !where.has("portal") {
		return
	}
	checkNeeded(p, "portal.admin_group", t.AdminGroup)
	u, err := url.Parse(t.PublicURL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		p.add("portal.public_url", `must be the address people type, such as "https://postern.example.org"`)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		p.add("portal.public_url", "must be https: http is for loopback only, because passwords travel over it")
	case u.Scheme != "http" && u.Scheme != "https":
		p.add("portal.public_url", "must begin with https://")
	case u.Scheme == "https" && !where.has("tls") && len(t.TrustedProxies) == 0:
		p.add("portal.public_url", "needs a certificate: add [tls], or name the proxy that does TLS in trusted_proxies")
	}
	t.checkTold(p)
}

func (t *TLS) check(p *problems, where *places) {
	if where.has("tls") {
		checkNeeded(p, "tls.certificate", t.Certificate)
		checkNeeded(p, "tls.key", t.Key)
	}
}

func (t *Policy) check(p *problems) {
	if len(t.ReportOnlyGroups) > 0 && t.ReportOnlyUntil.IsZero() {
		p.add("policy.report_only_groups", "needs report_only_until beside it: the date when refusals begin")
	}
	for i, group := range t.ReportOnlyGroups {
		if group == "*" && len(t.ReportOnlyGroups) > 1 {
			p.add(index("policy.report_only_groups", i), `"*" is everybody and stands alone`)
		}
	}
	for key, names := range map[string][]string{
		"policy.mfa_groups": t.MFAGroups, "policy.exempt": t.Exempt,
		"policy.app_password_groups": t.AppPasswordGroups, "policy.report_only_groups": t.ReportOnlyGroups,
	} {
		for i, name := range names {
			if strings.TrimSpace(name) == "" {
				p.add(index(key, i), "is empty")
			} else if name == "*" && key != "policy.report_only_groups" {
				p.add(index(key, i), `must be a name: "*" has no meaning here`)
			}
		}
	}
}

func (a *AppPasswords) check(p *problems, services []Service) {
	checkWord(p, "app_passwords.format", a.Format, "standard", "compact")
	checkRange(p, "app_passwords.max_per_account", a.MaxPerAccount, 1, maxAppPassword)
	checkRange(p, "app_passwords.lifetime_days", a.LifetimeDays, 0, maxDays)
	checkRange(p, "app_passwords.unused_days", a.UnusedDays, 0, maxDays)
	checkWord(p, "app_passwords.on_password_change", a.OnPasswordChange, "keep", "revoke")
	checkWord(p, "app_passwords.on_mfa_reset", a.OnMFAReset, "keep", "revoke")
	at := "app_passwords.default_services"
	if len(a.DefaultServices) == 0 {
		p.add(at, `names no service: write ["any"] for all of them`)
	}
	known := slices.Collect(func(yield func(string) bool) {
		for _, s := range services {
			if !yield(s.Name) {
				return
			}
		}
	})
	for i, name := range a.DefaultServices {
		switch {
		case name == "any" && len(a.DefaultServices) > 1:
			p.add(index(at, i), `"any" is all services and stands alone`)
		case name != "any" && name != "default" && !slices.Contains(known, name):
			p.add(index(at, i), "there is no service %q", name)
		}
	}
}

// checkServices refuses what would leave it open which service an attempt
// counts under.
func checkServices(p *problems, c *Config) {
	names, bases, networks, listeners, clients := seen{}, seen{}, seen{}, seen{}, seen{}
	for i, s := range c.Services {
		at := index("service", i)
		checkName(p, at+".name", s.Name, serviceName)
		if s.Name == "default" || s.Name == "any" {
			p.add(at+".name", "%q is taken: it has a meaning of its own", s.Name)
		}
		names.once(p, at+".name", s.Name, "another service has the name %q")
		if s.LDAPBase != "" && (!isName(s.LDAPBase) || strings.Contains(s.LDAPBase, ",")) {
			p.add(at+".ldap_base", `must be one name such as "app=mail"`)
		}
		bases.once(p, at+".ldap_base", strings.ToLower(s.LDAPBase), "another service has the ldap_base %q")
		for j, network := range s.LDAPNetworks {
			if network.IsValid() {
				networks.once(p, index(at+".ldap_networks", j), network.String(), "another service has the network %s: which one would a bind from there count under?")
			}
		}
		for j, listener := range s.LDAPListeners {
			key := index(at+".ldap_listeners", j)
			if !slices.Contains(c.LDAP.Listen, listener) && !slices.Contains(c.LDAP.ListenTLS, listener) {
				p.add(key, "%q is not in listen or listen_tls of [ldap]", listener)
			}
			listeners.once(p, key, listener, "another service has the listener %s")
		}
		for j, client := range s.RADIUSClients {
			key := index(at+".radius_clients", j)
			if !slices.ContainsFunc(c.RADIUS.Clients, func(known RADIUSClient) bool { return known.Name == client }) {
				p.add(key, "there is no RADIUS client %q", client)
			}
			clients.once(p, key, client, "another service has the RADIUS client %q")
		}
	}
}

func checkServiceAccounts(p *problems, accounts []ServiceAccount) {
	names := seen{}
	for i, a := range accounts {
		at := index("service_account", i)
		checkName(p, at+".name", a.Name, entityName)
		names.once(p, at+".name", strings.ToLower(a.Name), "another service account has the name %q")
		if len(a.Networks) == 0 {
			p.add(at+".networks", `is needed: where it may come from; ["0.0.0.0/0", "::/0"] is anywhere`)
		}
		for j, read := range a.Read {
			if !isName(read) {
				p.add(index(at+".read", j), `must be a name relative to base_dn, such as "ou=people"`)
			}
		}
		for j, attribute := range a.Attributes {
			if strings.TrimSpace(attribute) == "" {
				p.add(index(at+".attributes", j), "is empty")
			}
		}
	}
}

// seen holds what was named already.
type seen map[string]bool

// once reports a value that was there before; format takes the value.
func (s seen) once(p *problems, key, value, format string) {
	if value != "" && s[value] {
		p.add(key, format, value)
	}
	s[value] = true
}

func checkNeeded(p *problems, key, value string) {
	if value == "" {
		p.add(key, "is needed")
	}
}

func checkName(p *problems, key, name string, shape *regexp.Regexp) {
	switch {
	case name == "":
		checkNeeded(p, key, name)
	case shape == serviceName && !shape.MatchString(name):
		p.add(key, "%q is not a name of lower-case letters, digits, dots, dashes and underscores, 63 at most", name)
	case !shape.MatchString(name):
		p.add(key, "%q is not a name of letters, digits, dots, dashes and underscores, 63 at most", name)
	}
}

func checkWord(p *problems, key, value string, words ...string) {
	if !slices.Contains(words, value) {
		p.add(key, "%q is none of %s", value, strings.Join(words, ", "))
	}
}

func checkWords(p *problems, key string, values []string, words ...string) {
	if len(values) == 0 {
		p.add(key, "names none of %s", strings.Join(words, ", "))
	}
	for i, value := range values {
		checkWord(p, index(key, i), value, words...)
	}
}

func checkRange(p *problems, key string, value, least, most int) {
	if value < least || value > most {
		p.add(key, "must lie between %d and %d", least, most)
	}
}

// listeners are the addresses that one key names.
type listeners struct {
	key       string
	addresses []string
}

// checkListeners looks at all addresses of one transport. One cannot be
// listened on twice, except that port 0 is another port every time.
func checkListeners(p *problems, transport string, lists []listeners) {
	named := seen{}
	for _, list := range lists {
		for i, address := range list.addresses {
			at := index(list.key, i)
			if list.key == "portal.listen" {
				at = list.key
			}
			if checkAddress(p, at, address) != 0 {
				named.once(p, at, address, transport+" %s is listened on twice")
			}
		}
	}
}

// checkAddress looks at one address to listen on and returns its port.
func checkAddress(p *problems, at, address string) uint16 {
	host, text, err := net.SplitHostPort(address)
	port, errPort := strconv.ParseUint(text, 10, 16)
	_, errHost := netip.ParseAddr(host)
	switch {
	case err != nil || errPort != nil:
		p.add(at, `%q is not an address with a port, such as "127.0.0.1:3389" or "[::1]:3389"`, address)
	case host != "" && errHost != nil:
		p.add(at, "%q has a host name: listen on an address, because a name may change its meaning", address)
	}
	return uint16(port)
}

// isName reports whether text is a distinguished name that needs no escapes.
func isName(text string) bool {
	for part := range strings.SplitSeq(text, ",") {
		if !relativeName.MatchString(strings.TrimSpace(part)) {
			return false
		}
	}
	return true
}

// within reports whether path lies inside dir, by name alone.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
