package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

const apacheConf = `ServerName localhost
ServerRoot {{.Dir}}
{{range .Modules}}LoadModule {{.}}_module /usr/lib/apache2/modules/mod_{{.}}.so
{{end}}Listen {{.Addr}}
PidFile {{.Dir}}/httpd.pid
ErrorLog {{.Dir}}/error.log
LogLevel info
DefaultRuntimeDir {{.Dir}}
Mutex file:{{.Dir}} default
{{if .Root}}User www-data
Group www-data
{{end}}DocumentRoot {{.Dir}}/www
LDAPCacheEntries 0
LDAPOpCacheEntries 0
`

// apacheDirectory begins a directory, which takes over none of these settings
// from the one above it.
const apacheDirectory = `<Directory {{.Dir}}/www/%s>
  AuthType Basic
  AuthName "staff"
  AuthBasicProvider ldap
  AuthLDAPURL "ldap://{{.LDAP}}/ou=people,dc=example,dc=org?uid?sub?(objectClass=inetOrgPerson)"
  AuthLDAPBindDN "cn=reader,ou=system,dc=example,dc=org"
  AuthLDAPBindPassword "{{.Reader}}"
  %s
</Directory>
`

// Modules are what Apache has to load; the first decides how it works.
func (a *app) Modules() []string {
	return []string{"mpm_event", "authn_core", "authz_core", "auth_basic", "ldap", "authnz_ldap"}
}

// apacheWays are the ways in which Apache asks for a membership.
var apacheWays = map[string]string{
	"group": "Require ldap-group cn=staff,ou=groups,dc=example,dc=org",
	"posix": "AuthLDAPGroupAttribute memberUid\n  AuthLDAPGroupAttributeIsDN off\n" +
		"  Require ldap-group cn=staff,ou=groups,dc=example,dc=org",
	"filter": "Require ldap-filter memberOf=cn=staff,ou=groups,dc=example,dc=org",
	"dn":     "Require ldap-dn uid=ann,ou=people,dc=example,dc=org",
}

// TestApacheLetsMembersOfAGroupInByAppPassword tries every way in which Apache
// asks for a membership: by Compare on member and on memberUid, and by a search.
func TestApacheLetsMembersOfAGroupInByAppPassword(t *testing.T) {
	needs(t, "apache2")
	w := newAppWorld(t)
	_, carl := w.addPerson(t, "carl") // in no group
	a := newApp(t, w)
	conf := apacheConf
	for way, settings := range apacheWays {
		conf += fmt.Sprintf(apacheDirectory, way, settings)
		dir := filepath.Join(a.Dir, "www", way)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "page"), []byte("for staff"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a.run("apache2", "-D", "FOREGROUND", "-f", a.write("httpd.conf", conf))
	for _, way := range []string{"group", "posix", "filter"} {
		for name, c := range w.cases() {
			if in, status := fetch(t, "http://"+a.Addr+"/"+way+"/page", c.login, c.password); in != c.in {
				t.Errorf("%s, %s: let in is %v, want %v: %s", way, name, in, c.in, status)
			}
		}
		if in, status := fetch(t, "http://"+a.Addr+"/"+way+"/page", "carl", carl.Reveal()); in {
			t.Errorf("%s: who is in no group is let in: %s", way, status)
		}
	}
	for login, c := range map[string]struct {
		password string
		in       bool
	}{"ann": {w.annApp, true}, "bob": {w.bobPrimary, false}} {
		if in, status := fetch(t, "http://"+a.Addr+"/dn/page", login, c.password); in != c.in {
			t.Errorf("ldap-dn: %s is let in is %v, want %v: %s", login, in, c.in, status)
		}
	}
}

// fetch asks for a page with HTTP's Basic authentication.
func fetch(t *testing.T, url, login, password string) (in bool, status string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(login, password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusUnauthorized:
	default:
		t.Errorf("%s for %s: %s", url, login, resp.Status)
	}
	return resp.StatusCode == http.StatusOK, resp.Status
}
