package ldapsrv

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"time"

	"postern/ldapsrv/ber"
	"postern/ldapsrv/entry"
	"postern/ldapsrv/wire"
	"postern/secret"
)

// page is the state of a paged search (RFC 2696). It is all in the cookie: the
// server keeps nothing between two pages. A nil page is a search that is not
// paged.
type page struct {
	size   int // entries; 0: the client wants no more of them
	sent   int // on this page
	total  int // on the pages before
	more   bool
	stage  entry.Kind // of the last entry that was sent
	id     string     // and its id
	resume bool       // the page continues behind stage and id
}

// cookieLife is for how long a cookie is good.
const cookieLife = time.Hour

var errBadCookie = errors.New("the cookie is not of this search, or too old")

// beyond reports whether all entries of that kind were sent on pages before.
func (p *page) beyond(k entry.Kind) bool { return p != nil && p.resume && k < p.stage }

// after is the id behind which the page begins, among entries of that kind.
func (p *page) after(k entry.Kind) string {
	if p != nil && p.resume && k == p.stage {
		return p.id
	}
	return ""
}

func (p *page) full() bool { return p != nil && p.sent >= p.size }

// before is how many entries were sent on pages before.
func (p *page) before() int {
	if p == nil {
		return 0
	}
	return p.total
}

// note remembers the last entry that was sent.
func (p *page) note(k entry.Kind, id string) {
	if p != nil {
		p.sent++
		p.stage, p.id = k, id
		p.resume = false
	}
}

// readPaged reads the value of the control.
func readPaged(value []byte) (size int, cookie []byte, ok bool) {
	r := ber.NewReader(value)
	in, err := r.Sub(ber.Sequence)
	if err != nil || !r.Empty() {
		return 0, nil, false
	}
	n, err := in.Int(ber.Integer)
	if err != nil || n < 0 {
		return 0, nil, false
	}
	cookie, err = in.Read(ber.OctetString)
	return int(n), cookie, err == nil
}

// pagedValue writes the value of the response control. The number of entries
// is not known, which 0 stands for.
func pagedValue(cookie []byte) []byte {
	b, mark := ber.Begin(nil, ber.Sequence)
	b = ber.AppendInt(b, ber.Integer, 0)
	b = ber.AppendString(b, ber.OctetString, cookie)
	return ber.End(b, mark)
}

// The layout of a cookie: a version, the stage, the end of its life, how many
// entries were sent, the last id, and behind it the MAC.
const (
	cookieVersion = 1
	cookieHead    = 1 + 1 + 8 + 4
	cookiePurpose = "ldap/paged-cookie"
)

// openPage begins the page where the cookie says.
func (run *searchRun) openPage() error {
	if run.page == nil {
		return nil
	}
	cookie := []byte(run.page.id)
	run.page.id = ""
	if run.page.size == 0 {
		return errEnough
	}
	if len(cookie) == 0 {
		return nil
	}
	var mac secret.MAC
	if len(cookie) < cookieHead+len(mac) || cookie[0] != cookieVersion {
		return errBadCookie
	}
	body := cookie[:len(cookie)-len(mac)]
	copy(mac[:], cookie[len(body):])
	ends := int64(binary.BigEndian.Uint64(body[2:]))
	if !run.cookies.RowMACValid(mac, cookiePurpose, body, run.digest()) || run.request.at.Unix() > ends {
		return errBadCookie
	}
	run.page.stage, run.page.resume = entry.Kind(body[1]), true
	run.page.total = int(binary.BigEndian.Uint32(body[10:]))
	run.page.id = string(body[cookieHead:])
	return nil
}

// cookie is what the client shows to get the next page.
func (run *searchRun) cookie() []byte {
	p := run.page
	if !p.more {
		return nil
	}
	body := []byte{cookieVersion, byte(p.stage)}
	body = binary.BigEndian.AppendUint64(body, uint64(run.request.at.Add(cookieLife).Unix()))
	body = binary.BigEndian.AppendUint32(body, uint32(min(p.total+p.sent, math.MaxInt32)))
	body = append(body, p.id...)
	mac := run.cookies.RowMAC(cookiePurpose, body, run.digest())
	return append(body, mac[:]...)
}

// digest stands for the search and for who asks: a cookie is good for no
// other.
func (run *searchRun) digest() []byte {
	h := sha256.New()
	field := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	q := run.query
	types := byte(0)
	if q.TypesOnly {
		types = 1
	}
	field([]byte(run.who.account))
	field(q.Base)
	field([]byte{byte(q.Scope), types})
	field(q.RawFilter)
	for _, a := range q.Attributes {
		field(a)
	}
	field(run.sorting.raw())
	return h.Sum(nil)
}

// responseControls are those that go with the result.
func (run *searchRun) responseControls(result wire.Result) (list []wire.ResponseControl) {
	if run.sorting != nil {
		list = append(list, run.sorting.response(result))
	}
	if run.page != nil && result.Code == wire.Success {
		list = append(list, wire.ResponseControl{OID: wire.OIDPaged, Value: pagedValue(run.cookie())})
	}
	return list
}
