package radiussrv

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"layeh.com/radius"
)

// radsecSecret is the shared secret of every client that speaks RADIUS over
// TLS (RFC 6614 §2.3): TLS does what it did.
const radsecSecret = "radsec"

const (
	packetWithin = 10 * time.Second // for the rest of a packet that has begun to arrive
	writeWithin  = 10 * time.Second
	outstanding  = 256 // replies that wait for a slow client; there are as many identifiers
)

// links is what all connections of one ServeTLS share.
type links struct {
	*listener
	config *tls.Config
	open   sync.WaitGroup
	ended  chan struct{} // closed when the last reply was given to its link
	half   atomic.Int64  // handshakes under way
	all    atomic.Int64

	mu   sync.Mutex
	held map[string]int // connections by name of client
}

// ServeTLS answers RADIUS over TLS (RFC 6614) on the connections of ln, as
// Serve does datagrams: authentication and accounting on one port. config must
// ask for certificates of clients and verify them; which Client one is says
// its name or fingerprint together with the address it comes from. A
// connection is ended by a handshake that takes too long, by silence, and by
// the first packet that is malformed or not authentic.
func (s *Server) ServeTLS(ctx context.Context, ln net.Listener, config *tls.Config) error {
	l := s.listener(OverTLS)
	l.protected = true
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	l.workers = newCrew(s.cfg.Workers, s.cfg.Queue, nil, func(x *exchange, m *member) { l.work(work, x, m) })
	defer s.serves()()
	k := &links{listener: l, config: config, ended: make(chan struct{}), held: make(map[string]int)}
	return k.serve(ctx, ln)
}

func (k *links) serve(ctx context.Context, ln net.Listener) error {
	var replies, reading sync.WaitGroup
	quit := make(chan struct{})
	replies.Go(func() { k.hold.run(quit) })
	defer context.AfterFunc(ctx, func() { _ = ln.Close() })()
	err := k.accept(ctx, ln, &reading)
	_ = ln.Close() // it may be closed already
	reading.Wait()
	err = errors.Join(err, k.drain(&replies, quit))
	close(k.ended)
	k.open.Wait()
	if ctx.Err() == nil {
		return fmt.Errorf("accepting RADIUS over TLS on %s: %w", ln.Addr(), err)
	}
	return err
}

// accept takes connections until ctx ends, which is no error, or ln is gone.
func (k *links) accept(ctx context.Context, ln net.Listener, reading *sync.WaitGroup) error {
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			k.pause(ctx, err)
			continue
		}
		if !k.welcome(conn) {
			_ = conn.Close()
			continue
		}
		reading.Add(1)
		k.open.Go(func() { k.attend(ctx, conn, sync.OnceFunc(reading.Done)) })
	}
}

// welcome counts a connection, where there is room for one more and some
// client has its address.
func (k *links) welcome(conn net.Conn) bool {
	peer := peerOf(conn)
	if !k.clients.Load().anyOverTLS(peer.Addr()) {
		k.stranger(peer, "no client that speaks RADIUS over TLS has this address")
		return false
	}
	if !take(&k.half, max(1, k.cfg.TLSConnections/4)) {
		k.stranger(peer, "too many handshakes are under way")
		return false
	}
	if !take(&k.all, k.cfg.TLSConnections) {
		k.half.Add(-1)
		k.stranger(peer, "too many connections are open")
		return false
	}
	return true
}

func peerOf(conn net.Conn) netip.AddrPort {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}

// stranger says now and then who was not let in.
func (k *links) stranger(peer netip.AddrPort, why string) {
	k.count.dropped[DropUnknownClient].Add(1)
	if omitted, ok := k.linking.take(time.Now()); ok {
		k.cfg.Logger.Warn("RADIUS over TLS refused", "why", why, "source", peer, "omitted", omitted)
	}
}

