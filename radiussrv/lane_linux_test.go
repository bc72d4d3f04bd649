package radiussrv

import (
	"net"
	"syscall"
	"testing"
)

// TestASocketThatCouldNotBeSharedDoesNotBlock: the flag is the socket's, and
// whoever duplicates a descriptor may clear it.
func TestASocketThatCouldNotBeSharedDoesNotBlock(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	file, err := conn.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := syscall.SetNonblock(int(file.Fd()), false); err != nil {
		t.Fatal(err)
	}
	if !blocks(t, conn) {
		t.Fatal("the flag is not shared, and nothing has to be undone")
	}
	neverBlock(conn)
	if blocks(t, conn) {
		t.Error("reads from the socket block")
	}
	lanes, err := newLanes(conn)
	if err != nil {
		t.Fatal(err)
	}
	if len(lanes) != lanesOfOne || blocks(t, conn) {
		t.Errorf("%d lanes, and reads block: %v", len(lanes), blocks(t, conn))
	}
	(&listener{lanes: lanes}).closeLanes()
}

func blocks(t *testing.T, conn *net.UDPConn) (yes bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
		if errno != 0 {
			t.Errorf("asking for the flags: %v", errno)
		}
		yes = flags&syscall.O_NONBLOCK == 0
	})
	if err != nil {
		t.Fatal(err)
	}
	return yes
}
