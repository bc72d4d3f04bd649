package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/account"
	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
	"postern/policy"
	"postern/secret"
)

// TestWhatAnExchangeCosts counts, over real sockets, engine and store, what the
// server reads from the database and allocates for each exchange: figures that
// are the same on any machine. An attempt with an app password costs one query the
// first time and after any change, and none while nothing is committed. The bounds of allocations leave room for what the
// journal does beside it and for the race detector, which makes pools forget.
func TestWhatAnExchangeCosts(t *testing.T) {
	r := serveQuietly(t, demoConfig+`
[[service_account]]
name = "reader"
networks = ["127.0.0.0/8"]
read = ["ou=people", "ou=groups"]
attributes = ["*"]
`)
	people := r.env.accountsOf(r.site)
	id, _ := r.addPerson(t, "ann")
	issued, err := people.Issue(t.Context(), "cli:test", id, account.Request{Label: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := people.ServiceAccountSecret(t.Context(), "cli:test", "reader")
	if err != nil {
		t.Fatal(err)
	}
	ldap := r.dial(t, "tcp", "ldap.listen")
	searcher := r.dial(t, "tcp", "ldap.listen")
	searcher.once(t, bindRequest("cn=reader,ou=system,dc=example,dc=org", reader.Secret.Reveal()), 0)
	for _, c := range []struct {
		name        string
		on          *plainClient
		request     func(n int) []byte
		want        byte // at want.at of the answer
		least, most int  // queries the first time after a change
		allocations float64
	}{
		{"LDAP bind with an app password", ldap, always(bindRequest("uid=ann,ou=people,dc=example,dc=org", issued.Secret.Reveal())), 0, 1, 1, 50},
		{"PAP with an app password", r.dial(t, "udp", "radius.listen"), papRequests(t, r, issued.Secret), accessAccept, 1, 1, 70},
		{"search by uid", searcher, always(searchRequest("ann")), 0, 2, 3, 60}, // whether entries changed, the searcher's own bind, and the entry
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			exchange := func() { c.on.once(t, c.request(n), c.want); n++ }
			r.costsAfterAChange(t, exchange, c.least, c.most)
			for range exchangesCounted { // what is prepared, pooled and sized is so after the first
				exchange()
			}
			r.costsNoQuery(t, exchange, c.allocations)
			r.costsAfterAChange(t, exchange, c.least, c.most)
		})
	}
}

const (
	exchangesCounted = 300
	countedAgain     = 20 // times at most, where something is committed meanwhile
)

// costsAfterAChange holds the first exchange after something was committed to a
// number of queries, and the second to none.
func (r *running) costsAfterAChange(t *testing.T, exchange func(), least, most int) {
	t.Helper()
	for range countedAgain {
		if err := r.site.store.SetMeta(t.Context(), "changed", rand.Text()); err != nil {
			t.Fatal(err)
		}
		first, _ := r.queriesOf(exchange)
		second, quiet := r.queriesOf(exchange)
		if first < least || first > most || second > most {
			t.Fatalf("%d queries and then %d, want %d to %d and then none", first, second, least, most)
		}
		if quiet && second == 0 {
			return
		}
	}
	t.Error("there is a query each time")
}

// costsNoQuery holds many exchanges, in which nothing is committed, to no query
// and to a number of allocations for each.
func (r *running) costsNoQuery(t *testing.T, exchange func(), allocations float64) {
	t.Helper()
	for range countedAgain {
		var allocated float64
		queries, quiet := r.queriesOf(func() { allocated = testing.AllocsPerRun(exchangesCounted-1, exchange) })
		t.Logf("%.0f allocations and %d queries for %d exchanges", allocated, queries, exchangesCounted)
		if allocated > allocations {
			t.Errorf("%.0f allocations for each, want %.0f at most", allocated, allocations)
		}
		if quiet && queries == 0 {
			return
		}
	}
	t.Error("there are queries although nothing is committed")
}

