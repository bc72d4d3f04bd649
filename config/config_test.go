package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// smallest is the smallest valid file.
const smallest = `base_dn = "dc=example,dc=org"
data_dir = "data"
key_file = "postern.key"
[ldap]
listen = ["127.0.0.1:3389"]
`

func shipped(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t *testing.T, text string) Config {
	t.Helper()
	c, _, err := Parse([]byte(text), "/etc/postern")
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, text)
	}
	return c
}

func TestTheShippedFileShowsTheDefaults(t *testing.T) {
	c, warnings, err := Parse(shipped(t), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) > 0 {
		t.Errorf("the shipped file warns: %v", warnings)
	}
	want := Default()
	want.BaseDN, want.DataDir, want.KeyFile = "dc=example,dc=org", "data", "postern.key"
	want.LDAP.Listen = []string{"127.0.0.1:3389"}
	want.LDAP.ListenTLS = []string{"127.0.0.1:3636"}
	want.RADIUS.Listen = []string{"127.0.0.1:1812"}
	want.RADIUS.AccountingListen = []string{"127.0.0.1:1813"}
	want.Portal.Listen = "127.0.0.1:8080"
	want.RADIUS.EAP.fillDefaults()
	vpn := RADIUSClient{Name: "vpn", Address: netip.MustParsePrefix("127.0.0.1/32"), SecretFile: "vpn.secret"}
	vpn.fillDefaults()
	want.RADIUS.Clients = []RADIUSClient{vpn}
	want.RADIUS.Replies = []RADIUSReply{{}}
	want.TLS.fillDefaults()
	example := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}
	want.Services = []Service{{Name: "mail", LDAPNetworks: example}, {Name: "vpn", RADIUSClients: []string{"vpn"}}}
	reader := ServiceAccount{Name: "mailserver", Networks: example}
	reader.fillDefaults()
	want.ServiceAccounts = []ServiceAccount{reader}
	compare(t, emptied(c), emptied(want))
}

// emptied makes an empty list and one left out alike.
func emptied(c Config) Config {
	c.places = nil
	emptyLists(reflect.ValueOf(&c).Elem())
	return c
}

func emptyLists(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Slice && v.Len() == 0 && v.CanSet():
		v.SetZero()
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			emptyLists(v.Index(i))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			emptyLists(v.Field(i))
		}
	}
}

func compare(t *testing.T, got, want Config) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		name := g.Type().Field(i).Name
		if name != "places" && !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, g.Field(i), w.Field(i))
		}
	}
}

func TestTheShippedFileShowsEveryKey(t *testing.T) {
	where := findPlaces(string(shipped(t)))
	// Inline secrets are shown in a comment only: the file holds none.
	hidden := map[string]bool{"radius.client[0].secret": true}
	var visit func(reflect.Type, string)
	visit = func(s reflect.Type, path string) {
		for key, i := range fieldsOf(s) {
			at, f := join(path, key), s.Field(i).Type
			if f.Kind() == reflect.Slice && f.Elem().Kind() == reflect.Struct && len(fieldsOf(f.Elem())) > 0 {
				visit(f.Elem(), index(at, 0))
			} else if f.Kind() == reflect.Struct && len(fieldsOf(f)) > 0 {
				visit(f, at)
			} else if !where.has(at) && !hidden[at] {
				t.Errorf("config.toml does not show %s", at)
			}
		}
	}
	visit(reflect.TypeFor[Config](), "")
}

func TestTheSmallestFileHasEveryListenerItLeavesOutOff(t *testing.T) {
	got := parse(t, smallest)
	want := Default()
	want.BaseDN, want.DataDir, want.KeyFile = "dc=example,dc=org", "/etc/postern/data", "/etc/postern/postern.key"
	want.LDAP.Listen = []string{"127.0.0.1:3389"}
	compare(t, got, want)
	if got.Portal.Listen != "" || got.RADIUS.Listen != nil || got.RADIUS.AccountingListen != nil || got.LDAP.ListenTLS != nil {
		t.Errorf("a listener that was left out is on: %+v", got)
	}
	for _, line := range []string{"base_dn", "data_dir", "key_file", "listen"} {
		without := withoutLine(smallest, line)
		if _, _, err := Parse([]byte(without), ""); err == nil {
			t.Errorf("valid without %s", line)
		}
	}
}

func withoutLine(text, beginning string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, beginning) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func TestValuesAreTyped(t *testing.T) {
	c := parse(t, smallest+`
trusted_relays = ["192.0.2.7", "2001:db8::/32"]
[radius]
reject_delay = "250ms"
[tls]
key = "/run/key.pem"
[policy]
grace_until = "2027-01-31"
report_only_groups = ["*"]
report_only_until = "2027-01-31T18:00:00+02:00"
`)
	if want := netip.MustParsePrefix("192.0.2.7/32"); c.LDAP.TrustedRelays[0] != want {
		t.Errorf("an address is %v, want %v", c.LDAP.TrustedRelays[0], want)
	}
	if c.RADIUS.RejectDelay != 250*time.Millisecond {
		t.Errorf("reject_delay %v", c.RADIUS.RejectDelay)
	}
	if want := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC); !c.Policy.GraceUntil.Equal(want) {
		t.Errorf("grace_until %v, want %v", c.Policy.GraceUntil, want)
	}
	if want := time.Date(2027, 1, 31, 16, 0, 0, 0, time.UTC); !c.Policy.ReportOnlyUntil.Equal(want) {
		t.Errorf("report_only_until %v, want %v", c.Policy.ReportOnlyUntil, want)
	}
	if c.TLS.Certificate != "/etc/postern/cert.pem" || c.TLS.Key != "/run/key.pem" {
		t.Errorf("paths %+v", c.TLS)
	}
}

func TestADateWithoutQuotesMeansTheSame(t *testing.T) {
	for _, text := range []string{"2027-01-31", "2027-01-31T00:00:00", "2027-01-31T01:00:00+01:00"} {
		c := parse(t, smallest+"[policy]\ngrace_until = "+text+"\n")
		if want := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC); !c.Policy.GraceUntil.Equal(want) {
			t.Errorf("%s is %v, want %v", text, c.Policy.GraceUntil, want)
		}
	}
}

func TestAPathMayStandUnderTheCredentialsDirectory(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/postern.service")
	c := parse(t, strings.Replace(smallest, `"postern.key"`, `"$CREDENTIALS_DIRECTORY/postern.key"`, 1))
	if want := "/run/credentials/postern.service/postern.key"; c.KeyFile != want {
		t.Errorf("key_file %s, want %s", c.KeyFile, want)
	}
}

func TestLoadTakesPathsRelativeToTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "postern.toml")
	if err := os.WriteFile(path, []byte(smallest), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "data"); c.DataDir != want {
		t.Errorf("data_dir %s, want %s", c.DataDir, want)
	}
}
