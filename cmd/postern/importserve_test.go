package main

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/account"
	"postern/ldapsrv/wire"
)

// importedPassword is that of everybody whom writePeople writes.
const importedPassword = "Grüße 7 Tage"

// kept is its hash as crypt(3) makes it, which is kept as it is.
const kept = "{CRYPT}$6$s8pQFjXDA0T.gZC7$facwP9Od15ZN0SxLkD7mSMySLREWVhUjALM2RC5vJlkuKW9UizrgHPbYIKyLQ9Stwz9W40u0WCgH3c1UCiaQ9."

// fast is its hash with a salt that the number makes, which has to be wrapped.
func fast(i int) string {
	salt := fmt.Sprintf("%08d", i)
	sum := sha1.Sum([]byte(importedPassword + salt))
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

// TestSignInsGoOnDuringAnImport imports POSTERN_IMPORT_ACCOUNTS people with
// hashed passwords, by default 1000, from LDIF, while others sign in all the
// time with an app password, and one revokes app passwords: nobody is refused.
// It prints how long the import took.
func TestSignInsGoOnDuringAnImport(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("POSTERN_IMPORT_ACCOUNTS"))
	if err != nil {
		n = 1000
	}
	t.Run("hashes that are kept", func(t *testing.T) {
		signInDuringImport(t, n, func(int) string { return kept })
	})
	t.Run("hashes that are wrapped", func(t *testing.T) {
		r, said := signInDuringImport(t, n, fast)
		if want := fmt.Sprintf("%d fast password hashes are sealed", n); !strings.Contains(said, want) {
			t.Fatalf("the import does not say %q:\n%s", want, said)
		}
		until := time.Now().Add(3 * time.Minute)
		for left := n; left >= n-2; time.Sleep(50 * time.Millisecond) { // two have signed in, which wraps theirs
			if time.Now().After(until) {
				t.Fatalf("of %d sealed hashes %d are left: none is wrapped by the server", n, left)
			}
			if left, err = r.site.store.SealedCount(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func signInDuringImport(t *testing.T, n int, password func(i int) string) (r *running, said string) {
	r = start(t)
	people := r.env.accountsOf(r.site)
	id, _ := r.addPerson(t, "ann")
	app, err := people.Issue(t.Context(), "cli:test", id, account.Request{Label: "mail"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "people.ldif")
	writePeople(t, file, n, password)

	ctx, end := context.WithCancel(context.Background())
	defer end()
	var work sync.WaitGroup
	var signIns, revokes int
	work.Go(func() {
		for ; signIns == 0 || ctx.Err() == nil; signIns++ {
			code, err := simpleBind(context.Background(), r.address("ldap.listen"), "uid=ann,ou=people,dc=example,dc=org", app.Secret.Reveal())
			if err != nil || code != wire.Success {
				t.Errorf("a sign-in during the import: %v, %v", code, err)
				return
			}
		}
	})
	work.Go(func() {
		for ; revokes == 0 || ctx.Err() == nil; revokes++ {
			other, err := people.Issue(context.Background(), "cli:test", id, account.Request{Label: "other"})
			if err == nil {
				_, err = people.Revoke(context.Background(), "cli:test", id, other.AppPassword.ID)
			}
			if err != nil {
				t.Errorf("issuing and revoking during the import: %v", err)
				return
			}
		}
	})
	began := time.Now()
	code, stdout, stderr := cli(t, "user", "import", file, "--config", r.env.configPath)
	took := time.Since(began)
	end()
	work.Wait()
	if code != 0 || stdout != "" || !strings.Contains(stderr, fmt.Sprintf("imported: %d accounts added", n)) {
		t.Fatalf("exit %d, %s%s", code, stdout, stderr)
	}
	t.Logf("%d people were imported in %v; meanwhile %d sign-ins and %d revocations", n, took, signIns, revokes)
	for _, login := range []string{"user0", "user" + strconv.Itoa(n-1)} {
		if code := r.bind(t, login, importedPassword); code != wire.Success {
			t.Errorf("%s cannot sign in with the password of the file: %v", login, code)
		}
	}
	return r, stderr
}

// writePeople writes n people with one password, as another directory kept it,
// in groups of a hundred.
func writePeople(t *testing.T, path string, n int, password func(i int) string) {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "dn: uid=user%d,ou=Users,dc=old,dc=org\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: user%d\n"+
			"cn: Some Body %d\nsn: Body %d\ngivenName: Some\nmail: user%d@example.org\nuidNumber: %d\ngidNumber: 500\nhomeDirectory: /srv/user%d\n"+
			"telephoneNumber: +49 1 %d\nuserPassword: %s\n\n",
			i, i, i, i, i, 20000+i, i, i, password(i))
	}
	for g := range (n + 99) / 100 {
		fmt.Fprintf(&b, "dn: cn=team%d,ou=Groups,dc=old,dc=org\nobjectClass: groupOfNames\ncn: team%d\n", g, g)
		for i := g * 100; i < min(n, g*100+100); i++ {
			fmt.Fprintf(&b, "member: uid=user%d,ou=Users,dc=old,dc=org\n", i)
		}
		b.WriteByte('\n')
	}
	rewriteFile(t, path, b.String())
}
