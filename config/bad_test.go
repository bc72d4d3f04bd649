package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// client begins a RADIUS client that is valid with what stands here.
const client = smallest + `[[radius.client]]
name = "vpn"
address = "192.0.2.1"
`

// bad is every kind of mistake with all that is said about it.
var bad = []struct {
	name, text string
	want       []string
}{
	{"a syntax error stands alone", "base_dn = dc\nfrob = 1\n", []string{
		`line 1: not valid TOML: expected value but found "dc" instead`}},
	{"a syntax error does not quote a secret", client + "secret = truehunter2hunter2hunter\n", []string{
		"line 9: not valid TOML: a string stands in double quotes, one key to a line"}},
	{"a key twice", smallest + "listen = []\n", []string{
		"line 6: not valid TOML: Key 'ldap.listen' has already been defined."}},
	{"nothing at all", "", []string{
		"base_dn: is needed", "data_dir: is needed", "key_file: is needed",
		`nothing would listen: set at least one listener, such as listen = ["127.0.0.1:3389"] under [ldap]`}},
	{"an unknown key names the nearest", smallest + "listen_tsl = []\n", []string{
		"line 6: ldap.listen_tsl: unknown key; did you mean listen_tls?"}},
	{"keys know no capitals", smallest + "Profile = \"ad\"\n", []string{
		"line 6: ldap.Profile: unknown key; did you mean profile?"}},
	{"a key of another table names that table", smallest + "mfa_groups = []\n", []string{
		"line 6: ldap.mfa_groups: unknown key; it belongs in [policy]"}},
	{"a key of a list's table names that table", smallest + "require_app_password = true\n", []string{
		"line 6: ldap.require_app_password: unknown key; it belongs in [[service]]"}},
	{"an unknown key that resembles nothing lists what is known", smallest + "[events]\nrotation = 1\n", []string{
		"line 7: events.rotation: unknown key; known here are export, keep_days"}},
	{"unknown keys in every kind of table", smallest + `[polici]
x = 1
[[radius.client]]
name = "vpn"
address = "192.0.2.1"
secret_file = "s"
adress = ""
[[service]]
name = "a"
[[service]]
name = "b"
"radius clients" = []
log.levle = "info"
`, []string{
		"line 6: polici: unknown key; did you mean policy?",
		"line 12: radius.client[0].adress: unknown key; did you mean address?",
		"line 17: service[1].radius clients: unknown key; did you mean radius_clients?",
		"line 18: service[1].log: unknown key; known here are ldap_base, ldap_listeners, ldap_networks, name, radius_clients, require_app_password"}},
	{"wrong types, all at once", smallest + `cleartext_bind = 3
profile = ["rfc"]
trusted_relays = "192.0.2.1"
radius = 7
[app_passwords]
self_service = "yes"
max_per_account = "20"
lifetime_days = 1.5
default_services = [1]
[events]
keep_days = true
[policy]
grace_until = 2027
[service]
name = "mail"
`, []string{
		"line 6: ldap.cleartext_bind: must be a string in quotes",
		"line 7: ldap.profile: must be a string in quotes",
		"line 8: ldap.trusted_relays: must be a list, such as [\"…\"]",
		"line 9: ldap.radius: unknown key; known here are anonymous_read, cleartext_bind, listen, listen_tls, look_through_limit, member_of, profile, readers, size_limit, time_limit, trusted_relays",
		"line 11: app_passwords.self_service: must be true or false, without quotes",
		"line 12: app_passwords.max_per_account: must be a whole number",
		"line 13: app_passwords.lifetime_days: must be a whole number",
		"line 14: app_passwords.default_services[0]: must be a string in quotes",
		"line 16: events.keep_days: must be a whole number",
		`line 18: policy.grace_until: must be a date such as "2027-01-31", or "2027-01-31T18:00:00Z"`,
		"line 19: service: is a list of tables: write [[service]] above the keys of each"}},
	{"a table that is a value", "radius = 7\nservice = [1]\n" + smallest, []string{
		"line 1: radius: is a table: write [radius] above its keys",
		"line 2: service[0]: is a table: write [[service]] above its keys"}},
	{"words, ranges and spellings", smallest + `cleartext_bind = "sometimes"
profile = "AD"
trusted_relays = ["192.0.2.7/24", "mail.example.org", "::ffff:192.0.2.0/120", 5]
[radius]
reject_delay = "11s"
[app_passwords]
format = "long"
max_per_account = 0
lifetime_days = -1
unused_days = 40000
on_password_change = ""
on_mfa_reset = "maybe"
default_services = []
[events]
keep_days = 0
[log]
level = "trace"
format = "xml"
`, []string{
		`line 6: ldap.cleartext_bind: "sometimes" is none of never, loopback, always`,
		`line 7: ldap.profile: "AD" is none of rfc, ad`,
		`line 8: ldap.trusted_relays[0]: "192.0.2.7/24" is not the start of a network: write 192.0.2.0/24, or the address alone`,
		`line 8: ldap.trusted_relays[1]: "mail.example.org" is not an address or a network such as "192.0.2.0/24"`,
		`line 8: ldap.trusted_relays[2]: "::ffff:192.0.2.0/120" is an IPv4 network inside IPv6: write it as an IPv4 network`,
		`line 8: ldap.trusted_relays[3]: must be an address or a network in quotes, such as "192.0.2.0/24"`,
		`line 10: radius.reject_delay: must lie between "0s" and "10s"`,
		`line 12: app_passwords.format: "long" is none of standard, compact`,
		"line 13: app_passwords.max_per_account: must lie between 1 and 1000",
		"line 14: app_passwords.lifetime_days: must lie between 0 and 36500",
		"line 15: app_passwords.unused_days: must lie between 0 and 36500",
		`line 16: app_passwords.on_password_change: "" is none of keep, revoke`,
		`line 17: app_passwords.on_mfa_reset: "maybe" is none of keep, revoke`,
		`line 18: app_passwords.default_services: names no service: write ["any"] for all of them`,
		"line 20: events.keep_days: must lie between 1 and 36500",
		`line 22: log.level: "trace" is none of debug, info, warn, error`,
		`line 23: log.format: "xml" is none of text, json`}},
	{"limits of searches", smallest + "size_limit = 0\ntime_limit = \"0s\"\nlook_through_limit = -1\n", []string{
		"line 6: ldap.size_limit: must lie between 1 and 1000000000",
		`line 7: ldap.time_limit: must lie between "1s" and "24h"`,
		"line 8: ldap.look_through_limit: must lie between 1 and 1000000000"}},
	{"durations", smallest + "[radius]\nreject_delay = 1\n", []string{
		`line 7: radius.reject_delay: must be a duration in quotes, such as "1s" or "250ms"`}},
	{"durations spelled out", smallest + "[radius]\nreject_delay = \"one second\"\n", []string{
		`line 7: radius.reject_delay: "one second" is not a duration such as "1s" or "250ms"`}},
	{"names", strings.Replace(smallest, "dc=example,dc=org", "example.org", 1), []string{
		`line 1: base_dn: must be a distinguished name such as "dc=example,dc=org"`}},
	{"the key beside the database", strings.Replace(smallest, `"postern.key"`, `"data/keys/postern.key"`, 1), []string{
		"line 3: key_file: must not be inside data_dir: a copy of the database would hold the key that protects it"}},
	{"credentials outside a service", strings.Replace(smallest, `"postern.key"`, `"$CREDENTIALS_DIRECTORY/key"`, 1), []string{
		"line 3: key_file: $CREDENTIALS_DIRECTORY is not set: it is what systemd gives a service with LoadCredential="}},
	{"listeners", strings.Replace(smallest, `"127.0.0.1:3389"]`, `"127.0.0.1:3389", "localhost:1", "127.0.0.1", "[::1]:99999"]`, 1) +
		`listen_tls = ["127.0.0.1:3389"]`, []string{
		`line 5: ldap.listen[1]: "localhost:1" has a host name: listen on an address, because a name may change its meaning`,
		`line 5: ldap.listen[2]: "127.0.0.1" is not an address with a port, such as "127.0.0.1:3389" or "[::1]:3389"`,
		`line 5: ldap.listen[3]: "[::1]:99999" is not an address with a port, such as "127.0.0.1:3389" or "[::1]:3389"`,
		"line 6: ldap.listen_tls[0]: tcp 127.0.0.1:3389 is listened on twice",
		"line 6: ldap.listen_tls: needs a certificate: add [tls] with certificate and key"}},
	{"a TLS table without a key", smallest + "[tls]\nkey = \"\"\n", []string{"line 7: tls.key: is needed"}},
	{"RADIUS clients", smallest + `[[radius.client]]
[[radius.client]]
name = "a b"
address = "192.0.2.1"
secret = "fifteen letters"
methods = ["chap"]
[[radius.client]]
name = "c"
address = "192.0.2.1/32"
secret = "sixteen letters."
secret_file = "c.secret"
methods = []
[[radius.client]]
name = "c"
address = "192.0.2.300"
secret = 5
`, []string{
		"line 6: radius.client[0].name: is needed",
		"line 6: radius.client[0].address: is needed: the address or network its requests come from",
		"line 6: radius.client[0].secret_file: is needed: the file that holds the shared secret",
		`line 8: radius.client[1].name: "a b" is not a name of letters, digits, dots, dashes and underscores, 63 at most`,
		"line 10: radius.client[1].secret: is too short: a RADIUS secret has at least 16 characters",
		`line 11: radius.client[1].methods[0]: "chap" can be broken from a recording where no TLS is around it: use ttls-pap or peap-mschapv2, or set insecure_mschap = true to allow it`,
		"line 14: radius.client[2].address: another client has the address 192.0.2.1/32",
		"line 15: radius.client[2].secret: stands beside secret_file: keep one of them",
		"line 17: radius.client[2].methods: names none of " + strings.Join(RADIUSMethods, ", "),
		`line 19: radius.client[3].name: another client has the name "c"`,
		`line 20: radius.client[3].address: "192.0.2.300" is not an address or a network such as "192.0.2.0/24"`,
		"line 21: radius.client[3].secret: must be a string in quotes"}},
	{"EAP without its table", client + "secret_file = \"s\"\nmethods = [\"ttls-pap\", \"leap\"]\n", []string{
		`line 10: radius.client[0].methods[1]: "leap" is none of ` + strings.Join(RADIUSMethods, ", "),
		`line 10: radius.client[0].methods[0]: "ttls-pap" needs a certificate: add [radius.eap] with certificate and key`}},
	{"EAP out of range", smallest + "[radius.eap]\nkey = \"\"\nmin_tls = \"1.1\"\nresumption = \"25h\"\nfragment = 99\n", []string{
		"line 7: radius.eap.key: is needed",
		`line 8: radius.eap.min_tls: "1.1" is none of 1.2, 1.3`,
		`line 9: radius.eap.resumption: must lie between "0s", which is never, and "24h"`,
		"line 10: radius.eap.fragment: must lie between 100 and 1400"}},
	{"replies, requests to devices and TLS that cannot be", smallest + `[radius]
radsec_listen = ["127.0.0.1:2083"]
stale_sessions = "1m"
[[radius.client]]
name = "a"
address = "192.0.2.1"
secret_file = "a.secret"
transport = "tls"
dae = { address = "192.0.2.1:3799" }
[[radius.client]]
name = "b"
address = "192.0.2.1"
transport = "tls"
certificates = ["sha256:00", ""]
dae = { address = "192.0.2.1" , secret_file = "x" }
[[radius.client]]
name = "c"
address = "192.0.2.2"
secret_file = "c.secret"
certificates = ["c"]
dae = { secret_file = "x" }
[[radius.reply]]
service = "mail"
client = "d"
`, []string{
		"line 6: radius.radsec_ca: is needed",
		"line 7: radius.radsec_listen: needs a certificate: add [tls] with certificate and key",
		`line 8: radius.stale_sessions: must lie between "10m" and "2160h"`,
		`line 9: radius.client[0].certificates: is needed with transport = "tls": names in the device's certificate, or "sha256:" and its fingerprint`,
		`line 12: radius.client[0].secret_file: does not go with transport = "tls": the certificate is what counts there`,
		`line 14: radius.client[0].dae.secret_file: is needed with transport = "tls"`,
		"line 19: radius.client[1].certificates[0]: is not sha256: and 64 hexadecimal digits",
		"line 19: radius.client[1].certificates[1]: is empty",
		`line 20: radius.client[1].dae.address: "192.0.2.1" is not "address:port", such as "192.0.2.1:3799"`,
		`line 25: radius.client[2].certificates: counts with transport = "tls" only`,
		"line 26: radius.client[2].dae.secret_file: stands there without an address",
		`line 28: radius.reply[0].service: there is no service "mail"`,
		`line 29: radius.reply[0].client: there is no RADIUS client "d"`}},
	{"TLS that nobody listens for", smallest + "[[radius.client]]\nname = \"a\"\naddress = \"192.0.2.1\"\ntransport = \"tls\"\ncertificates = [\"a\"]\n", []string{
		`line 6: radius.radsec_listen: is needed: a client has transport = "tls"`}},
	{"http off loopback", smallest + "[portal]\nlisten = \"127.0.0.1:8080\"\npublic_url = \"http://postern.example.org\"\nadmin_group = \"\"\n", []string{
		"line 8: portal.public_url: must be https: http is for loopback only, because passwords travel over it",
		"line 9: portal.admin_group: is needed"}},
	{"no address for people", smallest + "[portal]\npublic_url = \"postern.example.org\"\n", []string{
		`line 7: portal.public_url: must be the address people type, such as "https://postern.example.org"`}},
	{"https that nobody does", smallest + "[portal]\npublic_url = \"https://postern.example.org\"\n", []string{
		"line 7: portal.public_url: needs a certificate: add [tls], or name the proxy that does TLS in trusted_proxies"}},
	{"what people could not fill in", smallest + `[portal]
contact = "one\nline"
[portal.mail]
imap = "mail.example.org"
smtp = "submissions://mail.example.org/inbox"
user_name = "uid"
[portal.printer]
ldap = "ldaps://:636"
`, []string{
		"line 7: portal.contact: must be one line of at most 200 characters",
		"line 9: portal.mail.imap: must be imaps://HOST or imap://HOST, with a port where it is not the usual one",
		"line 10: portal.mail.smtp: must be submissions://HOST or submission://HOST, with a port where it is not the usual one",
		`line 11: portal.mail.user_name: "uid" is none of login, mail`,
		"line 13: portal.printer.ldap: must be ldaps://HOST or ldap://HOST, with a port where it is not the usual one"}},
	{"mail that cannot go", smallest + `[mail]
server = "smtp://mail.example.org"
from = "Postern <postern@example.org>"
user_name = "postern"
languages = ["xx"]
`, []string{
		"line 6: mail.password_file: is needed beside user_name",
		"line 7: mail.server: must be submissions:// or submission://: smtp:// is in clear and for loopback only",
		`line 8: mail.from: must be a mail address such as "postern@example.org"`,
		`line 10: mail.languages[0]: "xx" is none of en, nl`}},
	{"no scheme people use", smallest + "[portal]\npublic_url = \"ftp://postern.example.org\"\n", []string{
		"line 7: portal.public_url: must begin with https://"}},
	{"report-only without an end", smallest + "[policy]\nreport_only_groups = [\"*\", \"staff\"]\nmfa_groups = [\"*\"]\nexempt = [\" \"]\n", []string{
		"line 7: policy.report_only_groups: needs report_only_until beside it: the date when refusals begin",
		`line 7: policy.report_only_groups[0]: "*" is everybody and stands alone`,
		`line 8: policy.mfa_groups[0]: must be a name: "*" has no meaning here`,
		"line 9: policy.exempt[0]: is empty"}},
	{"ties between services", client + `secret_file = "s"
[[service]]
name = "one"
ldap_networks = ["192.0.2.0/28", "192.0.2.9"]
ldap_listeners = ["127.0.0.1:3389"]
ldap_base = "app=mail"
radius_clients = ["vpn"]
[[service]]
name = "two"
ldap_networks = ["192.0.2.0/28", "192.0.2.9/32"]
ldap_listeners = ["127.0.0.1:3389"]
ldap_base = "APP=Mail"
radius_clients = ["vpn"]
[[service]]
name = "two"
`, []string{
		"line 18: service[1].ldap_networks[0]: another service has the network 192.0.2.0/28: which one would a bind from there count under?",
		"line 18: service[1].ldap_networks[1]: another service has the network 192.0.2.9/32: which one would a bind from there count under?",
		"line 19: service[1].ldap_listeners[0]: another service has the listener 127.0.0.1:3389",
		`line 20: service[1].ldap_base: another service has the ldap_base "app=mail"`,
		`line 21: service[1].radius_clients[0]: another service has the RADIUS client "vpn"`,
		`line 23: service[2].name: another service has the name "two"`}},
	{"services that name what is not there", smallest + `[app_passwords]
default_services = ["any", "post"]
[[service]]
name = "default"
ldap_listeners = ["127.0.0.1:389"]
ldap_base = "app=mail,ou=apps"
radius_clients = ["wifi"]
[[service]]
name = "any"
[[service]]
name = "Mail"
[[service]]
`, []string{
		`line 7: app_passwords.default_services[0]: "any" is all services and stands alone`,
		`line 7: app_passwords.default_services[1]: there is no service "post"`,
		`line 9: service[0].name: "default" is taken: it has a meaning of its own`,
		`line 10: service[0].ldap_listeners[0]: "127.0.0.1:389" is not in listen or listen_tls of [ldap]`,
		`line 11: service[0].ldap_base: must be one name such as "app=mail"`,
		`line 12: service[0].radius_clients[0]: there is no RADIUS client "wifi"`,
		`line 14: service[1].name: "any" is taken: it has a meaning of its own`,
		`line 16: service[2].name: "Mail" is not a name of lower-case letters, digits, dots, dashes and underscores, 63 at most`,
		"line 17: service[3].name: is needed"}},
	{"brakes that are none, or locks", smallest + `[brakes]
tries = 0
first = "0s"
longest = "48h"
forget = "1s"
unfamiliar_per_day = 0
source_per_minute = 0
familiar_days = -1
remember_accepted = "2h"
remember_refused = "-1s"
[events]
export = "tcp://siem:514"
`, []string{
		"line 7: brakes.tries: must lie between 1 and 1000",
		`line 8: brakes.first: must lie between "1s" and "24h"`,
		`line 9: brakes.longest: must lie between "1s" and "24h"`,
		`line 10: brakes.forget: must lie between "1m" and "720h"`,
		"line 12: brakes.source_per_minute: must lie between 1 and 100000",
		"line 13: brakes.familiar_days: must lie between 0 and 3650",
		`line 14: brakes.remember_accepted: must lie between "0s" and "1h"`,
		`line 15: brakes.remember_refused: must lie between "0s" and "168h"`,
		`line 17: events.export: "tcp://siem:514" is none of "file:PATH", "syslog:unix:/PATH", "syslog:udp://HOST:PORT", "syslog:tcp://HOST:PORT"`}},
	{"a cap below the tries of one source", smallest + "[brakes]\nunfamiliar_per_day = 9\n", []string{
		"line 7: brakes.unfamiliar_per_day: must lie between 10 and 100000"}},
	{"service accounts", smallest + `[[service_account]]
name = "mail"
read = ["people", ""]
attributes = [""]
[[service_account]]
name = "Mail"
networks = ["0.0.0.0/0", "::/0"]
`, []string{
		`line 6: service_account[0].networks: is needed: where it may come from; ["0.0.0.0/0", "::/0"] is anywhere`,
		`line 8: service_account[0].read[0]: must be a name relative to base_dn, such as "ou=people"`,
		`line 8: service_account[0].read[1]: must be a name relative to base_dn, such as "ou=people"`,
		"line 9: service_account[0].attributes[0]: is empty",
		`line 11: service_account[1].name: another service account has the name "mail"`}},
}

