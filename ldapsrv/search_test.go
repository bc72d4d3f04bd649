package ldapsrv

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern/directory"
	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
	"postern/policy"
	"postern/secret"
)

// fakeDirectory lists what it holds whatever the terms ask for: a superset of
// any filter. What a search answers must not depend on more.
type fakeDirectory struct {
	people  []directory.AccountEntry // in the order of their ids
	groups  []directory.GroupEntry
	batches int
	before  func(ctx context.Context, batch int) error // called before each batch of people; nil: not
}

func (f *fakeDirectory) AccountEntries(ctx context.Context, q directory.Query, _ directory.Detail) (list []directory.AccountEntry, err error) {
	f.batches++
	if f.before != nil {
		if err := f.before(ctx, f.batches); err != nil {
			return nil, err
		}
	}
	for _, p := range f.people {
		if p.ID > q.After && p.Kind == q.Kind && len(list) < q.Limit {
			list = append(list, p)
		}
	}
	return list, nil
}

func (f *fakeDirectory) GroupEntries(_ context.Context, q directory.Query, _ directory.Detail) (list []directory.GroupEntry, err error) {
	for _, g := range f.groups {
		if g.ID > q.After {
			list = append(list, g)
		}
	}
	return list, nil
}

func (f *fakeDirectory) DirectoryCounts(context.Context) (directory.Counts, error) {
	return directory.Counts{People: len(f.people), Groups: len(f.groups)}, nil
}

func (f *fakeDirectory) GroupsAbove(context.Context, directory.Member) ([]string, error) {
	return []string{"readers"}, nil
}

func (f *fakeDirectory) GroupsBelow(context.Context, string) ([]string, error) { return nil, nil }

// fakeKeys authenticate with nothing secret.
type fakeKeys struct{}

func (fakeKeys) RowMAC(purpose string, fields ...[]byte) (m secret.MAC) {
	sum := bytes.Join(append([][]byte{[]byte(purpose)}, fields...), []byte{0})
	for i, b := range sum {
		m[i%len(m)] = m[i%len(m)]*31 + b + byte(i)
	}
	return m
}

func (k fakeKeys) RowMACValid(m secret.MAC, purpose string, fields ...[]byte) bool {
	return k.RowMAC(purpose, fields...) == m
}

// aDirectory holds that many people: user00000, user00001, …
func aDirectory(people int) *fakeDirectory {
	f := &fakeDirectory{}
	for i := range people {
		login := fmt.Sprintf("user%05d", i)
		f.people = append(f.people, directory.AccountEntry{Account: directory.Account{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Login: login, Name: "Person " + login, UIDNumber: int64(10000 + i),
		}})
	}
	return f
}

// searching returns a configuration with f to search, which ann may read.
func searching(f *fakeDirectory) Config {
	c := testConfig()
	c.Directory, c.Cookies = f, fakeKeys{}
	c.Rules.Readers = []string{"readers"}
	c.Authenticator = authFunc(func(ctx context.Context, a policy.Attempt) policy.Decision {
		d := knowsAnn(ctx, a)
		d.Account = "ann's"
		return d
	})
	return c
}

// boundSession is a session of ann with f to search.
func boundSession(t testing.TB, f *fakeDirectory, change func(*Config)) *session {
	t.Helper()
	c := searching(f)
	if change != nil {
		change(&c)
	}
	srv, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{service: &srv.service, peer: peer{remote: loopback}}
	ask(t, s, bindMessage(1, annName, "right"))
	if !s.who.bound {
		t.Fatal("ann is not bound")
	}
	return s
}

// ask says frame to the session and returns what is answered, message by
// message.
func ask(t testing.TB, s *session, frame []byte) []said {
	t.Helper()
	m, err := wire.Decode(frame)
	fault, ok := asFault(err)
	if !ok {
		t.Fatalf("%x: %v", frame, err)
	}
	return sayings(t, s.handle(t.Context(), request{Message: m, at: testTime}, fault, nil).out)
}

// said is one message of an answer.
type said struct {
	op       ber.Tag
	code     wire.Code // of a result
	first    string    // the name of an entry, or the matchedDN
	controls []byte
	raw      []byte
}

func sayings(t testing.TB, out []byte) (list []said) {
	t.Helper()
	r := ber.NewReader(out)
	for !r.Empty() {
		_, raw, err := r.Raw()
		if err != nil {
			t.Fatalf("%x: %v", out, err)
		}
		list = append(list, saying(t, raw))
	}
	return list
}

