package people

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"

	"postern/secret"
)

// LDIF writes n accounts for slapd: each app password is a value of
// userPassword.
func LDIF(w io.Writer, n int) error {
	b := bufio.NewWriterSize(w, 1<<20)
	fmt.Fprintf(b, "dn: %s\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n", Base)
	fmt.Fprintf(b, "dn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n\n", Base)
	for i := range n {
		login := Login(i)
		fmt.Fprintf(b, "dn: %s\nobjectClass: inetOrgPerson\nuid: %s\ncn: Person %s\nsn: %s\nmail: %s@example.org\n", DN(i), login, login, login, login)
		for j := range PerAccount {
			fmt.Fprintf(b, "userPassword: {SSHA}%s\n", base64.StdEncoding.EncodeToString(salted(i, j)))
		}
		fmt.Fprintln(b)
	}
	return b.Flush()
}

// Users writes n accounts for the files module of FreeRADIUS, which knows one
// password of each: its first app password.
func Users(w io.Writer, n int) error {
	b := bufio.NewWriterSize(w, 1<<20)
	for i := range n {
		fmt.Fprintf(b, "%s SSHA-Password := 0x%x\n", Login(i), salted(i, 0))
	}
	return b.Flush()
}

// NTUser writes one account for the files module of FreeRADIUS with what
// MS-CHAPv2 needs of its password: the NT hash.
func NTUser(w io.Writer, login, password string) error {
	if _, err := fmt.Fprintf(w, "%s NT-Password := 0x%x\n", login, secret.NTHash(secret.NewText(password))); err != nil {
		return fmt.Errorf("writing an account: %w", err)
	}
	return nil
}