// attend is one connection, from its handshake to its end. read is called when
// nothing more is read from it. What the connection counts for is given back
// before it is closed: a client that sees it closed may come again at once.
func (k *links) attend(ctx context.Context, conn net.Conn, read func()) {
	link := &link{Conn: tls.Server(conn, k.config), peer: peerOf(conn), out: make(chan []byte, outstanding), gone: make(chan struct{})}
	defer link.end()
	defer k.all.Add(-1)
	defer read()
	c := k.greet(ctx, link)
	if c == nil {
		return
	}
	defer k.leave(c.Name)
	var writing sync.WaitGroup
	writing.Go(link.write1by1)
	stop := context.AfterFunc(ctx, func() { _ = link.SetReadDeadline(time.Unix(1, 0)) })
	k.read(ctx, link)
	stop()
	read()
	if ctx.Err() != nil {
		<-k.ended // replies under way still go out
	}
	close(link.gone)
	writing.Wait()
}

// greet does the handshake and finds out who the client is; nil for nobody.
// Time ends a handshake by a deadline, since a context would close the
// connection before it is given back.
func (k *links) greet(ctx context.Context, link *link) *client {
	defer k.half.Add(-1)
	if err := link.shake(ctx, k.cfg.TLSHandshake); err != nil {
		k.stranger(link.peer, "the handshake failed: "+err.Error())
		return nil
	}
	certificates := link.ConnectionState().PeerCertificates
	if len(certificates) == 0 {
		k.stranger(link.peer, "it showed no certificate")
		return nil
	}
	link.leaf = certificates[0]
	c := k.clients.Load().overTLS(link.peer.Addr(), link.leaf)
	if c == nil {
		k.stranger(link.peer, "its certificate is not that of a client with this address")
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[c.Name] >= max(1, k.cfg.TLSConnections/8) {
		k.stranger(link.peer, "too many connections of this client are open")
		return nil
	}
	k.held[c.Name]++
	return c
}

func (k *links) leave(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[name]--; k.held[name] == 0 {
		delete(k.held, name)
	}
}

// read takes packets until the connection ends or has to.
func (k *links) read(ctx context.Context, link *link) {
	in := bufio.NewReaderSize(link, radius.MaxPacketLength)
	x := k.idle.Get().(*exchange)
	for {
		n, err := link.packet(ctx, in, x.buf[:], k.cfg.TLSIdle)
		if err != nil {
			if errors.Is(err, errFraming) {
				x.received, x.client = time.Now(), nil
				k.drop(x, DropMalformed)
			}
			return
		}
		k.count.received.Add(1)
		x.from = origin{via: link, peer: link.peer}
		passed, ok := k.take(x, n, link)
		if !ok {
			return
		}
		if passed {
			x = k.idle.Get().(*exchange)
		}
	}
}

// take judges one packet; ok is false where the connection must end.
func (k *links) take(x *exchange, n int, link *link) (passed, ok bool) {
	x.received, x.entry = time.Now(), nil
	defer k.survive(&x.entry)
	x.client = k.clients.Load().overTLS(link.peer.Addr(), link.leaf) // it may have been taken out meanwhile
	if x.client == nil {
		k.drop(x, DropUnknownClient)
		return false, false
	}
	if reason, fine := k.admit(x, x.buf[:n]); !fine {
		k.drop(x, reason)
		return false, reason != DropMalformed && reason != DropBadAuthenticator
	}
	x.client.heard.authentic(x.received)
	if radius.Code(x.packet[0]) == radius.CodeStatusServer {
		k.status(x)
		return false, true
	}
	return k.queue(x), true
}

// link is one connection: the socket that its replies leave by.
type link struct {
	*tls.Conn
	peer netip.AddrPort
	leaf *x509.Certificate
	out  chan []byte
	gone chan struct{}
}

// shake does the handshake, which may take so long.
func (l *link) shake(ctx context.Context, within time.Duration) error {
	if err := l.SetDeadline(time.Now().Add(within)); err != nil {
		return fmt.Errorf("setting a deadline: %w", err)
	}
	if err := l.HandshakeContext(ctx); err != nil {
		return err //nolint:wrapcheck // said by the one caller, with what was attempted
	}
	return l.SetDeadline(time.Time{}) //nolint:wrapcheck // as above
}

// end closes the connection, with a goodbye where the handshake was done.
func (l *link) end() {
	_ = l.Conn.Close()
	_ = l.NetConn().Close()
}

var errFraming = errors.New("no RADIUS packet")

// packet reads the next packet into b. A client may say nothing for idle, but
// must finish what it has begun.
func (l *link) packet(ctx context.Context, in *bufio.Reader, b []byte, idle time.Duration) (int, error) {
	if err := l.deadline(ctx, idle); err != nil {
		return 0, err
	}
	if _, err := in.Peek(1); err != nil {
		return 0, fmt.Errorf("waiting for a packet: %w", err)
	}
	if err := l.deadline(ctx, packetWithin); err != nil {
		return 0, err
	}
	if _, err := io.ReadFull(in, b[:4]); err != nil {
		return 0, fmt.Errorf("reading a packet: %w", err)
	}
	n := int(binary.BigEndian.Uint16(b[2:4]))
	if n < headerLen || n > radius.MaxPacketLength {
		return 0, errFraming
	}
	if _, err := io.ReadFull(in, b[4:n]); err != nil {
		return 0, fmt.Errorf("reading a packet: %w", err)
	}
	return n, nil
}

// deadline sets when reading ends, unless it is to end now.
func (l *link) deadline(ctx context.Context, after time.Duration) error {
	if err := l.SetReadDeadline(time.Now().Add(after)); err != nil {
		return fmt.Errorf("setting a deadline: %w", err)
	}
	return ctx.Err() // which may have set another deadline just before
}

// write hands the reply to the writer and does not wait for the client. One
// that takes no replies is let go.
func (l *link) write(reply []byte, _ origin) error {
	select {
	case <-l.gone:
		return net.ErrClosed
	default:
	}
	select {
	case l.out <- reply:
		return nil
	default:
		_ = l.NetConn().Close()
		return errors.New("the client takes no replies")
	}
}

// write1by1 writes replies until the connection is gone, and then what is left.
func (l *link) write1by1() {
	for {
		select {
		case reply := <-l.out:
			l.put(reply)
		case <-l.gone:
			for len(l.out) > 0 {
				l.put(<-l.out)
			}
			return
		}
	}
}

func (l *link) put(reply []byte) {
	if err := l.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return
	}
	if _, err := l.Write(reply); err != nil {
		_ = l.NetConn().Close() // the reader finds out
	}
}