// queriesOf counts the queries that are run while do runs, and says whether
// nothing was committed meanwhile.
func (r *running) queriesOf(do func()) (queries int, quiet bool) {
	mark, before := r.site.store.Mark(), r.site.store.StatementsRead()
	do()
	return r.site.store.StatementsRead() - before, mark != (policy.Mark{}) && r.site.store.Mark() == mark
}

// serveQuietly serves without what the server does by itself now and then, which
// would be counted too.
func serveQuietly(t *testing.T, config string) *running {
	t.Helper()
	dir := t.TempDir()
	rewriteFile(t, filepath.Join(dir, "config.toml"), config)
	r := open(t, dir)
	ctx, end := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	for _, l := range r.listeners {
		serving.Go(func() { _ = l.serve(ctx) }) // it ends with the test
	}
	t.Cleanup(func() {
		end()
		serving.Wait()
		if err := r.close(); err != nil {
			t.Errorf("closing ends with %v", err)
		}
	})
	return r
}

// plainClient is a socket, with room for an answer, that allocates nothing.
type plainClient struct {
	conn   net.Conn
	answer []byte
}

func (r *running) dial(t *testing.T, network, key string) *plainClient {
	t.Helper()
	conn, err := net.Dial(network, r.address(key))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &plainClient{conn, make([]byte, 4096)}
}

// once sends a request and holds the answer, which comes in one piece, to a
// result: of RADIUS the code, of LDAP that of the message that ends it.
func (c *plainClient) once(t *testing.T, request []byte, want byte) {
	if _, err := c.conn.Write(request); err != nil {
		t.Fatal(err)
	}
	n, err := c.conn.Read(c.answer)
	if err != nil {
		t.Fatal(err)
	}
	answer := c.answer[:n]
	switch {
	case request[0] == accessRequest:
		if answer[0] != want {
			t.Fatalf("the answer is %x", answer)
		}
	case n < 7 || !bytes.Equal(answer[n-7:], []byte{0x0a, 1, want, 4, 0, 4, 0}):
		t.Fatalf("the answer is %x", answer)
	}
}

func always(request []byte) func(int) []byte { return func(int) []byte { return request } }

// papRequests are made beforehand, each with an authenticator of its own.
func papRequests(t *testing.T, r *running, password secret.Text) func(int) []byte {
	t.Helper()
	shared, err := r.current.Load().RADIUS.Clients[0].SharedSecret()
	if err != nil {
		t.Fatal(err)
	}
	requests := make([][]byte, exchangesCounted*(countedAgain+1)+4*countedAgain)
	for n := range requests {
		p := papRequest{shared: shared.Reveal(), login: "ann", password: password.Reveal()}
		binary.BigEndian.PutUint64(p.authenticator[:], uint64(n)+1)
		requests[n] = p.encode()
	}
	return func(n int) []byte { return requests[n] }
}

// searchRequest looks for somebody by uid, in the whole tree.
func searchRequest(uid string) []byte {
	b, message := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, 1)
	b, search := ber.Begin(b, wire.OpSearch)
	b = ber.AppendString(b, ber.OctetString, "dc=example,dc=org")
	b = ber.AppendInt(b, ber.Enumerated, 2)
	b = ber.AppendInt(b, ber.Enumerated, 0)
	b = ber.AppendInt(b, ber.Integer, 0)
	b = ber.AppendInt(b, ber.Integer, 0)
	b = append(b, 0x01, 0x01, 0x00)
	b, equal := ber.Begin(b, ber.ContextConstructed(3))
	b = ber.AppendString(b, ber.OctetString, "uid")
	b = ber.AppendString(b, ber.OctetString, uid)
	b = ber.End(b, equal)
	b, list := ber.Begin(b, ber.Sequence)
	for _, name := range strings.Fields("uid cn mail") {
		b = ber.AppendString(b, ber.OctetString, name)
	}
	return ber.End(ber.End(ber.End(b, list), search), message)
}