func saying(t testing.TB, raw []byte) (m said) {
	t.Helper()
	outer := ber.NewReader(raw)
	in, err := outer.Sub(ber.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Int(ber.Integer); err != nil {
		t.Fatal(err)
	}
	tag, content, err := in.Next()
	if err != nil {
		t.Fatal(err)
	}
	m.op, m.raw = tag, raw
	op := ber.NewReader(content)
	if tag != wire.OpSearchEntry {
		code, err := op.Int(ber.Enumerated)
		if err != nil {
			t.Fatal(err)
		}
		m.code = wire.Code(code)
	}
	name, err := op.Read(ber.OctetString)
	if err != nil {
		t.Fatal(err)
	}
	m.first = string(name)
	if !in.Empty() {
		_, m.controls, _ = in.Next()
	}
	return m
}

// entriesOf are the first RDNs of the entries of an answer.
func entriesOf(list []said) (names []string) {
	for _, m := range list {
		if m.op == wire.OpSearchEntry {
			rdn, _, _ := strings.Cut(m.first, ",")
			names = append(names, rdn)
		}
	}
	return names
}

func last(list []said) said { return list[len(list)-1] }

func TestLimitsEndASearchWithTheirCodes(t *testing.T) {
	f := aDirectory(2000)
	people := "ou=people," + testBase
	for _, c := range []struct {
		name   string
		change func(*Config)
		size   int32
		want   wire.Code
		count  int
	}{
		{"no limit", nil, 0, wire.Success, 2000},
		{"the client's size limit", nil, 7, wire.SizeLimitExceeded, 7},
		{"a size limit that is just enough", nil, 2000, wire.Success, 2000},
		{"the server's size limit", func(c *Config) { c.Rules.Search.Entries = 700 }, 900, wire.SizeLimitExceeded, 700},
		{"look-through", func(c *Config) { c.Rules.Search.LookThrough = 1000 }, 0, wire.AdminLimitExceeded, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := boundSession(t, f, c.change)
			m, err := wire.Decode(searchMessage(2, people, wire.SingleLevel, present("uid"), []string{"1.1"}))
			if err != nil {
				t.Fatal(err)
			}
			q := m.Request.(*wire.SearchRequest)
			q.SizeLimit = c.size
			m.Request = q
			list := sayings(t, s.handle(t.Context(), request{Message: m, at: testTime}, nil, nil).out)
			if got := len(entriesOf(list)); last(list).code != c.want || got != c.count {
				t.Errorf("%d entries and %v; want %d and %v", got, last(list).code, c.count, c.want)
			}
		})
	}
}

// TestLimitsOfSearchesAreThoseOfTheRulesNow: a reload bites at the next search
// of connections that are open.
func TestLimitsOfSearchesAreThoseOfTheRulesNow(t *testing.T) {
	c := searching(aDirectory(20))
	srv, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{service: &srv.service, peer: peer{remote: loopback}}
	ask(t, s, bindMessage(1, annName, "right"))
	for _, limit := range []struct {
		limits SearchLimits
		want   wire.Code
		count  int
	}{
		{SearchLimits{}, wire.Success, 20},
		{SearchLimits{Entries: 3}, wire.SizeLimitExceeded, 3},
		{SearchLimits{LookThrough: 5}, wire.AdminLimitExceeded, 5},
		{SearchLimits{Entries: 20, LookThrough: 20}, wire.Success, 20},
	} {
		c.Rules.Search = limit.limits
		if err := srv.SetRules(c.Rules); err != nil {
			t.Fatal(err)
		}
		list := ask(t, s, searchMessage(2, "ou=people,"+testBase, wire.SingleLevel, present("uid"), nil))
		if got := len(entriesOf(list)); last(list).code != limit.want || got != limit.count {
			t.Errorf("under %+v: %d entries and %v; want %d and %v", limit.limits, got, last(list).code, limit.count, limit.want)
		}
	}
}

func TestATimeLimitEndsASearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := aDirectory(2000)
		f.before = func(ctx context.Context, batch int) error {
			if batch < 3 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		s := boundSession(t, f, func(c *Config) { c.Rules.Search.Time = 3 * time.Second })
		began := time.Now()
		list := ask(t, s, searchMessage(2, testBase, wire.WholeSubtree, present("uid"), nil))
		if got := time.Since(began); last(list).code != wire.TimeLimitExceeded || got != 3*time.Second {
			t.Errorf("%v after %v", last(list).code, got)
		}
	})
}

