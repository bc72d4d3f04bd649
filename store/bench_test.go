package store

import (
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// benchAccounts is how many accounts the benchmarks draw from; each has three
// app passwords. POSTERN_BENCH_ACCOUNTS asks for another number.
func benchAccounts() int {
	if n, err := strconv.Atoi(os.Getenv("POSTERN_BENCH_ACCOUNTS")); err == nil && n > 0 {
		return n
	}
	return 10_000
}

const perAccount = 3

var benchStart = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// benchDigest spreads like a real digest: a key id, then what looks random.
func benchDigest(account, n int) (d secret.Digest) {
	var in [16]byte
	binary.BigEndian.PutUint64(in[:], uint64(account))
	binary.BigEndian.PutUint64(in[8:], uint64(n))
	sum := sha256.Sum256(in[:])
	copy(d[4:], sum[:])
	return d
}

func benchID(kind string, n int) string {
	sum := sha256.Sum256([]byte(kind + strconv.Itoa(n)))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func fill(b *testing.B, s *Store, n int) {
	b.Helper()
	for from := 0; from < n; from += 10_000 {
		im := policy.Import{}
		for i := from; i < min(from+10_000, n); i++ {
			login := fmt.Sprintf("user%07d", i)
			im.Add = append(im.Add, policy.Holder{MFADemanded: true, PasswordHash: secret.NewText("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2E$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"),
				Account: directory.Account{ID: benchID("account", i), Login: login, Name: "Some Body " + strconv.Itoa(i),
					Mail: login + "@example.org", PasswordChangedAt: benchStart, CreatedAt: benchStart, ModifiedAt: benchStart}})
		}
		ok(b, s.ImportAccounts(b.Context(), im, directory.Event{ID: benchID("import", from), At: benchStart, Kind: directory.EventAccountsImported}))
		ok(b, s.update(b.Context(), "issuing", func(ses *session) error { return issueAll(ses, from, min(from+10_000, n)) }))
	}
}

// issueAll issues for many accounts in one transaction.
func issueAll(ses *session, from, to int) error {
	for i := from; i < to; i++ {
		for j := range perAccount {
			if err := insertAppPassword(ses, benchHolding(i, j)); err != nil {
				return err
			}
		}
	}
	return nil
}

func benchHolding(i, j int) policy.Holding {
	h := policy.Holding{Digest: benchDigest(i, j), Credential: directory.AppPassword{
		ID: benchID("app password", i*perAccount+j), AccountID: benchID("account", i), Label: "phone", CreatedAt: benchStart,
		Services: []string{[]string{"any", "mail", "vpn"}[j]}}}
	if j == 2 {
		h.Credential.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	}
	return h
}

// reportProcessor reports the processor's time of one operation too, which is
// the same on a machine that does other things meanwhile.
func reportProcessor(b *testing.B) (done func()) {
	before := processorTime(b)
	return func() { b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op") }
}

func processorTime(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	ok(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkEntry looks for accounts by login, drawn at random, whose entries are
// remembered.
func BenchmarkEntry(b *testing.B) {
	n := benchAccounts()
	s := openHere(b, Options{Dir: b.TempDir()})
	fill(b, s, n)
	logins := make([]string, n)
	find := func(i int) {
		q := directory.Query{AnyOf: []directory.Term{{Attribute: "uid", Value: logins[i]}}}
		if list, err := s.AccountEntries(b.Context(), q, 0); err != nil || len(list) != 1 {
			b.Fatal(list, err)
		}
	}
	for i := range logins {
		logins[i] = fmt.Sprintf("user%07d", i)
		find(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		find(rand.IntN(n))
	}
}

// BenchmarkAppPassword is the one query of an attempt with an app password,
// by login and by mail address, drawn at random.
func BenchmarkAppPassword(b *testing.B) {
	n := benchAccounts()
	s := openHere(b, Options{Dir: b.TempDir()})
	fill(b, s, n)
	for _, c := range []struct{ name, domain string }{{"login", ""}, {"mail", "@example.org"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			defer reportProcessor(b)()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := rand.IntN(n)
					name := directory.ParseName(fmt.Sprintf("user%07d%s", i, c.domain), directory.AnyName, "example.org")
					h, err := s.AppPassword(b.Context(), []secret.Digest{benchDigest(i, rand.IntN(perAccount))}, name)
					if err != nil || !h.Named {
						b.Errorf("%v, named %v", err, h.Named)
						return
					}
				}
			})
		})
	}
}

// BenchmarkHolderByName is what an attempt with a primary password reads.
func BenchmarkHolderByName(b *testing.B) {
	n := benchAccounts()
	s := openHere(b, Options{Dir: b.TempDir()})
	fill(b, s, n)
	for _, c := range []struct{ name, domain string }{{"login", ""}, {"mail", "@example.org"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				typed := fmt.Sprintf("user%07d%s", rand.IntN(n), c.domain)
				_, err := s.HolderByName(b.Context(), directory.ParseName(typed, directory.AnyName, "example.org"))
				ok(b, err)
			}
		})
	}
}

