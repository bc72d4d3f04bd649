package ldapsrv_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"postern/directory"
	"postern/policy"
)

// benchPeople is how many people the benchmarks search.
// POSTERN_BENCH_ACCOUNTS asks for another number.
func benchPeople() int {
	if n, err := strconv.Atoi(os.Getenv("POSTERN_BENCH_ACCOUNTS")); err == nil && n > 0 {
		return n
	}
	return 100_000
}

// benchServer serves that many people in 50 groups.
func benchServer(b *testing.B) *ldap.Conn {
	b.Helper()
	db := openStore(b)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	im := policy.Import{}
	for i := range 50 {
		im.Groups = append(im.Groups, directory.Group{ID: newID(b), Name: fmt.Sprintf("group%d", i), CreatedAt: at, ModifiedAt: at})
	}
	for i := range benchPeople() {
		login := fmt.Sprintf("user%06d", i)
		im.Add = append(im.Add, policy.Holder{Groups: []string{fmt.Sprintf("group%d", i%50)}, Account: directory.Account{
			ID: newID(b), Login: login, Name: "Person " + login, Mail: login + "@example.org", CreatedAt: at, ModifiedAt: at,
		}})
	}
	ev := directory.Event{ID: newID(b), At: at, LastAt: at, Count: 1, Kind: directory.EventAccountsImported}
	if err := db.ImportAccounts(b.Context(), im, ev); err != nil {
		b.Fatal(err)
	}
	c := dial(b, "ldap://"+startOurs(b, db))
	if err := c.Bind("cn=oracle,ou=system,"+oracleBase, "x"); err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkIndexedSearch finds one person by login, on one connection.
func BenchmarkIndexedSearch(b *testing.B) {
	c := benchServer(b)
	n := benchPeople()
	for i := 0; b.Loop(); i++ {
		uid := fmt.Sprintf("user%06d", i*7919%n)
		res, err := c.Search(ldap.NewSearchRequest(oracleBase, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(uid="+uid+")", []string{"uid", "cn", "mail"}, nil))
		if err != nil || len(res.Entries) != 1 {
			b.Fatal(res, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "searches/s")
}

// BenchmarkPagedRead reads the whole tree in pages of 1000.
func BenchmarkPagedRead(b *testing.B) {
	c := benchServer(b)
	entries := 0
	for b.Loop() {
		res, err := c.SearchWithPaging(ldap.NewSearchRequest(oracleBase, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=*)", []string{"uid", "cn", "mail"}, nil), 1000)
		if err != nil || len(res.Entries) != benchPeople()+54 {
			b.Fatal(err)
		}
		entries += len(res.Entries)
	}
	b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
}
