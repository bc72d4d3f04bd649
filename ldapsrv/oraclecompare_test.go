package ldapsrv_test

import (
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// assertion is one Compare.
type assertion struct{ name, attribute, value string }

func (a assertion) String() string { return fmt.Sprintf("%q %s: %q", a.name, a.attribute, a.value) }

func (a assertion) to(c *ldap.Conn) (r reply, err error) {
	equal, err := c.Compare(a.name, a.attribute, a.value)
	var failed *ldap.Error
	switch {
	case errors.As(err, &failed) && failed.ResultCode < 200:
		return reply{code: int(failed.ResultCode), matched: strings.ToLower(failed.MatchedDN)}, nil
	case err != nil:
		return r, err
	case equal:
		return reply{code: ldap.LDAPResultCompareTrue}, nil
	}
	return reply{code: ldap.LDAPResultCompareFalse}, nil
}

// differs reports whether both servers answer a differently.
func (a assertion) differs(p *pair) (ours, theirs reply, differ bool, err error) {
	if ours, err = a.to(p.ours); err != nil {
		return ours, theirs, false, fmt.Errorf("ours: %w", err)
	}
	if theirs, err = a.to(p.slapd); err != nil {
		return ours, theirs, false, fmt.Errorf("slapd: %w", err)
	}
	return ours, theirs, !ours.same(theirs), nil
}

// compareDifference is one that is meant. The test fails when its example does
// not differ any more.
type compareDifference struct {
	why     string
	example assertion
	is      func(assertion) bool
}

var compareDifferences = []compareDifference{
	{
		"an attribute that no schema knows can be an extra one of somebody's: an entry without it has no such attribute; slapd knows none at all",
		assertion{oracleBase, "foo", "x"},
		func(a assertion) bool { return a.attribute == "foo" || a.attribute == "1.2.3.4" },
	},
	{
		"entryDN is compared like any other; slapd makes it too late for that",
		assertion{oracleBase, "entryDN", oracleBase},
		func(a assertion) bool { return a.attribute == "entryDN" },
	},
	{
		whySmall,
		assertion{oracleBase, "hasSubordinates", "true"},
		func(a assertion) bool { return a.attribute == "hasSubordinates" && a.value == "true" },
	},
	{
		"an entry that is not there has not even subordinates; slapd says that it has none",
		assertion{"uid=nobody,ou=people," + oracleBase, "hasSubordinates", "TRUE"},
		func(a assertion) bool {
			return a.attribute == "hasSubordinates" && !strings.EqualFold(a.name, oracleBase)
		},
	},
	{
		whyClass,
		assertion{"uid=user01,ou=people," + oracleBase, "structuralObjectClass", "person"},
		func(a assertion) bool { return a.attribute == "structuralObjectClass" && a.value == "person" },
	},
	{
		whyNames,
		assertion{"foo=bar," + oracleBase, "cn", "x"},
		func(a assertion) bool { return strings.HasPrefix(a.name, "foo=") },
	},
}

func TestComparesAnswerAsSlapdDoes(t *testing.T) {
	p := newPair(t)
	for _, d := range compareDifferences {
		ours, theirs, differ, err := d.example.differs(p)
		if err != nil || !differ || !d.is(d.example) {
			t.Errorf("this differs no more, or is not covered by its own rule: take it out of the table (%s)\n\t%v\n\tours: %v\n\tslapd: %v, %v", d.why, d.example, ours, theirs, err)
		}
	}
	seed := oracleSeed(t)
	g := &generator{mathrand.New(mathrand.NewPCG(seed, 2))}
	const questions = 3000
	codes, failed := map[int]int{}, 0
	for i := 0; i < questions && failed < 8; i++ {
		a := g.compare()
		ours, theirs, differ, err := a.differs(p)
		if err != nil {
			t.Fatalf("%v: %v", a, err)
		}
		codes[theirs.code]++
		if differ && !slices.ContainsFunc(compareDifferences, func(d compareDifference) bool { return d.is(a) }) {
			failed++
			t.Errorf("compare %d, %v\n\tours: %v\n\tslapd: %v", i, a, ours, theirs)
		}
	}
	t.Logf("slapd's codes: %v", codes)
	for _, code := range []int{ldap.LDAPResultCompareTrue, ldap.LDAPResultCompareFalse, ldap.LDAPResultNoSuchAttribute, ldap.LDAPResultNoSuchObject} {
		if codes[code] < questions/100 {
			t.Errorf("only %d of %d answers are %d: the questions should be more to the point", codes[code], questions, code)
		}
	}
}

// compare makes an assertion about an entry that is there, most times.
func (g *generator) compare() assertion {
	a := assertion{name: g.base()}
	a.attribute, a.value = g.assertion()
	a.value = strings.NewReplacer(`\28`, "(", `\29`, ")").Replace(a.value)
	if g.IntN(3) == 0 {
		return a
	}
	n, group := g.login(), g.group()
	switch g.IntN(3) {
	case 0:
		a.name = "cn=" + group + ",ou=groups," + oracleBase
		return g.oneOf(a, []string{"cn", group}, []string{"member", "uid=" + n + ",ou=people," + oracleBase}, []string{"uniqueMember", "UID=" + n + ", ou=people," + oracleBase},
			[]string{"memberUid", n}, []string{"objectClass", "posixGroup"})
	case 1:
		a.name = "uid=" + n + ",ou=people," + oracleBase
		return g.oneOf(a, []string{"uid", strings.ToUpper(n)}, []string{"mail", n + "@EXAMPLE.org"}, []string{"homeDirectory", "/home/" + n}, []string{"objectClass", "PERSON"},
			[]string{"title", "Prof. " + n}, []string{"name", "Ann Lee"}, []string{"hasSubordinates", "FALSE"}, []string{"entryDN", a.name})
	}
	return a
}

func (g *generator) oneOf(a assertion, list ...[]string) assertion {
	if g.IntN(3) > 0 {
		pick := list[g.IntN(len(list))]
		a.attribute, a.value = pick[0], pick[1]
	}
	return a
}