// overPipe runs a session over a connection in memory, bound as ann.
func overPipe(t *testing.T, f *fakeDirectory, test func(t *testing.T, c net.Conn)) {
	inBubble(t, searching(f), ListenerOptions{}, func(t *testing.T, b *bubble) {
		c := b.dial()
		send(t, c, bindMessage(1, annName, "right"))
		expectBytes(t, c, wire.AppendResult(nil, 1, wire.OpBindResponse, wire.Result{}))
		test(t, c)
	})
}

// waiting is a directory whose third batch comes only when its search ends.
func waiting(ended chan<- error) *fakeDirectory {
	f := aDirectory(3 * batchSize)
	f.before = func(ctx context.Context, batch int) error {
		if batch == 3 {
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return ctx.Err()
		}
		return nil
	}
	return f
}

// TestAbandonAndCancelEndTheQuery: the search waits for the database, and what
// the client sends meanwhile is heard.
func TestAbandonAndCancelEndTheQuery(t *testing.T) {
	cancelOf := func(id byte) []byte {
		return extendedMessage(3, wire.OIDCancel, string([]byte{0x30, 3, 2, 1, id}))
	}
	canceled := wire.AppendResultWith(nil, 2, wire.OpSearchDone, wire.Result{Code: wire.Canceled}, nil)
	for _, c := range []struct {
		name string
		says []byte
		want []byte // behind the entries
	}{
		{"abandon", abandonMessage(3, 2), whoAmIAnswer(9, "dn:"+annName)},
		{"cancel", cancelOf(2), append(append(canceled, wire.AppendResult(nil, 3, wire.OpExtendedResponse, wire.Result{})...),
			whoAmIAnswer(9, "dn:"+annName)...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			ended := make(chan error, 1) // buffered: nobody in the bubble waits to send
			overPipe(t, waiting(ended), func(t *testing.T, conn net.Conn) {
				answers := make(chan []byte, 1)
				go func() { answers <- readUntil(conn, whoAmIAnswer(9, "dn:"+annName)) }()
				send(t, conn, searchMessage(2, testBase, wire.WholeSubtree, present("uid"), nil))
				synctest.Wait() // until the third batch is waited for
				send(t, conn, whoAmIMessageAhead(c.says))
				if err := <-ended; err != errAbandoned && err != errCanceled {
					t.Errorf("the query ended with %v", err)
				}
				got := <-answers
				if i := bytes.Index(got, []byte{0x65}); !bytes.HasSuffix(got, c.want) || c.name == "abandon" && i >= 0 && bytes.Contains(got, canceled) {
					t.Errorf("behind the entries came %q, want %q", got[max(0, len(got)-80):], c.want)
				}
			})
		})
	}
}

// whoAmIMessageAhead puts a Who am I? behind a message.
func whoAmIMessageAhead(b []byte) []byte { return append(bytes.Clone(b), whoAmIMessage(9)...) }

// readUntil reads until what came ends in suffix.
func readUntil(c net.Conn, suffix []byte) (got []byte) {
	buf := make([]byte, 4096)
	for !bytes.HasSuffix(got, suffix) {
		n, err := c.Read(buf)
		if got = append(got, buf[:n]...); err != nil {
			return got
		}
	}
	return got
}

func TestAClientThatIsGoneEndsTheQuery(t *testing.T) {
	ended := make(chan error, 1)
	overPipe(t, waiting(ended), func(t *testing.T, conn net.Conn) {
		go readUntil(conn, []byte("what never comes"))
		send(t, conn, searchMessage(2, testBase, wire.WholeSubtree, present("uid"), nil))
		synctest.Wait() // until the third batch is waited for
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != errAbandoned {
			t.Errorf("the query ended with %v", err)
		}
	})
}

func TestACancelOfNothingSaysSo(t *testing.T) {
	s := boundSession(t, aDirectory(1), nil)
	if got := last(ask(t, s, extendedMessage(2, wire.OIDCancel, "\x30\x03\x02\x01\x09"))).code; got != wire.NoSuchOperation {
		t.Errorf("a cancel of what is not under way: %v", got)
	}
	if got := last(ask(t, s, extendedMessage(3, wire.OIDCancel, "\x30\x03\x02"))).code; got != wire.ProtocolError {
		t.Errorf("a garbled cancel: %v", got)
	}
}

