package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/account"
	"postern/policy"
	"postern/secret"
)

// readDN knows names without escapes, which is enough here.
func readDN(dn string) (normal, login, group string, err error) {
	if !strings.Contains(dn, "=") {
		return "", "", "", errors.New("none")
	}
	normal = strings.ToLower(strings.ReplaceAll(dn, ", ", ","))
	if rdn, ok := strings.CutSuffix(normal, ",ou=people,dc=example,dc=org"); ok {
		login = strings.TrimPrefix(rdn, "uid=")
	}
	if rdn, ok := strings.CutSuffix(normal, ",ou=groups,dc=example,dc=org"); ok {
		group = strings.TrimPrefix(rdn, "cn=")
	}
	return normal, login, group, nil
}

func shown(login, _ string) map[string]string {
	return map[string]string{"homedirectory": "/home/" + login}
}

func (h *house) planLDIF(file string) *account.ImportPlan {
	h.t.Helper()
	p, err := h.PlanLDIF(h.t.Context(), strings.NewReader(file), account.LDIF{ReadDN: readDN, Shown: shown})
	ok(h.t, err)
	return p
}

// old is a directory as slapcat would write it, with a group before its
// members and one kept in two forms.
const old = `version: 1

dn: dc=old,dc=org
objectClass: dcObject
dc: old

dn: cn=Office,ou=teams,dc=old,dc=org
objectClass: groupOfNames
cn: Office
description: Those who are in
member: uid=bob,ou=Users,dc=old,dc=org
member: cn=all,ou=teams,dc=old,dc=org
member: uid=gone,ou=Users,dc=old,dc=org
member: uid=ann,ou=people,dc=example,dc=org

dn: uid=bob,ou=Users,dc=old,dc=org
objectClass: inetOrgPerson
objectClass: posixAccount
uid: bob
cn: Bob Example
cn: Robert
sn: Example
mail: bob@example.org
uidNumber: 20001
gidNumber: 500
homeDirectory: /home/bob
userPassword: {SSHA}vPQwEIcrzworgDdF+ah14ZMHiX8rOMNR
jpegPhoto:: /9j/
entryUUID: 6E2EF5BC-0B53-4B3A-9F4F-000000000001
pwdChangedTime: 20200101000000Z

dn: uid=carl,ou=Users,dc=old,dc=org
objectClass: account
uid: carl
userPassword: short 1
pwdAccountLockedTime: 000001010000Z
shadowExpire: 22000

dn: cn=all,ou=teams,dc=old,dc=org
objectClass: groupOfUniqueNames
cn: all
uniqueMember: uid=carl, ou=Users, dc=old, dc=org

dn: cn=posix-office,ou=teams,dc=old,dc=org
objectClass: posixGroup
cn: office
gidNumber: 700
memberUid: carl
memberUid: ann
memberUid: nobody
`

const oldPassword = "Grüße 7 Tage" // bob's

