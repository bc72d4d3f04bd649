package ldapsrv_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"postern/directory"
	"postern/ldapsrv"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// The oracle is Debian's slapd, started by the test with the very entries that
// Postern shows. Both are asked the same, and must answer the same: result
// code, matchedDN, and the entries with their attributes. Where they are meant
// to differ, the table of differences says why.

const oracleBase = "dc=example,dc=org"

// pair is both servers, each with a connection.
type pair struct {
	ours, slapd     *ldap.Conn
	oursAt, slapdAt string
}

// newPair starts both, with the same entries.
func newPair(t *testing.T) *pair {
	t.Helper()
	db := openStore(t)
	fill(t, db)
	p := &pair{oursAt: "ldap://" + startOurs(t, db)}
	p.ours = dialAs(t, p.oursAt)
	p.slapdAt = startSlapd(t, p.ours)
	p.slapd = dial(t, p.slapdAt)
	return p
}

// dialAs connects to ours and binds.
func dialAs(t testing.TB, url string) *ldap.Conn {
	t.Helper()
	c := dial(t, url)
	if err := c.Bind("cn=oracle,ou=system,"+oracleBase, "x"); err != nil {
		t.Fatal(err)
	}
	return c
}

// maxDifferences is how many differences may be meant, in all.
const maxDifferences = 20

// nameless accepts everybody as the service account that may read everything.
type nameless struct{}

func (nameless) Authenticate(context.Context, policy.Attempt) policy.Decision {
	return policy.Decision{Outcome: policy.Accept, Account: "x", Login: "oracle"}
}
func (nameless) Entitled(context.Context, policy.Grant) (bool, error) { return true, nil }

// startOurs serves a storage of its own.
func startOurs(t testing.TB, db *store.Store) string {
	t.Helper()
	return serveWith(t, func(c *ldapsrv.Config) { c.Directory = db })
}

// serveWith serves everything to a service account, with changes.
func serveWith(t testing.TB, change func(*ldapsrv.Config)) string {
	t.Helper()
	keys, err := secret.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	c := ldapsrv.Config{
		BaseDN: oracleBase, Authenticator: nameless{}, Entitler: nameless{}, Cookies: keys,
		Made: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC),
		Rules: ldapsrv.Rules{CleartextBind: ldapsrv.CleartextLoopback, ServiceAccounts: []ldapsrv.ServiceAccount{
			{Name: "oracle", Read: []string{""}, Attributes: []string{"*"}},
		}},
	}
	change(&c)
	srv, err := ldapsrv.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, ln, ldapsrv.ListenerOptions{}) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	return ln.Addr().String()
}

