package schema

import (
	"slices"
	"strings"
	"testing"

	"postern/ldapsrv/filter"
)

func TestFindKnowsNamesOIDsAndOptions(t *testing.T) {
	for description, want := range map[string]string{
		"CN": "cn", "commonName": "cn", "2.5.4.3": "cn", "cn;lang-nl": "cn", "rfc822mailbox": "mail", "memberof": "memberOf",
	} {
		a := Find(description)
		if a == nil || a.Name() != want {
			t.Errorf("Find(%q) = %v, want %s", description, a, want)
		}
	}
	if a := Find("nothing"); a != nil {
		t.Errorf("Find knows %v", a.Names)
	}
}

func TestSubtypesAreUnderTheirSupertypes(t *testing.T) {
	name := Find("name")
	if !Find("givenName").IsOrUnder(name) || !name.IsOrUnder(name) || Find("mail").IsOrUnder(name) {
		t.Error("the subtypes of name are wrong")
	}
}

// Every name that a definition refers to is one that the schema defines, and
// no name or OID is used twice.
func TestTheSchemaIsWhole(t *testing.T) {
	seen := map[string]bool{}
	once := func(name string) {
		if seen[strings.ToLower(name)] {
			t.Errorf("%s is defined twice", name)
		}
		seen[strings.ToLower(name)] = true
	}
	for _, a := range attributes {
		once(a.OID)
		for _, n := range a.Names {
			once(n)
		}
		if a.Sup != "" && Find(a.Sup) == nil {
			t.Errorf("%s is below %s, which is not there", a.Name(), a.Sup)
		}
		if !slices.ContainsFunc(syntaxes, func(s struct {
			oid  Syntax
			name string
		}) bool {
			return s.oid == a.Syntax
		}) {
			t.Errorf("%s has syntax %s, which is not described", a.Name(), a.Syntax)
		}
	}
	for _, c := range classes {
		once(c.OID)
		once("class " + c.Name)
		if c.Sup != "" && FindClass(c.Sup) == nil {
			t.Errorf("%s is below %s, which is not there", c.Name, c.Sup)
		}
		for _, n := range strings.Fields(c.Must + " " + c.May) {
			if Find(n) == nil {
				t.Errorf("%s may have %s, which is not there", c.Name, n)
			}
		}
	}
}

func TestDescriptionsAreAsRFC4512Writes(t *testing.T) {
	for description, list := range map[string][]string{
		"( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )":                                                          AttributeTypes,
		"( 2.5.18.1 NAME 'createTimestamp' EQUALITY generalizedTimeMatch ORDERING generalizedTimeOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )": AttributeTypes,
		"( 1.3.6.1.4.1.1466.344 NAME 'dcObject' SUP top AUXILIARY MUST dc )":       ObjectClasses,
		"( 2.5.13.2 NAME 'caseIgnoreMatch' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )": MatchingRules,
		"( 1.3.6.1.4.1.1466.115.121.1.7 DESC 'Boolean' )":                          LDAPSyntaxes,
	} {
		if !slices.Contains(list, description) {
			t.Errorf("there is no %s", description)
		}
	}
}