func TestADirectoryIsTakenOverFromItsLDIF(t *testing.T) {
	h := newHouse(t)
	ann := h.add("ann")
	p := h.planLDIF(old)
	if p.Added != 2 || p.Changed != 1 || !slices.Equal(p.Groups, []string{"Office", "all"}) || p.Nested != 1 || p.Passwords != 2 {
		t.Errorf("planned %+v", p)
	}
	var left []string
	for _, l := range p.Left {
		left = append(left, fmt.Sprintf("%d %s from line %d", l.Count, l.What, l.Line))
	}
	if want := []string{"1 entry from line 3", "1 second cn from line 21", "1 attribute jpegPhoto from line 28", "2 member from line 13"}; !slices.Equal(left, want) {
		t.Errorf("left out\n%q, want\n%q", left, want)
	}
	if n := h.changes(func() { ok(t, h.Prepare(t.Context(), p, 2, nil)) }); n != 0 {
		t.Error("hashing changed something")
	}
	ok(t, h.Import(t.Context(), actor, p))

	bob := h.holder(mustFind(h, "bob"))
	a, err := h.store.Account(t.Context(), bob.Account.ID)
	ok(t, err)
	if a.ID != "6e2ef5bc-0b53-4b3a-9f4f-000000000001" || a.Name != "Bob Example" || a.Mail != "bob@example.org" || a.UIDNumber != 20001 || len(a.Attributes) != 2 {
		t.Errorf("bob is %+v", a)
	}
	if !slices.Equal(bob.Groups, []string{"office"}) || strings.Contains(bob.PasswordHash.Reveal(), "SSHA") {
		t.Errorf("bob is in %q", bob.Groups)
	}
	h.decided(h.signIn("bob", secret.NewText(oldPassword)), policy.Accept, policy.ReasonPrimary)
	h.decided(h.signIn("bob", secret.NewText("another")), policy.Reject, policy.ReasonWrongSecret)

	carl := h.holder(mustFind(h, "carl"))
	if !carl.Account.Disabled || !carl.Account.ExpiresAt.Equal(time.Date(2030, 3, 27, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("carl is %+v", carl.Account)
	}
	slices.Sort(carl.Groups)
	if !slices.Equal(carl.Groups, []string{"all", "office"}) || !slices.Equal(h.holder(ann).Groups, []string{"office"}) {
		t.Errorf("carl is in %q, ann in %q", carl.Groups, h.holder(ann).Groups)
	}

	again := h.planLDIF(old)
	ok(t, h.Prepare(t.Context(), again, 1, nil))
	if again.Added+again.Changed+len(again.Groups)+again.Nested != 0 || again.Same != 3 {
		t.Errorf("again it would change %+v", again)
	}
	if n := h.changes(func() { ok(t, h.Import(t.Context(), actor, again)) }); n != 0 {
		t.Error("an import of nothing new changed something")
	}
}

func TestALaterFileChangesWhatItSaysOtherwise(t *testing.T) {
	h := newHouse(t)
	h.add("ann")
	ok(t, h.Import(t.Context(), actor, h.planLDIF(old)))
	p := h.planLDIF("dn: uid=bob,dc=x\nobjectClass: person\nuid: bob\nsn: Other\nhomeDirectory: /home/bob\nuserPassword: {SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n\n" +
		"dn: uid=carl,dc=x\nobjectClass: person\nuid: carl\nuserPassword: another 2\n")
	ok(t, h.Prepare(t.Context(), p, 1, nil))
	if what := p.Rows[0].What; !slices.Equal(what, []string{"sn", "password"}) || !slices.Equal(p.Rows[1].What, []string{"password"}) {
		t.Errorf("bob: %q, carl: %q", what, p.Rows[1].What)
	}
	ok(t, h.Import(t.Context(), actor, p))
	h.decided(h.signIn("bob", secret.NewText(oldPassword)), policy.Reject, policy.ReasonWrongSecret)
	a, err := h.store.Account(t.Context(), mustFind(h, "bob"))
	ok(t, err)
	if a.Attributes["sn"][0] != "Other" || len(a.Attributes["gidNumber"]) != 1 {
		t.Errorf("bob has %v", a.Attributes)
	}
}

// TestAPasswordRenewedAtASignInOutlivesAnotherImport: the file holds the old
// hash of it, or of one before it, and cannot tell which.
func TestAPasswordRenewedAtASignInOutlivesAnotherImport(t *testing.T) {
	h := newHouse(t)
	h.add("ann")
	ok(t, h.Import(t.Context(), actor, h.planLDIF(old)))
	ok(t, h.SetPassword(t.Context(), actor, mustFind(h, "bob"), secret.NewText("a newer password"), false))
	p := h.planLDIF(old)
	ok(t, h.Import(t.Context(), actor, p))
	h.decided(h.signIn("bob", secret.NewText("a newer password")), policy.Accept, policy.ReasonPrimary)
	if !slices.ContainsFunc(p.Left, func(l account.LeftOut) bool { return l.What == "password" }) {
		t.Errorf("it was not told: %+v", p.Left)
	}
}

func TestAnLDIFThatIsWrongNamesEntryAndLine(t *testing.T) {
	person := func(more string) string {
		return "dn: uid=bob,dc=x\nobjectClass: person\nuid: bob\n" + more + "\n\n"
	}
	for name, c := range map[string]struct{ file, want string }{
		"no DN":            {"dn: x\nuid: x\n", `line 1: "x" is not a distinguished name`},
		"not LDIF":         {"dn: uid=a\nx\n", "line 2: a line is"},
		"an entry twice":   {person("") + person(""), "line 6, uid=bob,dc=x: this entry stands in line 1 already"},
		"a login twice":    {person("") + "dn: uid=b,dc=x\nobjectClass: person\nuid: BOB\n", `line 6, uid=b,dc=x: login "BOB" stands in line 1 already`},
		"a login":          {"dn: uid=b,dc=x\nobjectClass: person\nuid: a b\n", `line 1, uid=b,dc=x: "a b" cannot be a login`},
		"a hash":           {person("userPassword: {SSHA}x"), "line 1, uid=bob,dc=x: userPassword cannot be taken over: the hash is malformed"},
		"a costly hash":    {person("userPassword: {CRYPT}$2b$31$hXksr/g1NOrUIkSpOU5jHeaepMMrcK0u3s2FkbXqBJS/Y34vvBIxa"), "more work than one sign-in may cost"},
		"two passwords":    {person("userPassword: hunter2hunter2\nuserPassword: other"), "2 values of userPassword"},
		"an app password":  {person("userPassword: " + appShape(t)), "looks like an app password"},
		"a number":         {person("uidNumber: x"), `uidNumber must be a number from 100 up, not "x"`},
		"root's number":    {person("uidNumber: 0"), "from 100 up"},
		"a number taken":   {person("uidNumber: 10000"), `uidNumber 10000 is that of "ann"`},
		"a number twice":   {person("uidNumber: 700") + "dn: uid=b,dc=x\nobjectClass: person\nuid: b\nuidNumber: 700\n", "uidNumber 700 stands in line 1 already"},
		"an expiry":        {person("posternExpires: soon"), "must be a time such as"},
		"MFA":              {person("posternMFA: maybe"), `mfa must be "on", "off" or empty`},
		"a group's name":   {"dn: cn=g,dc=x\nobjectClass: groupOfNames\ncn: a b\n", `"a b" cannot be the name of a group`},
		"a group's number": {"dn: cn=g,dc=x\nobjectClass: posixGroup\ncn: g\ngidNumber: 10000\n", `gidNumber 10000 is that of group "office"`},
		"a member":         {"dn: cn=g,dc=x\nobjectClass: groupOfNames\ncn: g\nmember: me\n", "line 4, cn=g,dc=x: the value of member is not a distinguished name"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.group("office")
			h.add("ann")
			_, err := h.PlanLDIF(t.Context(), strings.NewReader(c.file), account.LDIF{ReadDN: readDN, Shown: shown})
			var wrong *account.ImportError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats a password: %v", err)
			}
		})
	}
}