// openStore makes a storage that is closed when the test ends.
func openStore(t testing.TB) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func newID(t testing.TB) string {
	t.Helper()
	id, err := directory.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// fill puts people and groups with all sorts of names into db.
func fill(t testing.TB, db *store.Store) {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	im := policy.Import{}
	for i := range 12 {
		im.Groups = append(im.Groups, directory.Group{ID: newID(t), Name: fmt.Sprintf("group%d", i), Description: []string{"", "Of All Sorts", "sort of"}[i%3],
			CreatedAt: at, ModifiedAt: at.Add(time.Duration(i) * time.Hour)})
	}
	names := []string{"Ann Lee", "Bob  Lee", "Carl Gustav Møller", "Dörte Straße", "", "Eve O'Neil", "ann lee", "Zoë, \"Z\" (Lee)"}
	for i := range 60 {
		login := fmt.Sprintf("user%02d", i)
		a := directory.Account{ID: newID(t), Login: login, Name: names[i%len(names)], Mail: login + "@Example.org",
			CreatedAt: at.Add(time.Duration(i) * time.Minute), ModifiedAt: at.Add(time.Duration(i) * 24 * time.Hour)}
		if i%3 == 0 {
			a.Attributes = map[string][]string{"telephoneNumber": {"+1 555 01" + strconv.Itoa(i)}, "title": {"Dr.", "Prof. " + login}}
		}
		if i%5 == 0 {
			a.Attributes = map[string][]string{"givenName": {"G" + login}, "loginShell": {"/bin/Bash"}, "employeeNumber": {strconv.Itoa(i)}}
		}
		if i%7 == 0 {
			a.Mail = ""
		}
		im.Add = append(im.Add, policy.Holder{Account: a, Groups: []string{fmt.Sprintf("group%d", i%12), fmt.Sprintf("group%d", i*7%12)}})
	}
	ev := directory.Event{ID: newID(t), At: at, LastAt: at, Count: 1, Kind: directory.EventAccountsImported}
	if err := db.ImportAccounts(t.Context(), im, ev); err != nil {
		t.Fatal(err)
	}
	for _, p := range [][2]int{{0, 1}, {1, 2}, {5, 2}} {
		ev.ID = newID(t)
		m := directory.Member{Group: true, ID: im.Groups[p[1]].ID}
		if _, err := db.SetMember(t.Context(), im.Groups[p[0]].ID, m, true, ev); err != nil {
			t.Fatal(err)
		}
	}
}

// compared are the attributes that both have and keep alike.
var compared = []string{"objectClass", "uid", "cn", "sn", "mail", "uidNumber", "gidNumber", "homeDirectory", "loginShell", "description",
	"member", "uniqueMember", "memberUid", "ou", "dc", "o", "telephoneNumber", "title", "givenName", "employeeNumber",
	"entryUUID", "entryDN", "createTimestamp", "modifyTimestamp", "structuralObjectClass", "hasSubordinates", "subschemaSubentry"}

// loaded are those that slapd does not make itself.
var loaded = slices.DeleteFunc(slices.Clone(compared), func(name string) bool {
	return name == "entryDN" || name == "hasSubordinates" || name == "subschemaSubentry" || name == "structuralObjectClass"
})

// startSlapd runs slapd with the entries that ours shows.
func startSlapd(t *testing.T, ours *ldap.Conn) string {
	t.Helper()
	for _, program := range []string{"slapd", "slapadd"} {
		if _, err := exec.LookPath("/usr/sbin/" + program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed: make deps installs it", program)
			}
			t.Skipf("%s is not installed: make deps installs it", program)
		}
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	// A group is of three kinds at once, which slapd's schema has as
	// structural ones that exclude each other, and it may be empty.
	auxiliary := func(text, class string) string {
		return regexp.MustCompile(`(?s)(NAME '`+class+`'.{0,120}?)STRUCTURAL`).ReplaceAllString(text, "${1}AUXILIARY")
	}
	core := auxiliary(readSchema(t, "core"), "groupOfUniqueNames")
	core = regexp.MustCompile(`MUST \( (member|uniqueMember) \$ cn \)\s+MAY \(`).ReplaceAllString(core, "MUST cn MAY ( $1 $$")
	nis := auxiliary(readSchema(t, "nis"), "posixGroup")
	conf := write("slapd.conf", strings.Join([]string{
		"include " + write("core.schema", core), "include /etc/ldap/schema/cosine.schema", "include " + write("nis.schema", nis),
		"include /etc/ldap/schema/inetorgperson.schema", "pidfile " + filepath.Join(dir, "pid"), "modulepath /usr/lib/ldap", "moduleload back_mdb",
		"sizelimit unlimited", "database mdb", `suffix "` + oracleBase + `"`, "directory " + filepath.Join(dir, "db"), "maxsize 67108864",
		"access to * by * read", "",
	}, "\n"))
	ldif := write("all.ldif", ldifOf(t, ours))
	if out, err := exec.CommandContext(t.Context(), "/usr/sbin/slapadd", "-q", "-f", conf, "-l", ldif).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	return runSlapd(t, conf)
}

func readSchema(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("/etc/ldap/schema/" + name + ".schema")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ldifOf writes all entries, parents first.
func ldifOf(t *testing.T, ours *ldap.Conn) string {
	t.Helper()
	all, err := ours.Search(ldap.NewSearchRequest(oracleBase, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=*)", loaded, nil))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range all.Entries {
		fmt.Fprintf(&b, "dn: %s\n", e.DN)
		for _, a := range e.Attributes {
			for _, v := range a.Values {
				fmt.Fprintf(&b, "%s: %s\n", a.Name, v)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// runSlapd runs slapd on a socket of the file system, which nobody else can
// take, until the test ends.
func runSlapd(t *testing.T, conf string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	cmd := exec.Command("/usr/sbin/slapd", "-f", conf, "-h", "ldapi://"+strings.ReplaceAll(socket, "/", "%2F"), "-d", "0")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed in the end
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	})
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("slapd ended: %s", said.String())
		default:
		}
		if c, err := net.Dial("unix", socket); err == nil {
			_ = c.Close()
			return "ldapi://" + socket
		}
	}
	t.Fatalf("slapd does not answer within %s", patience)
	return ""
}

// patience bounds the wait for what must come.
const patience = time.Minute

func dial(t testing.TB, url string) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c.SetTimeout(patience)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
