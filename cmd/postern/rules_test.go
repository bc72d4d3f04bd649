package main

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"postern/config"
	"postern/directory"
	"postern/ldapsrv"
	"postern/policy"
	"postern/policy/brake"
	"postern/radiussrv"
	"postern/secret"
)

const smallest = `base_dn = "dc=Example,o=x, DC=org"
data_dir = "data"
key_file = "postern.key"
[ldap]
listen = ["127.0.0.1:0"]
`

// load writes text as a configuration of its own and loads it.
func load(t *testing.T, text string) (loaded, error) {
	t.Helper()
	e := newEnv(nil, nil, nil)
	e.configPath = filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(e.configPath, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return e.loadConfig()
}

func TestTheConfigurationBecomesRules(t *testing.T) {
	c, err := load(t, smallest+`trusted_relays = ["192.0.2.25"]
[[radius.client]]
name = "vpn"
address = "192.0.2.1"
secret = "sixteen letters."
[portal]
admin_group = "Admins"
[policy]
mfa_groups = ["Staff"]
exempt = ["Root"]
app_password_groups = ["Guests"]
grace_until = "2027-01-31"
report_only_groups = ["*"]
report_only_until = "2027-02-28"
[app_passwords]
format = "compact"
max_per_account = 3
lifetime_days = 2
unused_days = 1
default_services = ["mail"]
on_password_change = "revoke"
on_mfa_reset = "keep"
allow_chap = true
[brakes]
tries = 5
first = "1s"
longest = "2s"
forget = "1h"
unfamiliar_per_day = 7
source_per_minute = 8
familiar_days = 9
remember_accepted = "3s"
remember_refused = "4s"
[[service]]
name = "mail"
ldap_networks = ["192.0.2.0/28"]
ldap_listeners = ["127.0.0.1:0"]
ldap_base = "app=mail"
radius_clients = ["vpn"]
require_app_password = true
[[service_account]]
name = "MailServer"
networks = ["192.0.2.2"]
`)
	if err != nil {
		t.Fatal(err)
	}
	want := &policy.Rules{
		Domain: "example.org", MFAGroups: []string{"staff", "admins"}, Exempt: []string{"root"}, AppPasswordGroups: []string{"guests"},
		GraceUntil:       time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		ReportOnlyGroups: []string{"*"}, ReportOnlyUntil: time.Date(2027, 2, 28, 0, 0, 0, 0, time.UTC),
		Services: []directory.Service{{
			Name: "mail", LDAPNetworks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}, LDAPListeners: []string{"127.0.0.1:0"},
			LDAPBase: "app=mail", RADIUSClients: []string{"vpn"}, RequireAppPassword: true,
		}},
		ServiceAccounts: []policy.ServiceAccount{{Name: "mailserver", Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.2/32")}}},
		MaxPerAccount:   3, UnusedAfter: 24 * time.Hour,
		Brakes: policy.Brakes{
			Limits: brake.Limits{
				Tries: 5, First: time.Second, Longest: 2 * time.Second, Forget: time.Hour,
				UnfamiliarPerDay: 7, SourcePerMinute: 8, FamiliarFor: 9 * day,
			},
			RememberAccepted: 3 * time.Second, RememberRefused: 4 * time.Second,
		},
		TrustedRelays: []netip.Prefix{netip.MustParsePrefix("192.0.2.25/32")},
	}
	if !reflect.DeepEqual(c.rules, want) {
		t.Errorf("rules\n got %+v\nwant %+v", c.rules, want)
	}
	s := c.settings
	if s.Format != secret.Compact || s.MaxPerAccount != 3 || s.Lifetime != 48*time.Hour || !reflect.DeepEqual(s.DefaultServices, []string{"mail"}) ||
		!s.AllowCHAP || !s.RevokeOnPasswordChange || s.RevokeOnMFAReset {
		t.Errorf("settings %+v", s)
	}
}

func TestWhatIsLeftOutSoftensNothing(t *testing.T) {
	c, err := load(t, smallest)
	if err != nil {
		t.Fatal(err)
	}
	want := &policy.Rules{
		Domain: "example.org", MFAGroups: []string{"postern-admins"}, Exempt: []string{}, AppPasswordGroups: []string{},
		ReportOnlyGroups: []string{}, MaxPerAccount: 20, Brakes: policy.DefaultBrakes(),
	}
	if !reflect.DeepEqual(c.rules, want) {
		t.Errorf("rules\n got %+v\nwant %+v", c.rules, want)
	}
	if s := c.settings; s.Format != secret.Standard || s.AllowCHAP || s.RevokeOnPasswordChange || !s.RevokeOnMFAReset {
		t.Errorf("settings %+v", s)
	}
}

func TestTheConfigurationBoundsSearches(t *testing.T) {
	c := config.Default()
	c.LDAP.SizeLimit, c.LDAP.TimeLimit, c.LDAP.LookThroughLimit = 5, 7*time.Second, 11
	want := ldapsrv.SearchLimits{Entries: 5, Time: 7 * time.Second, LookThrough: 11}
	if got := ldapRulesOf(&c, &policy.Rules{}).Search; got != want {
		t.Errorf("it becomes %+v, want %+v", got, want)
	}
}

func TestNamesThatCanBeNoneAreToldTogether(t *testing.T) {
	_, err := load(t, smallest+"[policy]\nmfa_groups = [\"a b\"]\nexempt = [\"ann\", \"b\\u0000\"]\n")
	var invalid *config.Error
	if !errors.As(err, &invalid) || len(invalid.Problems) != 2 || invalid.Problems[0].Line != 7 || invalid.Problems[1].Key != "policy.exempt[1]" {
		t.Errorf("error %v", err)
	}
}

func TestRADIUSClientsAreStrictUnlessTold(t *testing.T) {
	c, err := load(t, smallest+`
[[radius.client]]
name = "strict"
address = "192.0.2.1"
secret = "sixteen letters."
[[radius.client]]
name = "lax"
address = "192.0.2.0/24"
secret = "sixteen letters!"
require_message_authenticator = false
limit_proxy_state = false
otp_challenge = true
`)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := radiusClientsOf(&c.Config)
	if err != nil || len(clients) != 2 {
		t.Fatalf("%d clients, %v", len(clients), err)
	}
	strict, lax := clients[0], clients[1]
	if strict.AllowUnsigned || strict.AllowUnsignedProxyState || strict.OTPChallenge || strict.Secret.Reveal() != "sixteen letters." ||
		!reflect.DeepEqual(strict.Methods, []radiussrv.Method{radiussrv.PAP}) || strict.Address != netip.MustParsePrefix("192.0.2.1/32") {
		t.Errorf("strict: %+v", strict)
	}
	if !lax.AllowUnsigned || !lax.AllowUnsignedProxyState || !lax.OTPChallenge {
		t.Errorf("lax: %+v", lax)
	}
}

func TestASecretThatCannotBeReadIsTold(t *testing.T) {
	c, err := load(t, smallest+"[[radius.client]]\nname = \"vpn\"\naddress = \"192.0.2.1\"\nsecret_file = \"none\"\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := radiusClientsOf(&c.Config); err == nil || !strings.Contains(err.Error(), "line 9: radius.client[0].secret_file: ") {
		t.Errorf("error %v", err)
	}
}
