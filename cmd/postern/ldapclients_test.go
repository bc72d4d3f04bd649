package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"postern"
	"postern/account"
	"postern/directory"
	"postern/policy"
)

// town is a server with 2 000 people and 50 groups, as clients meet it.
type town struct {
	*running
	url       string
	passwords map[string]string // of ann, bob and eve, and of the service accounts
	mailApp   string            // an app password of ann for the service "mail"
}

const (
	townPeople = 2000
	townGroups = 50
)

// newTown serves the demonstration's configuration with more of it.
func newTown(t *testing.T, ldapKeys string) *town {
	t.Helper()
	needs(t, "ldapsearch", "ldapcompare", "ldappasswd", "ldapwhoami")
	dir := t.TempDir()
	text := strings.Replace(demoConfig, "[ldap]\n", "[ldap]\n"+ldapKeys, 1)
	text = strings.Replace(text, "[[service]]\n", `[[service]]
name = "web"
ldap_base = "app=web"

[[service_account]]
name = "reader"
networks = ["127.0.0.0/8"]

[[service_account]]
name = "narrow"
networks = ["127.0.0.0/8"]
read = ["ou=people"]
attributes = ["uid", "mail"]

[[service]]
`, 1)
	rewriteFile(t, filepath.Join(dir, "config.toml"), text)
	r := open(t, dir)
	w := &town{running: r, passwords: map[string]string{}}
	w.settle(t)
	r.run(t)
	w.url = "ldap://" + r.address("ldap.listen")
	return w
}

// settle fills the town: person i is in group i mod 50, all of group 1 is in
// group 0, and group 0 in group 2.
func (w *town) settle(t *testing.T) {
	t.Helper()
	people := w.env.accountsOf(w.site)
	im := policy.Import{}
	now := w.env.now()
	for i := range townGroups {
		im.Groups = append(im.Groups, directory.Group{ID: townID(t), Name: fmt.Sprintf("group%02d", i), CreatedAt: now, ModifiedAt: now})
	}
	for i := range townPeople {
		login := fmt.Sprintf("user%04d", i)
		im.Add = append(im.Add, policy.Holder{Groups: []string{fmt.Sprintf("group%02d", i%townGroups)}, Account: directory.Account{
			ID: townID(t), Login: login, Name: "Person Number" + login[4:], Mail: login + "@example.org", CreatedAt: now, ModifiedAt: now,
		}})
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(w.site.store.ImportAccounts(t.Context(), im, directory.Event{ID: townID(t), At: now, LastAt: now, Count: 1, Kind: directory.EventAccountsImported}))
	for _, pair := range [][2]string{{"group00", "group01"}, {"group02", "group00"}} {
		inner, err := people.GroupMember(t.Context(), pair[1])
		ok(err)
		_, err = people.AddMember(t.Context(), "cli:test", pair[0], inner)
		ok(err)
	}
	for _, login := range []string{"ann", "bob", "eve"} {
		id, password := w.addPerson(t, login)
		w.passwords[login] = password.Reveal()
		ok(people.Set(t.Context(), "cli:test", id, account.Fields{Name: ptr(strings.ToUpper(login[:1]) + login[1:] + " Lee"), Mail: ptr(login + "@example.org")}))
		member, err := people.PersonMember(t.Context(), login)
		ok(err)
		_, err = people.AddMember(t.Context(), "cli:test", "group01", member)
		ok(err)
		if login == "eve" {
			ok(people.MFAOn(t.Context(), "cli:test", id))
		}
		if login == "ann" {
			issued, err := people.Issue(t.Context(), "cli:test", id, account.Request{Label: "web", Services: []string{"web"}})
			ok(err)
			w.mailApp = issued.Secret.Reveal()
		}
	}
	for _, name := range []string{"reader", "narrow"} {
		issued, err := people.ServiceAccountSecret(t.Context(), "cli:test", name)
		ok(err)
		w.passwords[name] = issued.Secret.Reveal()
	}
}

func ptr[T any](v T) *T { return &v }

func townID(t *testing.T) string {
	t.Helper()
	id, err := directory.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

const townBase = "dc=example,dc=org"

func personName(login string) string { return "uid=" + login + ",ou=people," + townBase }
func groupName(name string) string   { return "cn=" + name + ",ou=groups," + townBase }

// as are the arguments that bind as a person or a service account.
func (w *town) as(name string) []string {
	dn := personName(name)
	if name == "reader" || name == "narrow" {
		dn = "cn=" + name + ",ou=system," + townBase
	}
	return []string{"-x", "-H", w.url, "-D", dn, "-w", w.passwords[name]}
}

// client runs an LDAP client and returns its exit code and what it printed.
func (w *town) client(t *testing.T, program string, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "LDAPNOINIT=1")
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), printed.String()
}

