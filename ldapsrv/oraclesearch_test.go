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

// question is one search.
type question struct {
	base      string
	scope     int
	filter    string
	ask       []string
	size      int
	typesOnly bool
}

func (q question) String() string {
	return fmt.Sprintf("-b %q -s %d -z %d types=%v %q %q", q.base, q.scope, q.size, q.typesOnly, q.filter, q.ask)
}

// reply is what came of it, in a form that can be compared.
type reply struct {
	code    int
	matched string
	entries []string // sorted; of each its name and attributes
	count   int
}

func (q question) to(c *ldap.Conn) (reply, error) {
	res, err := c.Search(ldap.NewSearchRequest(q.base, q.scope, 0, q.size, 0, q.typesOnly, q.filter, q.ask, nil))
	var r reply
	var failed *ldap.Error
	if errors.As(err, &failed) {
		if failed.ResultCode >= 200 {
			return r, err
		}
		r.code, r.matched = int(failed.ResultCode), strings.ToLower(failed.MatchedDN)
	} else if err != nil {
		return r, err
	}
	if res != nil {
		for _, e := range res.Entries {
			r.entries = append(r.entries, canonical(e))
		}
	}
	r.count = len(r.entries)
	if r.code == 4 {
		r.entries = nil // which of them came is the server's choice
	}
	slices.Sort(r.entries)
	return r, nil
}

func canonical(e *ldap.Entry) string {
	var lines []string
	for _, a := range e.Attributes {
		if !slices.Contains(compared, a.Name) {
			continue
		}
		values := slices.Clone(a.Values)
		slices.Sort(values)
		lines = append(lines, a.Name+"="+strings.Join(values, "|"))
	}
	slices.Sort(lines)
	return strings.ToLower(e.DN) + "{" + strings.Join(lines, ";") + "}"
}

func (r reply) same(o reply) bool {
	return r.code == o.code && r.matched == o.matched && r.count == o.count && slices.Equal(r.entries, o.entries)
}

func (r reply) String() string {
	text := fmt.Sprintf("code %d, matched %q, %d entries", r.code, r.matched, r.count)
	for i, e := range r.entries {
		if i == 4 {
			return text + " …"
		}
		text += "\n\t\t" + e
	}
	return text
}

// difference is one that is meant. The test fails when its example does not
// differ any more.
type difference struct {
	why     string
	example question
	is      func(question) bool
}

// differs reports whether both servers answer the example differently.
func (p *pair) differs(q question) (ours, theirs reply, differ bool, err error) {
	if ours, err = q.to(p.ours); err != nil {
		return ours, theirs, false, fmt.Errorf("ours: %w", err)
	}
	if theirs, err = q.to(p.slapd); err != nil {
		return ours, theirs, false, fmt.Errorf("slapd: %w", err)
	}
	return ours, theirs, !ours.same(theirs), nil
}

func TestSearchesAnswerAsSlapdDoes(t *testing.T) {
	p := newPair(t)
	if n := len(reasons()); n > maxDifferences {
		t.Errorf("%d differences are meant; %d are enough", n, maxDifferences)
	}
	for _, d := range differences {
		ours, theirs, differ, err := p.differs(d.example)
		if err != nil || !differ || !d.is(d.example) {
			t.Errorf("this differs no more, or is not covered by its own rule: take it out of the table (%s)\n\t%v\n\tours: %v\n\tslapd: %v, %v", d.why, d.example, ours, theirs, err)
		}
	}

	seed := oracleSeed(t)
	g := &generator{mathrand.New(mathrand.NewPCG(seed, 1))}
	const questions = 4000
	meant, failed := 0, 0
	for i := 0; i < questions && failed < 8; i++ {
		q := g.question()
		ours, theirs, differ, err := p.differs(q)
		if err != nil {
			t.Fatalf("%v: %v", q, err)
		}
		if !differ {
			continue
		}
		if slices.ContainsFunc(differences, func(d difference) bool { return d.is(q) }) {
			meant++
			continue
		}
		failed++
		t.Errorf("question %d, %v\n\tours: %v\n\tslapd: %v", i, q, ours, theirs)
	}
	t.Logf("%d questions, %d answered differently as is meant", questions, meant)
	if meant > questions/10 {
		t.Errorf("%d of %d answers differ: the questions should be more to the point", meant, questions)
	}
}

// reasons are those of all differences that are meant.
func reasons() map[string]bool {
	all := map[string]bool{startsAgain.why: true}
	for _, d := range differences {
		all[d.why] = true
	}
	for _, d := range compareDifferences {
		all[d.why] = true
	}
	for _, m := range misuses() {
		if m.why != "" {
			all[m.why] = true
		}
	}
	return all
}

// asserts reports whether the filter holds one of those.
func (q question) asserts(words ...string) bool {
	text := strings.ToLower(q.filter)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, strings.ToLower(w)) })
}

// Reasons that hold for searches and for comparisons.
const (
	whyNames = "a name may hold types that the schema does not know, because application bases do (app=mail); slapd calls it no name"
	whySmall = "TRUE and FALSE are taken in small letters, too, as clients write them"
	whyClass = "structuralObjectClass is the class itself; slapd takes a superclass for it, too"
)

// differences are meant, each for a reason.
var differences = []difference{
	{
		"approximate matching is equality here; slapd matches what sounds alike",
		question{base: oracleBase, scope: 2, filter: "(cn~=group1)"},
		func(q question) bool { return q.asserts("~=") },
	},
	{
		whyNames,
		question{base: "foo=bar," + oracleBase, scope: 0, filter: "(objectClass=*)"},
		func(q question) bool { return strings.HasPrefix(q.base, "foo=") },
	},
	{
		"a matching rule of text can be applied to every kind of text; in slapd to its own syntax only",
		question{base: oracleBase, scope: 2, filter: "(homeDirectory:caseExactMatch:=/home/user01)"},
		func(q question) bool { return q.asserts("Match:=", "2.5.13.2:=") },
	},
	{
		whyClass,
		question{base: oracleBase, scope: 2, filter: "(structuralObjectClass=person)"},
		func(q question) bool { return q.asserts("structuralObjectClass") },
	},
	{
		"an extensible match finds hasSubordinates, too, which slapd makes too late for it",
		question{base: oracleBase, scope: 0, filter: "(hasSubordinates:=TRUE)"},
		func(q question) bool { return q.asserts("hasSubordinates:") },
	},
	{
		whySmall,
		question{base: oracleBase, scope: 2, filter: "(hasSubordinates=true)"},
		func(q question) bool { return strings.Contains(q.filter, "hasSubordinates=true") },
	},
}
