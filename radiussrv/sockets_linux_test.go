package radiussrv

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// TestADeviceThatIsGoneLeavesRoomForReplies: what waits for the link address of
// one device fills a send buffer of the usual size. A server's is as large as was
// asked for, or as this kernel lets it be.
func TestADeviceThatIsGoneLeavesRoomForReplies(t *testing.T) {
	plain := loopbackSocket(t, "udp4", "127.0.0.1:0")
	usual := sendRoom(t, plain)
	if err := plain.SetWriteBuffer(1 << 30); err != nil {
		t.Fatal(err)
	}
	most := sendRoom(t, plain)
	if most <= usual {
		t.Logf("this kernel gives no socket more than the usual %d octets", usual)
	}
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		conn := loopbackSocket(t, "udp4", address)
		lanes, err := newLanes(conn)
		if err != nil {
			t.Fatal(err)
		}
		defer (&listener{lanes: lanes}).closeLanes()
		if got, want := sendRoom(t, conn), min(most, 2*sendBuffer); got < want { // socket(7): it doubles what is asked for
			t.Errorf("%s: replies have %d octets of room, want %d", address, got, want)
		}
	}
}

// sendRoom is the size of the send buffer of conn.
func sendRoom(t *testing.T, conn *net.UDPConn) (n int) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var inner error
	err = raw.Control(func(fd uintptr) { n, inner = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF) })
	if err = errors.Join(err, inner); err != nil {
		t.Fatal(err)
	}
	return n
}