// anyOverTLS says whether a client that speaks RADIUS over TLS may come from
// addr.
func (s *clients) anyOverTLS(addr netip.Addr) bool {
	return slices.ContainsFunc(s.tls, func(c *client) bool { return c.Address.Contains(addr.Unmap().WithZone("")) })
}

// overTLS returns the client with that certificate and address, of several the
// one with the longest prefix, nil for none.
func (s *clients) overTLS(addr netip.Addr, leaf *x509.Certificate) (found *client) {
	for _, c := range s.tls {
		if c.Address.Contains(addr.Unmap().WithZone("")) && c.shows(leaf) && (found == nil || c.Address.Bits() > found.Address.Bits()) {
			found = c
		}
	}
	return found
}

// shows says whether the certificate is one of the client's: by its SHA-256,
// or by a name in it. The subject counts only where there are no other names
// (RFC 6614 §2.3).
func (c *client) shows(leaf *x509.Certificate) bool {
	sum := sha256.Sum256(leaf.Raw)
	if slices.ContainsFunc(c.Certificates, func(want string) bool {
		return strings.EqualFold(want, "sha256:"+hex.EncodeToString(sum[:]))
	}) {
		return true
	}
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	for _, u := range leaf.URIs {
		names = append(names, u.String())
	}
	if len(names) == 0 && len(leaf.EmailAddresses) == 0 && leaf.Subject.CommonName != "" {
		names = append(names, leaf.Subject.CommonName)
	}
	return slices.ContainsFunc(c.Certificates, func(want string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return strings.EqualFold(name, want) && !strings.HasPrefix(name, "sha256:")
		})
	})
}
