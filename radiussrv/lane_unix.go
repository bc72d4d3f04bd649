//go:build unix

package radiussrv

import (
	"net"
	"syscall"
)

// duplicate returns the same socket on another descriptor, where there can be
// one.
func duplicate(conn net.PacketConn) (net.PacketConn, bool) {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return nil, false
	}
	file, err := udp.File()
	if err != nil {
		return nil, false
	}
	defer file.Close()
	again, err := net.FilePacketConn(file)
	if err != nil {
		neverBlock(udp)
		return nil, false
	}
	return again, true
}

// neverBlock undoes what a descriptor that was to be duplicated and could not be
// leaves behind: all that share a socket share whether calls on it block, and who
// reads from one that does is not woken to end.
func neverBlock(conn *net.UDPConn) {
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.SetNonblock(int(fd), true) })
	}
}