func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	for _, c := range bad {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Parse([]byte(c.text), "/etc/postern")
			var invalid *Error
			if !errors.As(err, &invalid) {
				t.Fatalf("error is %v", err)
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, c.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"))
			}
		})
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(smallest+"frob = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := Load(path)
	if want := path + ":6: ldap.frob: unknown key"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want it to begin with %s", err, want)
	}
}

func TestLinesAreFoundBehindValuesThatSpanThem(t *testing.T) {
	text := smallest + `listen_tls = [ # ] " '
  "127.0.0.1:1", # "
  '127.0.0.1:2',
]
profile = """
r]f"c\"""" # "
"frob" = '''
[radius]
frob = 1'''
events.frob = { a = "}", b = [1] }
[ "radius" . 'client.x' ]
`
	where := findPlaces(text)
	for key, want := range map[string]int{
		"ldap": 4, "ldap.listen_tls": 6, "ldap.profile": 10, "ldap.frob": 12, "ldap.events": 15,
		"ldap.events.frob": 15, "radius": 16, "radius.client.x": 16, "radius.frob": 16, "none": 0,
	} {
		if got := where.line(key); got != want {
			t.Errorf("%s on line %d, want %d", key, got, want)
		}
	}
}

func TestDangersAreSpelledOut(t *testing.T) {
	text := smallest + `cleartext_bind = "always"
[[radius.client]]
name = "vpn"
address = "192.0.2.1"
secret = "sixteen letters."
require_message_authenticator = false
insecure_mschap = true
otp_challenge = true
[policy]
grace_until = "2027-01-31"
report_only_groups = ["staff"]
report_only_until = "2027-02-28"
[app_passwords]
allow_chap = true
`
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"ldap.cleartext_bind", "radius.client[0].require_message_authenticator",
		"radius.client[0].insecure_mschap", "radius.client[0].otp_challenge",
		"policy.grace_until", "policy.report_only_groups", "app_passwords.allow_chap"}
	if got := warnedKeys(t, path); !slices.Equal(got, want) {
		t.Errorf("warned of %q, want %q", got, want)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := warnedKeys(t, path); !slices.Contains(got, "radius.client[0].secret") {
		t.Errorf("no warning of an inline secret in a file that others can read: %q", got)
	}
}

func warnedKeys(t *testing.T, path string) (keys []string) {
	t.Helper()
	_, warnings, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		keys = append(keys, w.Key)
	}
	return keys
}

// TestChallengeMethodsAreNoDangerOverTLS: what a recording would give away is
// inside TLS there, and insecure_mschap says nothing more.
func TestChallengeMethodsAreNoDangerOverTLS(t *testing.T) {
	text := smallest + `[tls]
[radius]
radsec_listen = ["127.0.0.1:2083"]
radsec_ca = "ca.pem"
[[radius.client]]
name = "proxy"
address = "192.0.2.1"
transport = "tls"
certificates = ["proxy.example.org"]
methods = ["pap", "chap", "mschapv1", "mschapv2", "eap-mschapv2", "eap-md5"]
`
	path := filepath.Join(t.TempDir(), "config.toml")
	for _, more := range []string{"", "insecure_mschap = true\n"} {
		if err := os.WriteFile(path, []byte(text+more), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := warnedKeys(t, path); len(got) > 0 {
			t.Errorf("with %q it warns of %q", more, got)
		}
	}
}
