package policy

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"postern/secret"
)

// Holder returns the ids of the account and of the app password that g rests
// on: "" for a primary password, both "" for the zero Grant.
func (g Grant) Holder() (account, credential string) { return g.account, g.credential }

// sealedGrant is the least length of a Grant in its written form, which is that
// of one with two UUIDs: what is sealed is as long whatever it rests on.
const sealedGrant = 4 + 8 + 8 + 17 + 17 + 17 + 36

var errNoGrant = errors.New("what was sealed is no grant")

// SealGrant writes g, which was given to a RADIUS client or is zero, in a form
// that strangers may keep: nobody without the key file can read it, change it,
// or open it for another use or bound to anything else. Of the primary password
// it keeps when it was set, so that a change is noticed unless the password was
// set twice within one second. random is crypto/rand.Reader.
func (e *Engine) SealGrant(random io.Reader, use, bound string, g Grant) ([]byte, error) {
	if g.account != "" && g.client.Protocol != RADIUS {
		return nil, fmt.Errorf("a grant of %s cannot be sealed", g.client.Protocol)
	}
	b := []byte{1, byte(g.match), byte(g.outcome), byte(g.client.Kind)}
	b = appendTime(b, g.primary.changedAt)
	b = appendTime(b, g.at)
	from := g.from.As16()
	b = append(append(b, boolByte(g.from.IsValid())|boolByte(g.counted)<<1), from[:]...)
	b = appendID(appendID(b, g.account), g.credential)
	if g.credential != "" {
		b = append(b, g.digest[:]...)
	}
	b = append(b, make([]byte, max(0, sealedGrant-len(b)))...)
	return e.keys.Seal(random, use, bound, b)
}

// OpenGrant reads what SealGrant wrote for the same use, bound to the same. It
// counts as given to the RADIUS client of that name.
func (e *Engine) OpenGrant(use, bound, client string, sealed []byte) (Grant, error) {
	b, err := e.keys.Open(use, bound, sealed)
	if err != nil {
		return Grant{}, err
	}
	r := grantReader{rest: b}
	head := r.next(4)
	g := Grant{client: Client{Protocol: RADIUS, Name: client}, primary: primaryStamp{changedAt: r.time(), stale: true}, at: r.time()}
	flags := r.next(1)[0]
	g.counted = flags&2 != 0
	if flags&1 != 0 {
		g.from = netip.AddrFrom16([16]byte(r.next(16))).Unmap()
	} else {
		r.next(16)
	}
	g.account, g.credential = r.id(), r.id()
	if g.credential != "" {
		g.digest = secret.Digest(r.next(len(g.digest)))
	}
	if r.short || head[0] != 1 {
		return Grant{}, errNoGrant
	}
	g.match, g.outcome, g.client.Kind = Match(head[1]), Outcome(head[2]), ClientKind(head[3])
	return g, nil
}

// Stands reports whether anything at all could be granted to the account with
// that id: it is there, enabled and not expired. It is for what went on before
// it was known which credential it rests on. With an error nothing is known.
func (e *Engine) Stands(ctx context.Context, accountID string) (bool, error) {
	t := e.begin(Attempt{At: e.now()})
	t.gather(func() {
		h, err := e.records.HolderByID(ctx, accountID)
		if !t.missing(err) {
			t.stand(&h, t.e.now())
		}
	})
	if t.facts.Trouble != NoTrouble {
		return false, t.err
	}
	return t.facts.Account == AccountActive, nil
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// appendTime writes milliseconds; zero is no time.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, make([]byte, 8)...)
	}
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
}

// wholeUUID marks an id that is written as the 16 bytes of a UUID.
const wholeUUID = 0xff

func appendID(b []byte, id string) []byte {
	if raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", "")); err == nil && len(raw) == 16 && uuid(raw) == id {
		return append(append(b, wholeUUID), raw...)
	}
	return append(append(b, byte(len(id))), id...)
}

func uuid(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// grantReader reads a written Grant. What is not there is zero, and short.
type grantReader struct {
	rest  []byte
	short bool
}

func (r *grantReader) next(n int) []byte {
	if len(r.rest) < n {
		r.rest, r.short = make([]byte, n), true
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *grantReader) time() time.Time {
	ms := binary.BigEndian.Uint64(r.next(8))
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

func (r *grantReader) id() string {
	n := r.next(1)[0]
	if n == wholeUUID {
		return uuid(r.next(16))
	}
	return string(r.next(int(n)))
}
