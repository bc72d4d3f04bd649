package peers

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RADIUS is built on it
	"net"
	"net/netip"
	"os"
)

// Floor starts this program anew as the floor of a network, "tcp" or "udp". The
// program must hand the arguments after "floor" to ServeFloor.
func Floor(ctx context.Context, network string) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	at, err := freePort(network)
	if err != nil {
		return nil, err
	}
	ready := accepts(at)
	if network == "udp" {
		ready = answersPAP(at, RADIUSSecret)
	}
	return start(ctx, "floor", at, ready, self, "floor", network, at.String())
}

// ServeFloor is what a server cannot be faster than: over TCP it answers
// whatever it reads with a BindResponse and decodes nothing, over UDP it
// verifies and computes the authenticators and looks at nothing else. It does
// not return but with an error.
func ServeFloor(network, address string) error {
	if network == "udp" {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return err
		}
		_ = conn.SetReadBuffer(4 << 20)       // what Postern asks for
		go func() { _ = radiusFloor(conn) }() // the other ends with the same error
		return radiusFloor(conn)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go ldapFloor(c)
	}
}

func ldapFloor(c net.Conn) {
	defer c.Close()
	in := make([]byte, 4096)
	for {
		if _, err := c.Read(in); err != nil {
			return
		}
		if _, err := c.Write([]byte("0\x0c\x02\x01\x01a\x07\x0a\x01\x00\x04\x00\x04\x00")); err != nil {
			return
		}
	}
}

func radiusFloor(conn *net.UDPConn) error {
	sign, sum := hmac.New(md5.New, []byte(RADIUSSecret)), md5.New() //nolint:gosec // as above
	buf, reply, digest := make([]byte, 4096), make([]byte, 38), make([]byte, 0, 16)
	for {
		n, peer, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return err
		}
		if n < 38 {
			continue
		}
		claimed := [16]byte(buf[22:38])
		clear(buf[22:38])
		sign.Reset()
		sign.Write(buf[:n])
		if digest = sign.Sum(digest[:0]); !hmac.Equal(digest, claimed[:]) {
			continue
		}
		copy(reply, []byte{2, buf[1], 0, 38})
		copy(reply[4:20], buf[4:20])
		copy(reply[20:22], []byte{80, 18})
		clear(reply[22:])
		sign.Reset()
		sign.Write(reply)
		copy(reply[22:], sign.Sum(digest[:0]))
		sum.Reset()
		sum.Write(reply)
		sum.Write([]byte(RADIUSSecret))
		copy(reply[4:20], sum.Sum(digest[:0]))
		if _, err := conn.WriteToUDPAddrPort(reply, peer); err != nil {
			return err
		}
	}
}