func TestMatch(t *testing.T) {
	bytes := func(s ...string) (b [][]byte) {
		for _, s := range s {
			b = append(b, []byte(s))
		}
		return b
	}
	value := func(s string) *filter.Assertion { return &filter.Assertion{Value: []byte(s)} }
	for _, c := range []struct {
		name, attribute string
		values          []string
		choice          filter.Choice
		leaf            *filter.Assertion
		want            filter.Truth
	}{
		{"case and spaces do not count", "cn", []string{"Ann  Lee"}, filter.Equal, value(" ann lee "), filter.True},
		{"another value", "cn", []string{"Ann"}, filter.Equal, value("bob"), filter.False},
		{"no value", "cn", nil, filter.Equal, value("bob"), filter.False},
		{"presence", "cn", []string{"x"}, filter.Present, value(""), filter.True},
		{"no rule", "jpegPhoto", []string{"x"}, filter.Equal, value("x"), filter.Undefined},
		{"no ordering rule", "mail", []string{"x"}, filter.AtLeast, value("x"), filter.Undefined},
		{"no such value", "uidNumber", []string{"5"}, filter.Equal, value("five"), filter.Undefined},
		{"numbers by size", "uidNumber", []string{"10"}, filter.AtLeast, value("9"), filter.True},
		{"negative numbers", "uidNumber", []string{"-10"}, filter.AtMost, value("-9"), filter.True},
		{"times in other zones", "createTimestamp", []string{"20260101120000Z"}, filter.Equal, value("20260101130000+0100"), filter.True},
		{"times in order", "createTimestamp", []string{"20260101120000Z"}, filter.AtLeast, value("20260101115959.5Z"), filter.True},
		{"DNs", "member", []string{"uid=Ann,ou=people,dc=example"}, filter.Equal, value("UID=ann, OU=People, DC=example"), filter.True},
		{"a DN that is none", "member", []string{"uid=ann"}, filter.Equal, value("ann"), filter.Undefined},
		{"class by OID", "objectClass", []string{"person"}, filter.Equal, value("2.5.6.6"), filter.True},
		{"memberUid counts case", "memberUid", []string{"Ann"}, filter.Equal, value("ann"), filter.False},
		{"telephone numbers", "telephoneNumber", []string{"+31 20-123"}, filter.Equal, value("+3120123"), filter.True},
		{"initial and final", "cn", []string{"Ann Lee"}, filter.Substrings, &filter.Assertion{Initial: []byte("an"), Final: []byte("EE")}, filter.True},
		{"parts in order", "cn", []string{"abcdef"}, filter.Substrings, &filter.Assertion{Any: bytes("cd", "ab")}, filter.False},
		{"parts that overlap", "cn", []string{"aba"}, filter.Substrings, &filter.Assertion{Initial: []byte("ab"), Final: []byte("ba")}, filter.False},
		{"a space at a part's end counts", "cn", []string{"ann lee"}, filter.Substrings, &filter.Assertion{Initial: []byte("ann l "), Any: bytes("ee")}, filter.False},
		{"bits", "userAccountControl", []string{"514"}, filter.Extensible, &filter.Assertion{Rule: []byte(bitAnd.OID), Value: []byte("2")}, filter.True},
		{"not all bits", "userAccountControl", []string{"512"}, filter.Extensible, &filter.Assertion{Rule: []byte(bitAnd.OID), Value: []byte("514")}, filter.False},
		{"any bit", "userAccountControl", []string{"512"}, filter.Extensible, &filter.Assertion{Rule: []byte(bitOr.OID), Value: []byte("514")}, filter.True},
		{"exactly", "cn", []string{"Ann"}, filter.Extensible, &filter.Assertion{Rule: []byte("caseExactMatch"), Value: []byte("ann")}, filter.False},
		{"unknown rule", "cn", []string{"Ann"}, filter.Extensible, &filter.Assertion{Rule: []byte("1.2.3"), Value: []byte("ann")}, filter.Undefined},
		{"rule of another syntax", "cn", []string{"Ann"}, filter.Extensible, &filter.Assertion{Rule: []byte("integerMatch"), Value: []byte("1")}, filter.Undefined},
	} {
		if got := Match(Find(c.attribute), c.values, c.choice, c.leaf); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func FuzzNormal(f *testing.F) {
	f.Add("20260101120000Z")
	f.Add("-12")
	f.Add("cn=a,dc=b")
	f.Add("( 2.5.4.3 NAME 'cn' )")
	f.Fuzz(func(t *testing.T, v string) {
		for _, r := range rules {
			once, ok := r.Normal(v)
			if !ok {
				continue
			}
			if again, _ := r.Normal(v); again != once {
				t.Errorf("%s takes %q for %q and for %q", r.Name, v, once, again)
			}
			if r == caseIgnore || r == distinguishedName {
				if twice, ok := r.Normal(once); ok && twice != once {
					t.Errorf("%s takes %q for %q, and that for %q", r.Name, v, once, twice)
				}
			}
		}
	})
}
