package entry

import (
	"testing"

	"postern/ldapsrv/dn"
)

func testTree(t testing.TB, o Options) *Tree {
	t.Helper()
	tree, err := NewTree("dc=example,dc=org", o)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestANameSaysWhatItNames(t *testing.T) {
	tree := testTree(t, Options{Applications: []string{"app=mail"}})
	for _, c := range []struct {
		name        string
		want, above Name
	}{
		{"dc=example,dc=org", Name{Kind: Base}, Name{Kind: Base}},
		{"DC=Example, dc=ORG", Name{Kind: Base}, Name{Kind: Base}},
		{"dc=org", Name{}, Name{}},
		{"dc=other,dc=org", Name{}, Name{}},
		{"ou=People,dc=example,dc=org", Name{Kind: People}, Name{Kind: People}},
		{"2.5.4.11=groups,dc=example,dc=org", Name{Kind: Groups}, Name{Kind: Groups}},
		{"ou=elsewhere,dc=example,dc=org", Name{}, Name{Kind: Base}},
		{"uid=ANN,ou=people,dc=example,dc=org", Name{Kind: Person, Key: "ann"}, Name{Kind: People}},
		{"cn=ann,ou=people,dc=example,dc=org", Name{}, Name{Kind: People}},
		{"uid=ann+cn=x,ou=people,dc=example,dc=org", Name{}, Name{Kind: People}},
		{"cn=Staff,ou=groups,dc=example,dc=org", Name{Kind: Group, Key: "staff"}, Name{Kind: Groups}},
		{"cn=mailserver,ou=system,dc=example,dc=org", Name{Kind: Service, Key: "mailserver"}, Name{Kind: System}},
		{"app=mail,dc=example,dc=org", Name{Kind: Application, Application: "app=mail"}, Name{Kind: Application, Application: "app=mail"}},
		{"uid=ann,ou=people,app=Mail,dc=example,dc=org", Name{Kind: Person, Key: "ann", Application: "app=mail"}, Name{Kind: People, Application: "app=mail"}},
		{"uid=ann,ou=people,app=web,dc=example,dc=org", Name{}, Name{Kind: Base}},
		{"cn=x,uid=ann,ou=people,dc=example,dc=org", Name{}, Name{Kind: Person, Key: "ann"}},
		{"cn=y,cn=x,uid=ann,ou=people,dc=example,dc=org", Name{}, Name{Kind: Person, Key: "ann"}},
	} {
		d, err := dn.Parse(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if got, above := tree.Find(d); got != c.want || above != c.above {
			t.Errorf("%s names %+v below %+v; want %+v below %+v", c.name, got, above, c.want, c.above)
		}
	}
}

func TestNamesAreWrittenAsTheViewHasThem(t *testing.T) {
	tree := testTree(t, Options{Applications: []string{"app=mail"}})
	for _, c := range []struct{ got, want string }{
		{tree.View("").DN(Person, "a,b"), `uid=a\,b,ou=people,dc=example,dc=org`},
		{tree.View("").DN(Group, "staff"), "cn=staff,ou=groups,dc=example,dc=org"},
		{tree.View("").DN(Service, "x"), "cn=x,ou=system,dc=example,dc=org"},
		{tree.View("").DN(Groups, ""), "ou=groups,dc=example,dc=org"},
		{tree.View("").DN(Base, ""), "dc=example,dc=org"},
		{tree.View("app=mail").DN(Person, "ann"), "uid=ann,ou=people,app=mail,dc=example,dc=org"},
		{tree.View("app=mail").DN(Application, ""), "app=mail,dc=example,dc=org"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