// pagedSearch is a search for people with a paged results control.
func pagedSearch(id int32, f []byte, size int32, cookie []byte) []byte {
	control, mark := ber.Begin(nil, ber.Sequence)
	control = ber.AppendInt(control, ber.Integer, size)
	control = ber.AppendString(control, ber.OctetString, cookie)
	control = ber.End(control, mark)
	plain := searchMessage(id, testBase, wire.WholeSubtree, f, []string{"1.1"})
	r := ber.NewReader(plain)
	in, err := r.Sub(ber.Sequence)
	if err != nil {
		panic(err)
	}
	_, number, _ := in.Raw()
	_, op, _ := in.Raw()
	b, message := ber.Begin(nil, ber.Sequence)
	b = append(append(b, number...), op...)
	b, list := ber.Begin(b, ber.ContextConstructed(0))
	b, one := ber.Begin(b, ber.Sequence)
	b = ber.AppendString(b, ber.OctetString, wire.OIDPaged)
	b = ber.AppendBool(b, ber.Boolean, true)
	b = ber.AppendString(b, ber.OctetString, control)
	return ber.End(ber.End(ber.End(b, one), list), message)
}

// cookieIn is the cookie of a paged response.
func cookieIn(t testing.TB, m said) []byte {
	t.Helper()
	list := ber.NewReader(m.controls)
	c, err := list.Sub(ber.Sequence)
	if err != nil {
		t.Fatalf("there is no control: %v", err)
	}
	_, _, _ = c.Next()
	value, err := c.Read(ber.OctetString)
	if err != nil {
		t.Fatal(err)
	}
	_, cookie, ok := readPaged(value)
	if !ok {
		t.Fatalf("%x is no paged value", value)
	}
	return cookie
}

func TestPagesTogetherAreTheWhole(t *testing.T) {
	f := aDirectory(1300)
	for _, size := range []int32{1, 7, 500, 512, 1300, 5000} {
		s := boundSession(t, f, nil)
		seen := map[string]int{}
		var cookie []byte
		for pages := 0; ; pages++ {
			list := ask(t, s, pagedSearch(2, present("objectClass"), size, cookie))
			if last(list).code != wire.Success || len(list)-1 > int(size) {
				t.Fatalf("a page of %d came to %d entries and %v", size, len(list)-1, last(list).code)
			}
			for _, m := range list[:len(list)-1] {
				seen[m.first]++
			}
			if cookie = cookieIn(t, last(list)); len(cookie) == 0 {
				break
			}
			if len(list)-1 != int(size) || pages > 1400 {
				t.Fatalf("a page of %d that is not the last held %d", size, len(list)-1)
			}
		}
		if len(seen) != 1304 { // and the base with its three units
			t.Errorf("in pages of %d there were %d entries", size, len(seen))
		}
		for name, n := range seen {
			if n != 1 {
				t.Errorf("in pages of %d, %s came %d times", size, name, n)
			}
		}
	}
}

func TestACookieIsGoodForItsSearchOnly(t *testing.T) {
	f := aDirectory(20)
	s := boundSession(t, f, nil)
	cookie := cookieIn(t, last(ask(t, s, pagedSearch(2, present("uid"), 5, nil))))
	if len(cookie) == 0 {
		t.Fatal("there is no cookie")
	}
	with := func(s *session, f, cookie []byte, at time.Time) wire.Code {
		m, err := wire.Decode(pagedSearch(3, f, 5, cookie))
		if err != nil {
			t.Fatal(err)
		}
		return last(sayings(t, s.handle(t.Context(), request{Message: m, at: at}, nil, nil).out)).code
	}
	forged := bytes.Clone(cookie)
	forged[1]++
	other := boundSession(t, f, nil)
	other.who.account = "bob's"
	for _, c := range []struct {
		name string
		got  wire.Code
		want wire.Code
	}{
		{"as it was given", with(s, present("uid"), cookie, testTime), wire.Success},
		{"again", with(s, present("uid"), cookie, testTime), wire.Success},
		{"on another connection of the same account", with(boundSession(t, f, nil), present("uid"), cookie, testTime), wire.Success},
		{"by somebody else", with(other, present("uid"), cookie, testTime), wire.UnwillingToPerform},
		{"with another filter", with(s, present("cn"), cookie, testTime), wire.UnwillingToPerform},
		{"changed", with(s, present("uid"), forged, testTime), wire.UnwillingToPerform},
		{"cut short", with(s, present("uid"), cookie[:10], testTime), wire.UnwillingToPerform},
		{"two hours later", with(s, present("uid"), cookie, testTime.Add(2*time.Hour)), wire.UnwillingToPerform},
	} {
		if c.got != c.want {
			t.Errorf("a cookie %s: %v, want %v", c.name, c.got, c.want)
		}
	}
}
