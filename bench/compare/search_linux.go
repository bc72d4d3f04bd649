package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"postern/bench/load"
	"postern/bench/peers"
	"postern/bench/people"
	"postern/ldapsrv/ber"
	"postern/ldapsrv/wire"
)

// asked are the attributes of the searches.
var asked = []string{"uid", "cn", "mail"}

// reader is a server with who may read everybody there.
type reader struct {
	*peers.Server
	at   netip.AddrPort
	bind []byte
}

// searches are the two rows of searches.
func (b *bench) searches(ctx context.Context) (err error) {
	postern, ports, err := b.startPostern(ctx, "searches", b.large, "")
	if err != nil {
		return err
	}
	readers := []reader{{postern, ports.LDAP, load.Bind(peers.ReaderDN, ports.reader)}}
	defer func() {
		for _, r := range readers {
			err = errors.Join(err, r.Stop())
		}
	}()
	dir, err := b.place("slapd-large")
	if err != nil {
		return err
	}
	if slapd, err := peers.Slapd(ctx, dir, b.large); err == nil {
		readers = append(readers, reader{slapd, slapd.At, load.Bind(peers.RootDN, peers.RootPassword)})
	} else if !b.leftOut(err) {
		return err
	}
	return errors.Join(b.byUID(ctx, readers), b.paged(ctx, readers))
}

func (b *bench) byUID(ctx context.Context, readers []reader) error {
	work := fmt.Sprintf("search by uid, %d entries, %v", b.large, asked)
	var requests, names [][]byte
	for range drawn {
		login := people.Login(rand.IntN(b.large))
		requests = append(requests, load.Search(people.Base, "uid", login, asked, nil))
		names = append(names, []byte("uid="+login+","))
	}
	var all []contestant
	for _, r := range readers {
		all = append(all, contestant{Server: r.Server, drive: driveLDAP(r.at, r.bind, requests, func(at int) []byte { return names[at] })})
	}
	got, err := b.contest(ctx, all)
	if err != nil {
		return err
	}
	b.rates(work, "searches/s", got)
	if len(got) > 1 {
		b.table.verdict(work, "Postern ÷ slapd", got[0].rate.over(got[1].rate), "%.2f", false, 2, 4)
	}
	return nil
}

// pageSize is how many entries a page of the whole tree has.
const pageSize = 1000

func (b *bench) paged(ctx context.Context, readers []reader) error {
	work := fmt.Sprintf("whole tree in pages of %d, %d entries, %v", pageSize, b.large, asked)
	rates, grown := make([]sample, len(readers)), make([]sample, len(readers))
	for range b.rounds {
		for i, r := range readers {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			before, err := r.Resident()
			if err != nil {
				return err
			}
			begun := time.Now()
			n, err := wholeTree(r.at, r.bind, b.large)
			if err != nil {
				return fmt.Errorf("%s: %w", r.Name, err)
			}
			rates[i] = append(rates[i], float64(n)/time.Since(begun).Seconds())
			after, err := r.Resident()
			if err != nil {
				return err
			}
			grown[i] = append(grown[i], float64(after-before)/(1<<20))
		}
	}
	for i, r := range readers {
		b.table.figure(work, r.Name, rates[i].spread("%.0f")+" entries/s; resident memory grew by "+grown[i].spread("%.1f")+" MB a read")
	}
	if len(readers) > 1 {
		b.table.verdict(work, "Postern ÷ slapd", rates[0].over(rates[1]), "%.2f", false, 1, 2)
	}
	return nil
}

// wholeTree reads every entry, page by page, on one connection, and returns how
// many there were. There must be all people among them.
func wholeTree(at netip.AddrPort, bind []byte, people int) (entries int, err error) {
	c, err := net.Dial("tcp", at.String())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		return 0, err
	}
	in := bufio.NewReaderSize(c, 1<<16)
	if _, err := c.Write(bind); err != nil {
		return 0, err
	}
	if _, _, err := readMessage(in); err != nil {
		return 0, err
	}
	persons := 0
	for cookie := []byte(nil); ; {
		if _, err := c.Write(load.Search(basePeople, "objectClass", "", asked, load.Paged(pageSize, cookie))); err != nil {
			return 0, err
		}
		for {
			op, rest, err := readMessage(in)
			if err != nil {
				return entries, fmt.Errorf("after %d entries: %w", entries, err)
			}
			if op == wire.OpSearchEntry {
				entries++
				if isPerson(rest) {
					persons++
				}
				continue
			}
			if cookie, err = nextCookie(op, rest); err != nil {
				return entries, fmt.Errorf("after %d entries: %w", entries, err)
			}
			break
		}
		if len(cookie) == 0 {
			break
		}
	}
	if persons != people {
		return entries, fmt.Errorf("the whole tree has %d entries and %d people, not %d", entries, persons, people)
	}
	return entries, nil
}

const basePeople = people.Base

// readMessage reads one message and returns its operation and what stands
// behind the operation's header, controls included.
func readMessage(in *bufio.Reader) (wire.Op, []byte, error) {
	var head [6]byte
	if _, err := io.ReadFull(in, head[:2]); err != nil {
		return 0, nil, err
	}
	length := int(head[1])
	if octets := length - 0x80; octets >= 0 {
		if octets > 4 {
			return 0, nil, errors.New("an answer has a strange length")
		}
		if _, err := io.ReadFull(in, head[2:2+octets]); err != nil {
			return 0, nil, err
		}
		length = 0
		for _, o := range head[2 : 2+octets] {
			length = length<<8 | int(o)
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return 0, nil, err
	}
	r := ber.NewReader(body)
	if _, err := r.Int(ber.Integer); err != nil {
		return 0, nil, err
	}
	return r.Peek(), body, nil
}

// isPerson reports whether a SearchResultEntry is one of the people.
func isPerson(message []byte) bool {
	r := ber.NewReader(message)
	_, _ = r.Int(ber.Integer) // it was read before
	entry, err := r.Sub(wire.OpSearchEntry)
	if err != nil {
		return false
	}
	name, err := entry.Read(ber.OctetString)
	return err == nil && len(name) > 5 && string(name[:5]) == "uid=u"
}

// nextCookie takes a SearchResultDone of success apart.
func nextCookie(op wire.Op, message []byte) ([]byte, error) {
	r := ber.NewReader(message)
	_, _ = r.Int(ber.Integer) // it was read before
	done, err := r.Sub(wire.OpSearchDone)
	if err != nil {
		return nil, fmt.Errorf("operation %#x came, not a SearchResultDone", byte(op))
	}
	if code, err := done.Int(ber.Enumerated); err != nil || code != 0 {
		return nil, fmt.Errorf("the search ended with %d", code)
	}
	controls, err := r.Sub(ber.ContextConstructed(0))
	if err != nil {
		return nil, errors.New("the answer has no control")
	}
	control, err := controls.Sub(ber.Sequence)
	if err != nil {
		return nil, err
	}
	if _, err := control.Read(ber.OctetString); err != nil {
		return nil, err
	}
	if control.Peek() == ber.Boolean {
		_, _ = control.Bool(ber.Boolean) // critical or not is all one
	}
	value, err := control.Read(ber.OctetString)
	if err != nil {
		return nil, err
	}
	inner := ber.NewReader(value)
	page, err := inner.Sub(ber.Sequence)
	if err != nil {
		return nil, err
	}
	if _, err := page.Int(ber.Integer); err != nil {
		return nil, err
	}
	return page.Read(ber.OctetString)
}
