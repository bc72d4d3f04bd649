package ldapsrv_test

import (
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// A page of a search: result code, how many entries came, and whether a cookie
// for more did.
type pageSaid struct {
	code, count int
	more        bool
}

// page asks for a page of q, and returns what came of it and the cookie.
func (q question) page(c *ldap.Conn, size int, cookie []byte) (said pageSaid, entries []string, next []byte, err error) {
	control := &ldap.ControlPaging{PagingSize: uint32(size), Cookie: cookie}
	res, err := c.Search(ldap.NewSearchRequest(q.base, q.scope, 0, q.size, 0, q.typesOnly, q.filter, q.ask, []ldap.Control{control}))
	var failed *ldap.Error
	if errors.As(err, &failed) && failed.ResultCode < 200 {
		said.code = int(failed.ResultCode)
	} else if err != nil {
		return said, nil, nil, err
	}
	if res == nil {
		return said, nil, nil, nil
	}
	for _, e := range res.Entries {
		entries = append(entries, canonical(e))
	}
	said.count = len(entries)
	if paging, ok := ldap.FindControl(res.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok {
		next, said.more = paging.Cookie, len(paging.Cookie) > 0
	}
	return said, entries, next, nil
}

// paged reads q page by page, the pages of those sizes, again from the first
// when all were used, and returns how each page went and all entries, sorted.
func (q question) paged(c *ldap.Conn, sizes []int) (pages []pageSaid, entries []string, err error) {
	var cookie []byte
	for i := 0; ; i++ {
		said, some, next, err := q.page(c, sizes[i%len(sizes)], cookie)
		if err != nil {
			return nil, nil, err
		}
		pages, entries = append(pages, said), append(entries, some...)
		if cookie = next; len(cookie) == 0 {
			slices.Sort(entries)
			return pages, entries, nil
		}
	}
}

// startsAgain is the one difference in how pages go that is meant.
var startsAgain = struct {
	why     string
	example question
	sizes   []int
	is      func(q question, sizes []int) bool
}{
	"a later page may be as large as the size limit and goes on like any other; slapd sends everything from the beginning again",
	question{base: "ou=people," + oracleBase, scope: 1, filter: "(uid=*)", size: 20},
	[]int{5, 20},
	func(q question, sizes []int) bool {
		return q.size > 0 && slices.Max(sizes) >= q.size && sizes[0] < q.size
	},
}

// TestPagesAreSlapds: as many entries on each page, a cookie where slapd gives
// one, and all entries as without pages.
func TestPagesAreSlapds(t *testing.T) {
	p := newPair(t)
	seed := oracleSeed(t)
	g := &generator{mathrand.New(mathrand.NewPCG(seed, 3))}
	ours, _, err1 := startsAgain.example.paged(p.ours, startsAgain.sizes)
	theirs, _, err2 := startsAgain.example.paged(p.slapd, startsAgain.sizes)
	if err1 != nil || err2 != nil || slices.Equal(ours, theirs) || !startsAgain.is(startsAgain.example, startsAgain.sizes) {
		t.Errorf("this differs no more: take it out (%s)\n\tours: %v, %v\n\tslapd: %v, %v", startsAgain.why, ours, err1, theirs, err2)
	}
	const questions = 400
	pagesSeen, failed := 0, 0
	for i := 0; i < questions && failed < 8; i++ {
		q := g.pagedQuestion()
		sizes := make([]int, 1+g.IntN(4))
		for i := range sizes {
			sizes[i] = 1 + g.IntN(30)
		}
		ours, entries, err := q.paged(p.ours, sizes)
		if err != nil {
			t.Fatalf("ours: %v: %v", q, err)
		}
		theirs, theirEntries, err := q.paged(p.slapd, sizes)
		if err != nil {
			t.Fatalf("slapd: %v: %v", q, err)
		}
		pagesSeen += len(theirs)
		if slices.ContainsFunc(differences, func(d difference) bool { return d.is(q) }) || startsAgain.is(q, sizes) {
			continue
		}
		if q.size > 0 { // which entries come is the server's choice
			entries, theirEntries = nil, nil
		}
		if !slices.Equal(ours, theirs) || !slices.Equal(entries, theirEntries) {
			failed++
			t.Errorf("question %d, %v in pages of %v\n\tours: %v\n\tslapd: %v", i, q, sizes, ours, theirs)
		}
	}
	t.Logf("%d questions, %d pages", questions, pagesSeen)
	if pagesSeen < 2*questions {
		t.Errorf("%d questions were answered on %d pages: the questions should be more to the point", questions, pagesSeen)
	}
}

// pagedQuestion is a question that many entries answer.
func (g *generator) pagedQuestion() question {
	q := question{base: oracleBase, scope: 2, filter: g.one("(objectClass=*)", "(uid=*)", "(|(uid=user1*)(cn=group*))", "(!(uid=user0*))", "(objectClass=posixGroup)", g.leaf())}
	q.base = g.one(oracleBase, "ou=people,"+oracleBase, "ou=groups,"+oracleBase, g.base())
	if q.base == "" {
		q.base = oracleBase
	}
	q.ask = []string{g.attribute()}
	if g.IntN(6) == 0 {
		q.size = 1 + g.IntN(70)
	}
	return q
}

// misuse is something done with a cookie that it was not given for. do gets
// two connections and says what came of it.
type misuse struct {
	name string
	// why it is meant that slapd answers differently; "" where it does not.
	why string
	do  func(first, second *ldap.Conn) (pageSaid, error)
}

var everyone = question{base: "ou=people," + oracleBase, scope: 1, filter: "(uid=*)", ask: []string{"uid"}}

// with reads a page of everyone, and then another with what change makes of its
// cookie.
func (q question) with(size int, change func([]byte) []byte) func(first, second *ldap.Conn) (pageSaid, error) {
	return func(first, _ *ldap.Conn) (pageSaid, error) {
		_, _, cookie, err := everyone.page(first, 10, nil)
		if err != nil {
			return pageSaid{}, err
		}
		if len(cookie) == 0 {
			return pageSaid{}, errors.New("there is no second page")
		}
		if change != nil {
			cookie = change(cookie)
		}
		said, _, _, err := q.page(first, size, cookie)
		return said, err
	}
}

func misuses() []misuse {
	other := everyone
	other.filter = "(cn=*)"
	elsewhere := everyone
	elsewhere.base = "ou=groups," + oracleBase
	const (
		form = "whatever cookie is not good is refused in the same way; slapd tells those of a strange form apart"
		same = "a cookie is good for the search it was given for; slapd goes on with another one"
		free = "a cookie holds all that is needed to go on (RFC 2696 lets it); slapd remembers one for each connection"
	)
	return []misuse{
		{"the next page, of another size", "", everyone.with(7, nil)},
		{"no more, please", "", everyone.with(0, nil)},
		{"a cookie that is tampered with", form, everyone.with(10, func(c []byte) []byte { c = slices.Clone(c); c[0] ^= 1; return c })},
		{"a cookie that is cut short", form, everyone.with(10, func(c []byte) []byte { return c[:len(c)-1] })},
		{"a cookie of nobody's making", form, everyone.with(10, func([]byte) []byte { return []byte("more, please") })},
		{"a cookie of another filter", same, other.with(10, nil)},
		{"a cookie of another base", same, elsewhere.with(10, nil)},
		{"a cookie of another connection", free, func(first, second *ldap.Conn) (pageSaid, error) {
			_, _, cookie, err := everyone.page(first, 10, nil)
			if err != nil {
				return pageSaid{}, err
			}
			said, _, _, err := everyone.page(second, 10, cookie)
			return said, err
		}},
		{"a cookie for the second time", free, func(first, second *ldap.Conn) (pageSaid, error) {
			_, _, cookie, err := everyone.page(first, 10, nil)
			if err != nil {
				return pageSaid{}, err
			}
			if _, _, _, err := everyone.page(first, 10, cookie); err != nil {
				return pageSaid{}, err
			}
			said, _, _, err := everyone.page(first, 10, cookie)
			return said, err
		}},
	}
}

func TestCookiesAreRefusedWhereSlapdRefusesThem(t *testing.T) {
	p := newPair(t)
	answers := func(name string, c *ldap.Conn, addr string, m misuse) pageSaid {
		t.Helper()
		first, second := dial(t, addr), dial(t, addr)
		if c == p.ours {
			first, second = dialAs(t, addr), dialAs(t, addr)
		}
		said, err := m.do(first, second)
		if err != nil {
			t.Fatalf("%s: %s: %v", name, m.name, err)
		}
		return said
	}
	for _, m := range misuses() {
		ours, theirs := answers("ours", p.ours, p.oursAt, m), answers("slapd", p.slapd, p.slapdAt, m)
		if differ := ours != theirs; differ != (m.why != "") {
			t.Errorf("%s: ours %+v, slapd %+v; meant to differ: %q", m.name, ours, theirs, m.why)
		}
	}
}
