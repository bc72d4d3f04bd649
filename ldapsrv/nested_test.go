package ldapsrv_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"postern/directory"
	"postern/ldapsrv"
	"postern/store"
)

// watched notes what is asked of accounts.
type watched struct {
	*store.Store
	mu    sync.Mutex
	asked []directory.Query
}

func (w *watched) AccountEntries(ctx context.Context, q directory.Query, d directory.Detail) ([]directory.AccountEntry, error) {
	w.mu.Lock()
	w.asked = append(w.asked, q)
	w.mu.Unlock()
	return w.Store.AccountEntries(ctx, q, d)
}

// TestNestedMemberOfIsAnsweredByTheIndex: a filter on memberOf finds who is in
// the group by nesting, and looks through nobody else.
func TestNestedMemberOfIsAnsweredByTheIndex(t *testing.T) {
	db := &watched{Store: openStore(t)}
	fill(t, db.Store)
	c := dial(t, "ldap://"+serveWith(t, func(c *ldapsrv.Config) {
		c.Directory = db
		c.Rules.NestedMemberOf = true
	}))
	if err := c.Bind("cn=oracle,ou=system,"+oracleBase, "x"); err != nil {
		t.Fatal(err)
	}
	logins := func(filter string) (list []string) {
		t.Helper()
		res, err := c.Search(ldap.NewSearchRequest("ou=people,"+oracleBase, ldap.ScopeSingleLevel, 0, 0, 0, false, filter, []string{"uid", "memberOf"}, nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range res.Entries {
			list = append(list, e.GetAttributeValue("uid"))
		}
		slices.Sort(list)
		return list
	}
	// Whoever lists group0 in its memberOf, read from everybody.
	var want []string
	res, err := c.Search(ldap.NewSearchRequest("ou=people,"+oracleBase, ldap.ScopeSingleLevel, 0, 0, 0, false, "(uid=*)", []string{"uid", "memberOf"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range res.Entries {
		if slices.Contains(e.GetAttributeValues("memberOf"), "cn=group0,ou=groups,"+oracleBase) {
			want = append(want, e.GetAttributeValue("uid"))
		}
	}
	slices.Sort(want)
	db.asked = nil
	got := logins("(memberOf=CN=Group0,ou=groups," + oracleBase + ")")
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("in group0 by nesting are %v; want %v", got, want)
	}
	for _, q := range db.asked {
		if len(q.AnyOf) == 0 {
			t.Errorf("everybody was asked for: %+v", q)
		}
	}
	if len(db.asked) == 0 {
		t.Error("nobody was asked for")
	}
	if got := logins("(memberOf=cn=nobody,ou=groups," + oracleBase + ")"); len(got) > 0 {
		t.Errorf("in a group that is not there are %v", got)
	}
}
