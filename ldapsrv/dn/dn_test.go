package dn

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseReadsWhatRFC4514Writes(t *testing.T) {
	for _, c := range []struct {
		in   string
		want DN
	}{
		{"", nil},
		{"   ", nil},
		// The examples of RFC 4514 §4.
		{"UID=jsmith,DC=example,DC=net", DN{{Type: "uid", Value: "jsmith"}, {Type: "dc", Value: "example"}, {Type: "dc", Value: "net"}}},
		{"OU=Sales+CN=J.  Smith,DC=example,DC=net", DN{
			{Type: "ou", Value: "Sales"}, {Type: "cn", Value: "J.  Smith", Joined: true},
			{Type: "dc", Value: "example"}, {Type: "dc", Value: "net"},
		}},
		{`CN=James \"Jim\" Smith\, III,DC=net`, DN{{Type: "cn", Value: `James "Jim" Smith, III`}, {Type: "dc", Value: "net"}}},
		{`CN=Before\0dAfter,DC=net`, DN{{Type: "cn", Value: "Before\rAfter"}, {Type: "dc", Value: "net"}}},
		{"1.3.6.1.4.1.1466.0=#04024869", DN{{Type: "1.3.6.1.4.1.1466.0", Value: "Hi"}}},
		{`CN=Lu\C4\8Di\C4\87`, DN{{Type: "cn", Value: "Lučić"}}},
		// Types by OID, by their longer name, and with the prefix of old.
		{"0.9.2342.19200300.100.1.1=ann", DN{{Type: "uid", Value: "ann"}}},
		{"oid.0.9.2342.19200300.100.1.25=org", DN{{Type: "dc", Value: "org"}}},
		{"userId=ann, OrganizationalUnitName=people", DN{{Type: "uid", Value: "ann"}, {Type: "ou", Value: "people"}}},
		{"App=mail", DN{{Type: "app", Value: "mail"}}},
		// Spaces around separators, and semicolons between RDNs.
		{" uid = ann ; ou = people ", DN{{Type: "uid", Value: "ann"}, {Type: "ou", Value: "people"}}},
		{`uid=\ ann\ `, DN{{Type: "uid", Value: " ann "}}},
		{`uid=ann\ x  `, DN{{Type: "uid", Value: "ann x"}}},
		{`uid=`, DN{{Type: "uid"}}},
		{`uid=a=b#c`, DN{{Type: "uid", Value: "a=b#c"}}},
		{`uid=\#a\3dc`, DN{{Type: "uid", Value: "#a=c"}}},
		{`uid="a, b\"c" ,dc=net`, DN{{Type: "uid", Value: `a, b"c`}, {Type: "dc", Value: "net"}}},
		{"uid=#0C03616E6E", DN{{Type: "uid", Value: "ann"}}},
		{"uid=#0201FF", DN{{Type: "uid", Value: "#0201ff"}}}, // no string: as written
		{"cn=É", DN{{Type: "cn", Value: "É"}}},
	} {
		got, err := Parse(c.in)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q became %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestParseRefusesWhatIsNoName(t *testing.T) {
	for _, in := range []string{
		"uid", "=x", "uid=ann,", ",uid=ann", "uid=ann,,ou=x", "uid=ann+", "uid=a<b", "uid=a>b", `uid=a"b`, `uid="ann`,
		`uid="ann"x`, `uid="\`, "uid=a\x00b", `uid=ann\`, `uid=a\zb`, `uid=a\4`, "uid=#", "uid=#04", "uid=#zz",
		"uid=#040361", "uid=#040161ff", "uid=#0480616100", "uid=#0c01ff", "1=x", "1.=x", ".1=x", "01.2=x", "1..2=x", "1.2a=x",
		"-a=x", "u_d=x", "ü=x", "uid=\xff", `uid=\ff`, "oid.uid.x=1", strings.Repeat("a=,", 128) + "a=",
	} {
		if got, err := Parse(in); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q became %q, %v; want ErrSyntax", in, got, err)
		}
	}
}

func parse(t testing.TB, s string) DN {
	t.Helper()
	d, err := Parse(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return d
}

func TestNamesCompareAsDirectoriesDo(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"uid=ann,dc=org", "UID=ANN, DC=Org", true},
		{"uid=ann", "0.9.2342.19200300.100.1.1=ann", true},
		{`cn=a  b`, "cn=A b", true},
		{`cn=\20a\20`, "cn=a", true},
		{"cn=É", `cn=\c3\a9`, true},
		{"cn=ｆｕｌｌ", "cn=full", true},
		{"cn=a+ou=b,dc=c", "OU=b+CN=a,dc=c", true},
		{"cn=a+ou=b,dc=c", "cn=a,ou=b,dc=c", false},
		{"cn=a+ou=b,dc=c", "cn=a,ou=b+dc=c", false},
		{"cn=a", "ou=a", false},
		{"cn=a", "cn=b", false},
		{"cn=a,dc=b", "cn=a", false},
		{`cn=a\,b`, "cn=a,b=", false},
	} {
		if got := parse(t, c.a).EqualNormal(parse(t, c.b).Normal()); got != c.want {
			t.Errorf("%q equals %q: %v, want %v", c.a, c.b, got, c.want)
		}
		if got := parse(t, c.b).EqualNormal(parse(t, c.a).Normal()); got != c.want {
			t.Errorf("%q equals %q: %v, want %v", c.b, c.a, got, c.want)
		}
	}
}

func TestCutTakesTheBaseOff(t *testing.T) {
	for _, c := range []struct {
		name, base, below string
		ok                bool
	}{
		{"uid=ann,ou=people,dc=example,dc=org", "dc=example,dc=org", "uid=ann,ou=people", true},
		{"uid=ann,DC=Example,dc=org", "dc=example,dc=ORG", "uid=ann", true},
		{"dc=example,dc=org", "dc=example,dc=org", "", true},
		{"uid=ann", "", "uid=ann", true},
		{"dc=org", "dc=example,dc=org", "", false},
		{"uid=ann,dc=example,dc=com", "dc=example,dc=org", "", false},
		{"cn=x+dc=example,dc=org", "dc=example,dc=org", "", false}, // half an RDN is none
		{"uid=a,o=x+c=y", "c=y+o=x", "uid=a", true},
	} {
		below, ok := parse(t, c.name).Cut(parse(t, c.base).Normal())
		if ok != c.ok || below.String() != c.below {
			t.Errorf("%q without %q is %q, %v; want %q, %v", c.name, c.base, below, ok, c.below, c.ok)
		}
	}
}

func TestStringEscapesWhatMustBe(t *testing.T) {
	for _, c := range []struct {
		value, want string
	}{
		{"ann", "ann"},
		{"", ""},
		{" a ", `\ a\ `},
		{" ", `\ `},
		{"a b", "a b"},
		{"#a#", `\#a#`},
		{`a,b+c"d\e<f>g;h=i`, `a\,b\+c\"d\\e\<f\>g\;h=i`},
		{"a\x00b\r\x7f", `a\00b\0d\7f`},
		{"é", "é"},
	} {
		d := DN{{Type: "uid", Value: c.value}, {Type: "cn", Value: "x", Joined: true}, {Type: "dc", Value: "org"}}
		if got, want := d.String(), "uid="+c.want+"+cn=x,dc=org"; got != want {
			t.Errorf("%q is written %q, want %q", c.value, got, want)
		}
	}
}

// FuzzParse shows that what is read is written so that it is read again as the
// same, and that comparing is at one with itself.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"uid=ann,ou=people,dc=example,dc=org", `CN=James \"Jim\" Smith\, III`, "OU=Sales+CN=J.  Smith",
		"1.3.6.1.4.1.1466.0=#04024869", `cn=Lu\C4\8Di\C4\87`, `uid=\ ann\ `, `uid="a, b"`, "uid=#0201ff", "a=;b=", "\xff=", "cn=ǅ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s)
		if err != nil {
			return
		}
		written := d.String()
		again, err := Parse(written)
		if err != nil || !slices.Equal(again, d) {
			t.Fatalf("%q was read as %v, written as %q and read as %v, %v", s, []AVA(d), written, []AVA(again), err)
		}
		normal := d.Normal()
		if !d.EqualNormal(normal) || !normal.EqualNormal(normal) {
			t.Errorf("%q does not equal itself: %v", s, []AVA(normal))
		}
		if below, ok := d.Cut(normal); !ok || len(below) != 0 {
			t.Errorf("%q is not at itself: %v, %v", s, []AVA(below), ok)
		}
	})
}
