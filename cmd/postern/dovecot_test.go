package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const dovecotConf = `base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/run
log_path = {{.Dir}}/dovecot.log
protocols = imap
listen = {{.Host}}
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
auth_verbose = yes
auth_mechanisms = plain
mail_location = maildir:~/Maildir
first_valid_uid = 1
{{if not .Root}}default_internal_user = {{.User}}
default_login_user = {{.User}}
default_internal_group = {{.Group}}
service stats {
  chroot =
}
{{end}}service anvil {
  {{if not .Root}}chroot ={{end}}
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  {{if not .Root}}chroot ={{end}}
  inet_listener imap {
    port = {{.Port}}
  }
  inet_listener imaps {
    port = 0
  }
}
passdb {
  driver = ldap
  args = {{.Dir}}/ldap.conf.ext
}
userdb {
  driver = static
  args = uid={{if .Root}}nobody{{else}}{{.User}}{{end}} gid={{if .Root}}nogroup{{else}}{{.Group}}{{end}} home={{.Dir}}/mail/%n
}
`

// dovecotLDAP are the two ways of docs/apps/dovecot.md.
var dovecotLDAP = map[string]string{
	"the name by a template": `uris = ldap://{{.LDAP}}
base = ou=people,dc=example,dc=org
auth_bind = yes
auth_bind_userdn = uid=%n,ou=people,dc=example,dc=org
`,
	"the name by a search": `uris = ldap://{{.LDAP}}
dn = cn=reader,ou=system,dc=example,dc=org
dnpass = {{.Reader}}
base = ou=people,dc=example,dc=org
auth_bind = yes
pass_filter = (&(objectClass=inetOrgPerson)(uid=%n))
pass_attrs = uid=user
`,
}

// TestAMailClientOfDovecotsNeedsAnAppPasswordWhereMFAIsOn is the first picture
// of the whole: a mail client, an account with MFA, an app password.
func TestAMailClientOfDovecotsNeedsAnAppPasswordWhereMFAIsOn(t *testing.T) {
	needs(t, "dovecot")
	w := newAppWorld(t)
	for way, ldap := range dovecotLDAP {
		t.Run(way, func(t *testing.T) {
			a := newApp(t, w)
			a.write("ldap.conf.ext", ldap)
			conf := a.write("dovecot.conf", dovecotConf)
			mail := filepath.Join(a.Dir, "mail")
			if err := os.Mkdir(mail, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(mail, 0o777); err != nil { // whatever the umask is
				t.Fatal(err)
			}
			a.run("dovecot", "-F", "-c", conf)
			for name, c := range w.cases() {
				if in, answer := imapLogin(t, a.Addr, c.login, c.password); in != c.in {
					t.Errorf("%s: the mail client is let in is %v, want %v: %s", name, in, c.in, answer)
				}
			}
		})
	}
}

// imapLogin signs in as a mail client does (RFC 9051 §6.2.3), and where it is
// let in looks into the mailbox.
func imapLogin(t *testing.T, addr, login, password string) (in bool, answer string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(conn)
	said := func(tag string) string {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("the mail server said %q and then: %v", line, err)
			}
			if strings.HasPrefix(line, tag+" ") {
				return strings.TrimSpace(line)
			}
		}
	}
	said("*")
	_, _ = fmt.Fprintf(conn, "a LOGIN %s %s\r\n", login, strconv.Quote(password)) // said reports it
	if answer = said("a"); !strings.HasPrefix(answer, "a OK") {
		if !strings.Contains(answer, "AUTHENTICATIONFAILED") {
			t.Errorf("it is refused for another reason: %s", answer)
		}
		return false, answer
	}
	_, _ = fmt.Fprintf(conn, "b SELECT INBOX\r\n")
	if box := said("b"); !strings.HasPrefix(box, "b OK") {
		t.Errorf("let in, it sees no mailbox: %s", box)
	}
	return true, answer
}
