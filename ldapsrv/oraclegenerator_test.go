package ldapsrv_test

import (
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// generator makes questions.
type generator struct{ *mathrand.Rand }

func (g *generator) one(list ...string) string { return list[g.IntN(len(list))] }

func (g *generator) question() question {
	q := question{base: g.base(), scope: g.IntN(3), filter: g.filter(3), typesOnly: g.IntN(10) == 0}
	if q.base == "" && q.scope == 0 {
		q.base = oracleBase // the root DSE is each server's own
	}
	for range g.IntN(4) {
		q.ask = append(q.ask, g.attribute())
	}
	if g.IntN(8) == 0 {
		q.size = 1 + g.IntN(70)
	}
	return q
}

func (g *generator) attribute() string {
	if g.IntN(4) == 0 {
		return g.one("*", "+", "1.1", "@posixAccount", "@groupOfNames", "2.5.4.3", "name", "foo", "cn;lang-en", "commonName", "userid", "@nosuchclass")
	}
	return compared[g.IntN(len(compared))]
}

func (g *generator) base() string {
	if g.IntN(3) == 0 {
		return oracleBase
	}
	return g.one(
		"ou=people,"+oracleBase, "OU = People , dc=Example,DC=ORG", "ou=groups,"+oracleBase, "2.5.4.11=groups,"+oracleBase,
		"organizationalUnitName=people,"+oracleBase, "uid="+g.login()+",ou=people,"+oracleBase, "UID="+strings.ToUpper(g.login())+",ou=people,"+oracleBase,
		"cn="+g.group()+",ou=groups,"+oracleBase, `uid=\75ser01,ou=people,`+oracleBase, "userid=user02;ou=people;"+oracleBase,
		"uid=nobody,ou=people,"+oracleBase, "cn=x,uid=user01,ou=people,"+oracleBase, "cn=y,cn=x,uid=user01,ou=people,"+oracleBase,
		"ou=nowhere,"+oracleBase, "uid=user01,ou=nowhere,"+oracleBase, "dc=org", "dc=other,dc=org", "cn=user01,ou=people,"+oracleBase,
		"uid=user01+cn=x,ou=people,"+oracleBase, "not a name", "uid=,ou=people,"+oracleBase, "foo=bar,"+oracleBase, "uid=a\\zz,"+oracleBase, "=x,"+oracleBase,
	)
}

func (g *generator) login() string { return fmt.Sprintf("user%02d", g.IntN(64)) }
func (g *generator) group() string { return fmt.Sprintf("group%d", g.IntN(14)) }

func (g *generator) filter(depth int) string {
	if depth == 0 || g.IntN(3) > 0 {
		return g.leaf()
	}
	switch g.IntN(3) {
	case 0:
		return "(!" + g.filter(depth-1) + ")"
	case 1:
		return g.list("&", depth)
	}
	return g.list("|", depth)
}

func (g *generator) list(word string, depth int) string {
	var b strings.Builder
	for range g.IntN(4) {
		b.WriteString(g.filter(depth - 1))
	}
	return "(" + word + b.String() + ")"
}

func (g *generator) leaf() string {
	name, value := g.assertion()
	switch g.IntN(12) {
	case 0:
		return "(" + name + "=*)"
	case 1:
		return "(" + name + ">=" + value + ")"
	case 2:
		return "(" + name + "<=" + value + ")"
	case 3:
		return "(" + name + "~=" + value + ")"
	case 4, 5:
		return "(" + name + "=" + g.parts(value) + ")"
	case 6:
		return g.extensible(name, value)
	}
	return "(" + name + "=" + value + ")"
}

// parts makes a substring assertion of a value.
func (g *generator) parts(value string) string {
	if strings.ContainsAny(value, `\*`) || len(value) < 3 {
		return value + "*"
	}
	i := 1 + g.IntN(len(value)-2)
	for i < len(value)-1 && value[i]&0xc0 == 0x80 {
		i++
	}
	return g.one(value[:i]+"*", "*"+value[i:], "*"+value[i:]+"*", value[:i]+"*"+value[i:], value[:i]+"*x*"+value[i:], "*"+value[:i]+"*"+value[i:]+"*")
}

func (g *generator) extensible(name, value string) string {
	rule := g.one("caseIgnoreMatch", "2.5.13.2", "caseExactMatch", "integerMatch", "distinguishedNameMatch", "noSuchRule", "caseIgnoreIA5Match")
	return g.one("("+name+":="+value+")", "("+name+":dn:="+value+")", "("+name+":"+rule+":="+value+")", "(:"+rule+":="+value+")",
		"(ou:dn:=people)", "(ou:dn:=groups)", "(dc:dn:=example)", "("+name+":dn:"+rule+":="+value+")")
}

// assertion is an attribute and a value that may be one of its.
func (g *generator) assertion() (name, value string) {
	dn := g.one("uid="+g.login()+",ou=people,"+oracleBase, "UID="+g.login()+", OU=People,"+oracleBase, "cn="+g.group()+",ou=groups,"+oracleBase, "nonsense", "")
	text := g.one("Ann Lee", "ann  LEE", " bob lee ", "Carl Gustav Møller", "CARL GUSTAV MØLLER", "Dörte Straße", "Lee", "eve o'neil", "user01", "group1", "Zoë, \"Z\" \\28Lee\\29", "x", "", "Of All Sorts", "sort of")
	number := strconv.Itoa(10000 + g.IntN(70))
	moment := g.one("20260301120000Z", "20260315120000Z", "20260301123000.0Z", "202603011200Z", "yesterday", "20260301140000+0200")
	switch g.IntN(22) {
	case 0, 1:
		return g.one("uid", "UID", "userid", "0.9.2342.19200300.100.1.1"), g.one(g.login(), strings.ToUpper(g.login()), " "+g.login()+" ")
	case 2, 3:
		return g.one("cn", "CN", "2.5.4.3", "commonName", "name"), text
	case 4:
		return "sn", text
	case 5:
		return "mail", g.one(g.login()+"@example.org", g.login()+"@EXAMPLE.ORG", "Møller@example.org")
	case 6:
		return g.one("uidNumber", "gidNumber"), g.one(number, number, "100", "abc", "0"+number, "-5")
	case 7, 8:
		return g.one("member", "uniqueMember", "2.5.4.31"), dn
	case 9:
		return "memberUid", g.one(g.login(), strings.ToUpper(g.login()))
	case 10, 11:
		return g.one("objectClass", "objectclass", "2.5.4.0"), g.one("person", "inetOrgPerson", "INETORGPERSON", "posixGroup", "groupOfNames", "top", "2.5.6.6", "organizationalUnit", "nosuchclass", "dcObject")
	case 12:
		return g.one("createTimestamp", "modifyTimestamp"), moment
	case 13:
		return "entryDN", dn
	case 14:
		return "hasSubordinates", g.one("TRUE", "FALSE", "true", "maybe")
	case 15:
		return g.one("foo", "cn;lang-en", "cn;foo", "1.2.3.4"), text
	case 16:
		return "telephoneNumber", g.one("+1 555 0103", "+155501-06", "555")
	case 17:
		return "homeDirectory", g.one("/home/"+g.login(), "/HOME/user01")
	case 18:
		return "structuralObjectClass", g.one("inetOrgPerson", "person", "groupOfNames", "organizationalUnit")
	case 19:
		return "description", text
	case 20:
		return g.one("title", "givenName", "employeeNumber"), g.one("Dr.", "dr.", "Prof. user03", "Guser05", "5", "10")
	}
	return g.one("ou", "dc", "o"), g.one("people", "groups", "example", "example.org")
}

// oracleSeed decides what is asked. It is the same every time unless somebody
// looks for differences, so that what fails has come with a change.
func oracleSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(1)
	switch text := os.Getenv("POSTERN_ORACLE_SEED"); text {
	case "":
	case "random":
		seed = mathrand.Uint64()
	default:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("seed %d; POSTERN_ORACLE_SEED=random, or a number, asks other questions", seed)
	return seed
}