func appShape(t *testing.T) string {
	t.Helper()
	p, err := secret.NewAppPassword(zeros{}, secret.Standard)
	ok(t, err)
	return p.Reveal()
}

// zeros is randomness for a password that no one may have.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestGroupsThatWouldContainEachOtherAreRefused(t *testing.T) {
	h := newHouse(t)
	p := h.planLDIF("dn: cn=a,dc=x\nobjectClass: groupOfNames\ncn: a\nmember: cn=b,dc=x\n\ndn: cn=b,dc=x\nobjectClass: groupOfNames\ncn: b\nmember: cn=a,dc=x\n")
	if n := h.changes(func() { refused(t, h.Import(t.Context(), actor, p), account.GroupLoop) }); n != 0 {
		t.Error("it changed something")
	}
}

func TestPasswordsCanBeLeftOut(t *testing.T) {
	h := newHouse(t)
	h.add("ann")
	p, err := h.PlanLDIF(t.Context(), strings.NewReader(old), account.LDIF{ReadDN: readDN, Shown: shown, WithoutPasswords: true})
	ok(t, err)
	ok(t, h.Import(t.Context(), actor, p))
	if b := h.holder(mustFind(h, "bob")); p.Passwords != 0 || !b.PasswordHash.Empty() || !b.Account.PasswordChangedAt.IsZero() {
		t.Errorf("%d passwords, bob has one: %v", p.Passwords, !b.PasswordHash.Empty())
	}
}