// BenchmarkHolders is a search by uid, and a page of everybody.
func BenchmarkHolders(b *testing.B) {
	n := benchAccounts()
	s := openHere(b, Options{Dir: b.TempDir()})
	fill(b, s, n)
	b.Run("uid", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			login := fmt.Sprintf("user%07d", rand.IntN(n))
			list, err := s.Holders(b.Context(), directory.Query{AnyOf: []directory.Term{{Attribute: "uid", Value: login}}})
			if err != nil || len(list) != 1 {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("page of 500", func(b *testing.B) {
		b.ReportAllocs()
		after := ""
		for b.Loop() {
			list, err := s.Holders(b.Context(), directory.Query{After: after})
			ok(b, err)
			after = ""
			if len(list) > 0 {
				after = list[len(list)-1].Account.ID
			}
		}
	})
}

// BenchmarkChange is a durable change with its event, one after the other.
func BenchmarkChange(b *testing.B) {
	s := openHere(b, Options{Dir: b.TempDir()})
	fill(b, s, 1)
	on := true
	for i := 0; b.Loop(); i++ {
		on = !on
		ok(b, s.ChangeAccount(b.Context(), benchID("account", 0), policy.AccountChange{Disabled: &on},
			directory.Event{ID: benchID("change", i), At: benchStart, Kind: directory.EventAccountDisabled}))
	}
}

// BenchmarkEvents is a batch of 256 events.
func BenchmarkEvents(b *testing.B) {
	s := openHere(b, Options{Dir: b.TempDir()})
	batch := make([]directory.Event, 256)
	for i := 0; b.Loop(); i++ {
		for j := range batch {
			batch[j] = directory.Event{ID: benchID("event", i*len(batch)+j), At: benchStart, Kind: directory.EventSignIn, AccountID: benchID("account", j),
				Login: "ann", Outcome: "accept", Reason: "app_password", Service: "mail", Protocol: "ldap", Method: "simple", Source: "192.0.2.1"}
		}
		ok(b, s.AppendEvents(b.Context(), batch))
	}
}

// BenchmarkImport is an import of ten thousand accounts.
func BenchmarkImport(b *testing.B) {
	const size = 10_000
	for b.Loop() {
		b.StopTimer()
		s := openHere(b, Options{Dir: b.TempDir()})
		var im policy.Import
		for i := range size {
			login := fmt.Sprintf("user%07d", i)
			im.Add = append(im.Add, policy.Holder{Account: directory.Account{ID: benchID("account", i), Login: login, Mail: login + "@example.org"}})
		}
		b.StartTimer()
		ok(b, s.ImportAccounts(b.Context(), im, directory.Event{ID: benchID("import", 0), At: benchStart, Kind: directory.EventAccountsImported}))
	}
}

// BenchmarkJournal is what an event and a last use cost, in batches as large as
// the journal's, of sign-ins drawn at random.
func BenchmarkJournal(b *testing.B) {
	n := benchAccounts()
	s := openHere(b, Options{Dir: b.TempDir()})
	fill(b, s, n)
	at := benchStart
	tick := func() time.Time { at = at.Add(time.Millisecond); return at }
	b.Run("event", func(b *testing.B) {
		defer reportProcessor(b)()
		inBatches(b.N, 8192, func(size int) {
			batch := make([]directory.Event, size)
			for i := range batch {
				batch[i] = benchEvent(b, rand.IntN(n), tick())
			}
			ok(b, s.AppendEvents(b.Context(), batch))
		})
	})
	b.Run("event again", func(b *testing.B) {
		events := make([]directory.Event, 8192)
		for i := range events {
			events[i] = benchEvent(b, rand.IntN(n), tick())
		}
		ok(b, s.AppendEvents(b.Context(), events))
		defer reportProcessor(b)()
		inBatches(b.N, len(events), func(size int) {
			batch := make([]policy.Recount, size)
			for i := range batch {
				batch[i] = policy.Recount{Event: events[i].ID, Count: 2, LastAt: tick()}
			}
			_, err := s.RecountEvents(b.Context(), batch)
			ok(b, err)
		})
	})
	b.Run("use", func(b *testing.B) {
		defer reportProcessor(b)()
		inBatches(b.N, 16384, func(size int) {
			batch := make([]policy.Use, size)
			for i := range batch {
				batch[i] = policy.Use{Credential: benchID("app password", rand.IntN(n*perAccount)), At: tick(), From: "192.0.2.1", Service: "mail"}
			}
			ok(b, s.TouchAppPasswords(b.Context(), batch))
		})
	})
}

func inBatches(n, size int, write func(size int)) {
	for ; n > 0; n -= size {
		write(min(n, size))
	}
}

func benchEvent(b *testing.B, account int, at time.Time) directory.Event {
	id, err := directory.NewTimedID(at, crand.Reader)
	ok(b, err)
	return directory.Event{ID: id, At: at, Kind: directory.EventSignIn, AccountID: benchID("account", account), Login: "user0000000",
		Outcome: "accept", Reason: "app_password", Service: "mail", Protocol: "ldap", Method: "simple", Source: "192.0.2.1", Credential: id}
}
