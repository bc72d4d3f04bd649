package people_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"postern/bench/people"
	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// TestPeopleAreTheSameAndNoTwoAlike: servers are compared with the same people,
// in every run.
func TestPeopleAreTheSameAndNoTwoAlike(t *testing.T) {
	for what, pair := range map[string][2]string{
		"name":       {people.DN(3), "uid=u0000003,ou=people,dc=example,dc=org"},
		"password":   {people.Password(3, 1), "aniindwaebbbqtforgrwlgyna"},
		"id":         {people.ID(3, 1), "69009f1f-6f6c-47e1-bbd5-c151b621376a"},
		"account id": {people.ID(3, -1), "d37cfe1a-bd94-4526-afb4-187b95a722d4"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("the %s of person 3 is %s, and was %s", what, pair[0], pair[1])
		}
	}
	seen := map[string]string{}
	for i := range 50 {
		for j := range people.PerAccount {
			password := people.Password(i, j)
			if !secret.HasAppPasswordShape(secret.NewText(password)) {
				t.Errorf("%q has not the shape of an app password", password)
			}
			for _, s := range []string{password, people.ID(i, j), people.ID(i, -1) + " of an account"} {
				if who, taken := seen[s]; taken && who != people.Login(i) {
					t.Errorf("%s is %s's and %s's", s, who, people.Login(i))
				}
				seen[s] = people.Login(i)
			}
		}
	}
}

// matches reports whether a salted digest is of the password.
func matches(digest []byte, password string) bool {
	if len(digest) <= sha1.Size {
		return false
	}
	sum := sha1.Sum(append([]byte(password), digest[sha1.Size:]...))
	return bytes.Equal(sum[:], digest[:sha1.Size])
}

func TestTheLDIFHoldsEveryPassword(t *testing.T) {
	const n = 20
	var out bytes.Buffer
	if err := people.LDIF(&out, n); err != nil {
		t.Fatal(err)
	}
	entries := strings.Split(strings.TrimSpace(out.String()), "\n\n")[2:] // behind the base and its unit
	if len(entries) != n {
		t.Fatalf("%d people, want %d", len(entries), n)
	}
	for i, entry := range entries {
		if !strings.HasPrefix(entry, "dn: "+people.DN(i)+"\n") {
			t.Errorf("entry %d begins with %.60q", i, entry)
		}
		values := strings.Split(entry, "userPassword: {SSHA}")[1:]
		for j := range people.PerAccount {
			digest, err := base64.StdEncoding.DecodeString(strings.TrimSpace(values[j]))
			if err != nil || !matches(digest, people.Password(i, j)) {
				t.Errorf("value %d of person %d is not the digest of its password, %v", j, i, err)
			}
		}
	}
}

func TestTheUsersFileHoldsTheFirstPassword(t *testing.T) {
	var out bytes.Buffer
	if err := people.Users(&out, 20); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		login, digest, _ := strings.Cut(line, " SSHA-Password := 0x")
		b, err := hex.DecodeString(digest)
		if err != nil || login != people.Login(i) || !matches(b, people.Password(i, 0)) {
			t.Errorf("line %d is %q", i, line)
		}
	}
}

// TestTheStoreKnowsEveryPassword asks as an attempt does, digest and name.
func TestTheStoreKnowsEveryPassword(t *testing.T) {
	dir := t.TempDir()
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := secret.CreateKeyFile(keyFile, rand.Reader); err != nil {
		t.Fatal(err)
	}
	const n = 25
	if err := people.Store(t.Context(), dir, keyFile, n); err != nil {
		t.Fatal(err)
	}
	keys, err := secret.OpenKeyFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	engine := policy.NewEngine(policy.EngineConfig{Records: db, Keys: keys, Recorder: unrecorded{}})
	engine.SetRules(&policy.Rules{})
	for i := range n {
		for j := range people.PerAccount {
			d := engine.Authenticate(context.Background(), policy.Attempt{
				Login: people.Login(i), Secret: secret.NewText(people.Password(i, j)), Client: policy.Client{Protocol: policy.LDAP},
			})
			if d.Outcome != policy.Accept || d.Credential != people.ID(i, j) {
				t.Errorf("password %d of person %d: %v, %q", j, i, d.Outcome, d.Reason)
			}
		}
	}
}

type unrecorded struct{}

func (unrecorded) Record(directory.Event) {}
func (unrecorded) Used(policy.Use)        {}
