package radiussrv_test

import (
	"context"
	"net"
	"syscall"
	"testing"

	"layeh.com/radius"

	"postern/radiussrv"
)

func TestRepliesLeaveFromTheAddressThatWasAsked(t *testing.T) {
	for _, c := range []struct{ network, listen, ask string }{
		{"udp4", "0.0.0.0:0", "127.0.0.1"},
		{"udp4", "0.0.0.0:0", "127.0.0.7"},
		{"udp", "[::]:0", "127.0.0.1"},
		{"udp", "[::]:0", "127.0.0.7"},
		{"udp", "[::]:0", "::1"},
	} {
		t.Run(c.listen+" asked at "+c.ask, func(t *testing.T) {
			local := loopback("loopback 6")
			local.Address = prefix("::1/128")
			r, err := radiussrv.New(radiussrv.Config{
				Authenticator: authenticate(oneRight), Clients: []radiussrv.Client{loopback("loopback"), local},
			})
			if err != nil {
				t.Fatal(err)
			}
			s := serve(t, r, listenUDP(t, c.network, c.listen), radiussrv.Authentication)
			// A connected socket takes nothing from another address.
			conn, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(c.ask), Port: s.addr.Port})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			d := &device{t, conn}
			for range 3 {
				if got := d.ask(good(t)).Code; got != radius.CodeAccessAccept {
					t.Errorf("got %v", got)
				}
			}
		})
	}
}

// listenUDP opens a socket for every address, on the loopback interface alone.
func listenUDP(t *testing.T, network, address string) *net.UDPConn {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		if outer := raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptString(int(fd), syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, "lo")
		}); outer != nil {
			return outer
		}
		return err
	}}
	conn, err := config.ListenPacket(context.Background(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*net.UDPConn)
}