// search returns what ldapsearch prints, without folded lines.
func (w *town) search(t *testing.T, who string, args ...string) (code int, out string) {
	t.Helper()
	all := append([]string{"-LLL", "-o", "ldif-wrap=no"}, w.as(who)...)
	return w.client(t, "ldapsearch", append(all, args...)...)
}

// names are the logins and group names of the entries printed, sorted.
func names(out string) (list []string) {
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(line, "dn: "); ok {
			rdn, _, _ := strings.Cut(name, ",")
			_, value, _ := strings.Cut(rdn, "=")
			list = append(list, value)
		}
	}
	slices.Sort(list)
	return list
}

// values are those of an attribute, in the order printed.
func values(out, attribute string) (list []string) {
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), attribute+": "); ok {
			list = append(list, v)
		}
	}
	return list
}

func TestApplicationsFindPeopleAndGroups(t *testing.T) {
	w := newTown(t, "")
	for _, c := range []struct {
		name, filter string
		want         []string
	}{
		{"by login", "(uid=USER0042)", []string{"user0042"}},
		{"by mail or login", "(|(uid=user0042@example.org)(mail=User0042@Example.org))", []string{"user0042"}},
		{"by a part of the name", "(cn=*number004*)", []string{"user0040", "user0041", "user0042", "user0043", "user0044", "user0045", "user0046", "user0047", "user0048", "user0049"}},
		{"as nslcd looks for groups", "(&(objectClass=posixGroup)(|(memberUid=user0042)(member=" + personName("user0042") + ")))", []string{"group42"}},
		{"as Apache looks for groups", "(uniqueMember=" + personName("bob") + ")", []string{"group01"}},
		{"by membership", "(&(memberOf=" + groupName("group01") + ")(uid=*b*))", []string{"bob"}},
		{"not by nesting where memberOf is direct", "(&(memberOf=" + groupName("group00") + ")(uid=bob))", nil},
		{"as Keycloak reads", "(&(objectClass=*)(uidNumber>=10000)(uid=ann))", []string{"ann"}},
		{"by what is not known", "(|(shoeSize=42)(uid=ann))", []string{"ann"}},
		{"by no secret", "(|(userPassword=*)(!(userPassword=x)))", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := w.search(t, "reader", "-b", townBase, c.filter, "1.1")
			if got := names(out); code != 0 || !slices.Equal(got, c.want) {
				t.Errorf("%s finds %v with %d, want %v", c.filter, got, code, c.want)
			}
		})
	}
}

func TestPagedReadsAreComplete(t *testing.T) {
	w := newTown(t, "")
	const all = townPeople + townGroups + 3 + 3 // ann, bob and eve; the base, ou=people and ou=groups
	for _, args := range [][]string{
		{"-b", townBase, "(objectClass=*)", "1.1"},
		{"-b", townBase, "-E", "pr=100/noprompt", "(objectClass=*)", "1.1"},
		{"-b", "", "-E", "!pr=997/noprompt", "(objectClass=*)", "*", "+"},
		{"-b", townBase, "-E", "!sss=-uid", "-E", "pr=333/noprompt", "(objectClass=*)", "1.1"},
	} {
		code, out := w.search(t, "reader", args...)
		got := names(out)
		if whole := len(got); code != 0 || whole != all || len(slices.Compact(got)) != all { // no two share a name
			t.Errorf("ldapsearch %q finds %d entries with %d, want %d", args, whole, code, all)
		}
	}
	_, out := w.search(t, "reader", "-b", townBase, "-E", "!sss=-uidNumber", "-z", "3", "(objectClass=posixAccount)", "uid")
	if got := values(out, "uid"); !slices.Equal(got, []string{"eve", "bob", "ann"}) {
		t.Errorf("by uidNumber, backwards, there are %v", got)
	}
}

