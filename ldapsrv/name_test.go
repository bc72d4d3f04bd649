package ldapsrv

import (
	"strings"
	"testing"
	"time"

	"postern/ldapsrv/dn"
)

// TestAPlainNameResolvesAsOneTakenApart: names that this server writes take a
// short way, which no name may take that comes to anything else by the long one.
func TestAPlainNameResolvesAsOneTakenApart(t *testing.T) {
	var (
		begins = []string{"uid=", "UID=", "uid= ", "userid=", "cn=", "", "uid=a+uid=", "uid=a,uid="}
		logins = []string{
			"ann", "Ann.Lee-2_x@example.org", "", " ann", "ann ", "#616263", `a\2cb`, `\20ann`, `"ann"`, "ann+cn=x", "ann;ou=y", "ann,ou=x", "a=b",
			"josé", "\xff", "a\x00", "<ann>", "ann\\", "0", "@",
		}
		middles = []string{",ou=people,", ",OU=people,", ", ou=people,", ";ou=people;", ",ou=People,", ",ou=people,app=mail,", ",ou=system,", ",", "", ",ou=people,ou=people,"}
	)
	plain := 0
	for _, base := range []string{"dc=example,dc=org", "DC=Example, dc=org", "o=Example  Inc", "dc=a+ou=b", " dc=org"} {
		d, err := dn.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		rules, err := compileRules(base, time.Time{}, Rules{Applications: []string{"app=mail"}})
		if err != nil {
			t.Fatal(err)
		}
		tree := tree{base: base, normal: d.Normal()}
		ends := []string{base, strings.ToUpper(base), base + " ", base + ",dc=com", ""}
		for _, name := range combined(begins, logins, middles, ends) {
			got, gotOK := tree.resolve(name, rules.applications)
			want, wantOK := tree.takeApart(name, rules.applications)
			if got != want || gotOK != wantOK {
				t.Errorf("%q below %q: %+v, %v; taken apart %+v, %v", name, base, got, gotOK, want, wantOK)
			}
			if _, ok := tree.plain(name); ok {
				plain++
			}
		}
	}
	if plain == 0 {
		t.Error("no name took the short way")
	}
}

// combined joins one of each list, in every way.
func combined(lists ...[]string) []string {
	all := []string{""}
	for _, list := range lists {
		var longer []string
		for _, beginning := range all {
			for _, next := range list {
				longer = append(longer, beginning+next)
			}
		}
		all = longer
	}
	return all
}

// BenchmarkResolve says whom the name of a bind denotes.
func BenchmarkResolve(b *testing.B) {
	d, err := dn.Parse(testBase)
	if err != nil {
		b.Fatal(err)
	}
	tree := tree{base: testBase, normal: d.Normal()}
	b.ReportAllocs()
	for b.Loop() {
		if n, ok := tree.resolve(annName, nil); !ok || n.login != "ann" {
			b.Fatal(n, ok)
		}
	}
}
