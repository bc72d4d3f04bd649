package ldapsrv_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// searchWith is a search of the whole tree with the filter element f.
func searchWith(f []byte) []byte {
	b, message := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, 2)
	b, op := ber.Begin(b, wire.OpSearch)
	b = ber.AppendString(b, ber.OctetString, oracleBase)
	b = ber.AppendInt(b, ber.Enumerated, int32(wire.WholeSubtree))
	b = ber.AppendInt(b, ber.Enumerated, 0)
	b = ber.AppendInt(b, ber.Integer, 0)
	b = ber.AppendInt(b, ber.Integer, 0)
	b = ber.AppendBool(b, ber.Boolean, false)
	b = append(b, f...)
	b, list := ber.Begin(b, ber.Sequence)
	return ber.End(ber.End(ber.End(b, list), op), message)
}

// substring asserts that the name holds what no name holds.
func substring() []byte {
	b, leaf := ber.Begin(nil, 0xa4)
	b = ber.AppendString(b, ber.OctetString, "cn")
	b, parts := ber.Begin(b, ber.Sequence)
	for range 6 {
		b = ber.AppendString(b, 0x81, "e")
	}
	return ber.End(ber.End(b, parts), leaf)
}

func nested(depth int) []byte {
	f := []byte{0x87, 2, 'c', 'n'}
	for range depth {
		f = ber.AppendString(nil, 0xa2, f)
	}
	return f
}

func wide(nodes int, leaf []byte) []byte {
	return ber.AppendString(nil, 0xa1, bytes.Repeat(leaf, nodes))
}

// hostileFilters are sent again and again on bound connections. None of them is
// read an answer to.
var hostileFilters = []struct {
	name   string
	frames []byte
}{
	{"56 negations deep", bytes.Repeat(searchWith(nested(56)), 50)},
	{"a thousand negations deep", searchWith(nested(1000))},
	{"1000 substrings wide", bytes.Repeat(searchWith(wide(1000, substring())), 4)},
	{"10000 wide", searchWith(wide(10_000, []byte{0x87, 2, 'c', 'n'}))},
	{"a million nodes", searchWith(wide(1_000_000, []byte{0x87, 0}))},
	{"a length that lies", searchWith([]byte{0xa0, 0x82, 0xff, 0xff, 0x87, 2, 'c', 'n'})},
	{"a length within that lies", searchWith([]byte{0xa0, 4, 0x87, 100, 'c', 'n'})},
	{"whole trees that nobody reads", bytes.Repeat(searchWith([]byte{0x87, 11, 'o', 'b', 'j', 'e', 'c', 't', 'C', 'l', 'a', 's', 's'}), 500)},
}

// TestHostileSearchesDisturbNobody: while several connections send nothing but
// filters made to hurt, and read no answer, others bind and search a thousand
// times, and every time with success.
func TestHostileSearchesDisturbNobody(t *testing.T) {
	db := openStore(t)
	fill(t, db)
	addr := startOurs(t, db)
	stop := make(chan struct{})
	var sent atomic.Int64
	var attackers sync.WaitGroup
	for _, h := range hostileFilters {
		attackers.Go(func() { attack(addr, h.frames, stop, &sent) })
	}
	for end := time.Now().Add(patience); sent.Load() < 1<<20 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		continue // they are to be at it when the others come
	}
	began := time.Now()
	var others sync.WaitGroup
	for worker := range 10 {
		others.Go(func() {
			for i := range 100 {
				if err := bindAndSearch(addr, worker*100+i); err != nil {
					t.Errorf("bind and search %d of worker %d: %v", i, worker, err)
					return
				}
			}
		})
	}
	others.Wait()
	took := time.Since(began)
	close(stop)
	attackers.Wait()
	if sent.Load() < 1<<20 {
		t.Errorf("only %d bytes were sent against it", sent.Load())
	}
	t.Logf("1000 binds and searches took %v beside %d MB of hostile requests", took, sent.Load()>>20)
}

// attack binds and sends frames until told to stop, and connects anew when it
// is thrown out.
func attack(addr string, frames []byte, stop <-chan struct{}, sent *atomic.Int64) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			continue
		}
		over := make(chan struct{})
		go func() {
			select {
			case <-stop:
			case <-over:
			}
			_ = c.Close()
		}()
		hurt(c, frames, sent)
		close(over)
	}
}

// hurt binds on c and sends frames for as long as the server takes them.
func hurt(c net.Conn, frames []byte, sent *atomic.Int64) {
	bind := []byte("\x30\x0f\x02\x01\x01\x60\x0a\x02\x01\x03\x04\x02xx\x80\x01x")
	if _, err := c.Write(bind); err != nil {
		return
	}
	if _, err := io.ReadFull(c, make([]byte, 14)); err != nil {
		return
	}
	for {
		n, err := c.Write(frames)
		if sent.Add(int64(n)); err != nil {
			return
		}
	}
}

func bindAndSearch(addr string, i int) error {
	c, err := ldap.DialURL("ldap://" + addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetTimeout(patience)
	if err := c.Bind("cn=oracle,ou=system,"+oracleBase, "x"); err != nil {
		return err
	}
	uid := fmt.Sprintf("user%02d", i%60)
	res, err := c.Search(ldap.NewSearchRequest(oracleBase, ldap.ScopeWholeSubtree, 0, 0, 0, false, "(uid="+uid+")", []string{"uid"}, nil))
	if err != nil {
		return err
	}
	if len(res.Entries) != 1 || res.Entries[0].GetAttributeValue("uid") != uid {
		return fmt.Errorf("found %d entries", len(res.Entries))
	}
	return nil
}