func TestEntriesShowWhatApplicationsLookFor(t *testing.T) {
	w := newTown(t, "")
	_, out := w.search(t, "reader", "-b", personName("ann"), "-s", "base", "*", "+")
	for _, want := range []string{
		"objectClass: inetOrgPerson", "objectClass: posixAccount", "uid: ann", "cn: Ann Lee", "sn: Lee", "mail: ann@example.org",
		"homeDirectory: /home/ann", "gidNumber: 100", "memberOf: " + groupName("group01"), "entryDN: " + personName("ann"),
		"structuralObjectClass: inetOrgPerson", "hasSubordinates: FALSE", "subschemaSubentry: cn=Subschema",
	} {
		if !strings.Contains(out, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	for _, never := range []string{"assword:", "argon2", "$"} {
		if strings.Contains(out, never) {
			t.Errorf("%q is in\n%s", never, out)
		}
	}
	_, out = w.search(t, "reader", "-b", groupName("group00"), "-s", "base", "member", "memberUid", "modifyTimestamp")
	if got := len(values(out, "member")); got != 41 || !strings.Contains(out, "member: "+groupName("group01")) {
		t.Errorf("group00 has %d members, want 40 people and group01", got)
	}
	if got := len(values(out, "memberUid")); got != 40 {
		t.Errorf("group00 has %d values of memberUid, want 40", got)
	}
	if _, out = w.search(t, "reader", "-b", "ou=people,"+townBase, "-s", "base", "numSubordinates"); !strings.Contains(out, "numSubordinates: 2003\n") {
		t.Errorf("ou=people shows %s", out)
	}
	if _, out = w.search(t, "reader", "-b", "cn=Subschema", "-s", "base", "(objectClass=subschema)", "+"); len(values(out, "attributeTypes")) < 80 || len(values(out, "objectClasses")) < 15 {
		t.Errorf("the subschema is\n%s", out)
	}
}

func TestWhoMayReadWhat(t *testing.T) {
	w := newTown(t, "readers = [\"group03\"]\n")
	anonymous := []string{"-x", "-LLL", "-H", w.url}
	if code, out := w.client(t, "ldapsearch", append(anonymous, "-b", "", "-s", "base", "+")...); code != 0 || !strings.Contains(out, "namingContexts: "+townBase) {
		t.Errorf("without a bind, the root DSE is %d %s", code, out)
	}
	if code, out := w.client(t, "ldapsearch", append(anonymous, "-b", townBase)...); code != 32 || strings.Contains(out, "dn:") {
		t.Errorf("without a bind, the base is %d %s", code, out)
	}
	for _, c := range []struct {
		who, base, filter string
		code              int
		want              []string
	}{
		{"ann", townBase, "(uid=*)", 0, []string{"ann"}},
		{"ann", townBase, "(objectClass=posixGroup)", 0, []string{"group00", "group01", "group02"}},
		{"ann", personName("ann"), "(objectClass=*)", 0, []string{"ann"}},
		{"ann", personName("bob"), "(objectClass=*)", 32, nil},
		{"ann", personName("nobody"), "(objectClass=*)", 32, nil},
		{"ann", townBase, "(member=" + personName("bob") + ")", 0, nil},
		{"ann", townBase, "(member=" + personName("ann") + ")", 0, []string{"group01"}},
		{"narrow", townBase, "(uid=user000*)", 0, []string{"user0000", "user0001", "user0002", "user0003", "user0004", "user0005", "user0006", "user0007", "user0008", "user0009"}},
		{"narrow", townBase, "(&(uid=ann)(cn=*))", 0, nil},
		{"narrow", townBase, "(&(uid=ann)(!(cn=*)))", 0, nil},
		{"narrow", "ou=groups," + townBase, "(objectClass=*)", 32, nil},
		{"reader", "ou=system," + townBase, "(objectClass=*)", 32, nil},
	} {
		code, out := w.search(t, c.who, "-b", c.base, c.filter)
		if got := names(out); code != c.code || !slices.Equal(got, c.want) {
			t.Errorf("%s finds with %s below %s: %v and %d, want %v and %d", c.who, c.filter, c.base, got, code, c.want, c.code)
		}
	}
	if _, out := w.search(t, "ann", "-b", groupName("group01")); !slices.Equal(values(out, "member"), []string{personName("ann")}) {
		t.Errorf("of her group, ann reads\n%s", out)
	}
	if _, out := w.search(t, "narrow", "-b", personName("ann"), "*", "+"); len(values(out, "cn"))+len(values(out, "entryUUID")) > 0 || len(values(out, "mail")) != 1 {
		t.Errorf("with two attributes granted, there are\n%s", out)
	}
	_, a := w.search(t, "ann", "-b", personName("bob"))
	_, b := w.search(t, "ann", "-b", personName("nobody"))
	if a != b {
		t.Errorf("whether bob exists shows: %q and %q", a, b)
	}
	member, err := w.env.accountsOf(w.site).PersonMember(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.env.accountsOf(w.site).AddMember(t.Context(), "cli:test", "group03", member); err != nil {
		t.Fatal(err)
	}
	if code, out := w.search(t, "ann", "-b", townBase, "(uid=user0001)"); code != 0 || !slices.Equal(names(out), []string{"user0001"}) {
		t.Errorf("as a reader, ann finds %v with %d", names(out), code)
	}
}

func TestComparisons(t *testing.T) {
	w := newTown(t, "")
	for _, c := range []struct {
		entry, assertion string
		code             int
	}{
		{groupName("group01"), "member:" + personName("ann"), 6},
		{groupName("group01"), "uniqueMember:" + strings.ToUpper(personName("ann")), 6},
		{groupName("group01"), "memberUid:ann", 6},
		{groupName("group01"), "member:" + personName("user0042"), 5},
		{personName("ann"), "mail:ANN@example.org", 6},
		{personName("ann"), "cn:Bob", 5},
		{personName("ann"), "userPassword:" + w.passwords["ann"], 16},
		{personName("ann"), "description:x", 16},
		{personName("nobody"), "cn:x", 32},
	} {
		code, out := w.client(t, "ldapcompare", append(w.as("reader"), c.entry, c.assertion)...)
		if code != c.code {
			t.Errorf("ldapcompare %s %s ends with %d, want %d: %s", c.entry, c.assertion, code, c.code, out)
		}
	}
}

func TestPeopleChangeTheirOwnPassword(t *testing.T) {
	w := newTown(t, "")
	const fresh = "a password, quite new"
	for _, c := range []struct {
		name string
		who  string
		args []string
		code int
	}{
		{"somebody else's", "ann", []string{"-s", fresh, personName("bob")}, 53},
		{"a service account", "reader", []string{"-s", fresh}, 53},
		{"a service account, somebody's", "reader", []string{"-s", fresh, personName("ann")}, 53},
		{"a wrong old one", "ann", []string{"-a", "wrong", "-s", fresh}, 53},
		{"too short", "ann", []string{"-s", "short"}, 19},
		{"none", "ann", nil, 53},
		{"her own", "ann", []string{"-a", w.passwords["ann"], "-s", fresh}, 0},
	} {
		code, out := w.client(t, "ldappasswd", append(w.as(c.who), c.args...)...)
		// It ends with 1 whatever the result is, and prints the code.
		if c.code == 0 && code != 0 || c.code != 0 && !strings.Contains(out, fmt.Sprintf("(%d)", c.code)) {
			t.Errorf("%s: ldappasswd ends with %d, want result %d: %s", c.name, code, c.code, out)
		}
	}
	if code, _ := w.client(t, "ldapwhoami", w.as("ann")...); code != 49 {
		t.Errorf("with the old password, ldapwhoami ends with %d", code)
	}
	w.passwords["ann"] = fresh
	if code, out := w.client(t, "ldapwhoami", w.as("ann")...); code != 0 || !strings.Contains(out, "dn:"+personName("ann")) {
		t.Errorf("with the new password, ldapwhoami ends with %d: %s", code, out)
	}
}

// TestAnApplicationBaseShowsTheSameTree: binds and searches below an
// application's base see everything under names of their own.
func TestAnApplicationBaseShowsTheSameTree(t *testing.T) {
	w := newTown(t, "")
	base := "app=web," + townBase
	own := "uid=ann,ou=people," + base
	bound := []string{"-x", "-H", w.url, "-D", own, "-w", w.mailApp}
	if code, out := w.client(t, "ldapwhoami", bound...); code != 0 || !strings.Contains(out, "dn:"+own) {
		t.Fatalf("ldapwhoami ends with %d: %s", code, out)
	}
	if code, _ := w.client(t, "ldapwhoami", "-x", "-H", w.url, "-D", personName("ann"), "-w", w.mailApp); code != 49 {
		t.Errorf("the app password of one service binds at another: %d", code)
	}
	_, out := w.client(t, "ldapsearch", append(bound, "-LLL", "-o", "ldif-wrap=no", "-b", base, "(uid=ann)", "memberOf", "entryDN")...)
	if !strings.Contains(out, "dn: "+own+"\n") || !strings.Contains(out, "memberOf: cn=group01,ou=groups,"+base+"\n") || !strings.Contains(out, "entryDN: "+own+"\n") {
		t.Errorf("below the application's base, ann is\n%s", out)
	}
	code, out := w.search(t, "reader", "-b", base, "(member=uid=bob,ou=people,"+base+")", "member")
	if code != 0 || !strings.Contains(out, "dn: cn=group01,ou=groups,"+base) || !strings.Contains(out, "member: uid=bob,ou=people,"+base) {
		t.Errorf("below the application's base, bob's group is, with %d,\n%s", code, out)
	}
}

// TestTheActiveDirectoryProfile asks as clients ask that know it only.
func TestTheActiveDirectoryProfile(t *testing.T) {
	w := newTown(t, "profile = \"ad\"\n")
	inChain := ":1.2.840.113556.1.4.1941:="
	for _, c := range []struct {
		name, filter string
		want         []string
	}{
		{"by account name", "(&(objectCategory=person)(objectClass=user)(sAMAccountName=ANN))", []string{"ann"}},
		{"as FortiGate asks", "(&(userPrincipalName=ann@example.org)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))", []string{"ann"}},
		{"by any of two bits", "(&(uid=ann)(userAccountControl:1.2.840.113556.1.4.804:=514))", []string{"ann"}},
		{"groups that hold her at any depth", "(member" + inChain + personName("ann") + ")", []string{"group00", "group01", "group02"}},
		{"whether she is in a group at any depth", "(&(sAMAccountName=ann)(memberOf" + inChain + groupName("group02") + "))", []string{"ann"}},
		{"and not in another", "(&(sAMAccountName=ann)(memberOf" + inChain + groupName("group07") + "))", nil},
		{"groups", "(&(objectCategory=group)(cn=group07))", []string{"group07"}},
	} {
		code, out := w.search(t, "reader", "-b", townBase, c.filter, "1.1")
		if got := names(out); code != 0 || !slices.Equal(got, c.want) {
			t.Errorf("%s: %s finds %v with %d, want %v", c.name, c.filter, got, code, c.want)
		}
	}
	_, out := w.search(t, "reader", "-b", townBase, "(uid=ann)", "*", "entryUUID")
	for _, want := range []string{"objectClass: user", "sAMAccountName: ann", "userPrincipalName: ann@example.org", "userAccountControl: 512",
		"distinguishedName: " + personName("ann"), "objectCategory: CN=Person,CN=Schema,CN=Configuration," + townBase} {
		if !strings.Contains(out, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if len(values(out, "objectGUID:")) != 1 { // printed in base64: it is binary
		t.Errorf("there is no objectGUID in\n%s", out)
	}
	if code, out := w.client(t, "ldapwhoami", "-x", "-H", w.url, "-D", `EXAMPLE\ann`, "-w", w.passwords["ann"]); code != 0 {
		t.Errorf(`a bind as EXAMPLE\ann ends with %d: %s`, code, out)
	}
}

// TestTheShippedConfigurationGrantsNothingToStrangers keeps the shipped
// defaults as the documents tell them.
func TestTheShippedConfigurationGrantsNothingToStrangers(t *testing.T) {
	for _, line := range []string{`anonymous_read = "schema"`, "readers = []", `member_of = "direct"`} {
		if !bytes.Contains(postern.ShippedConfig, []byte(line)) {
			t.Errorf("%s is not in the shipped configuration", line)
		}
	}
}
