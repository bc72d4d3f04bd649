//go:build linux && !race

package ldapsrv

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// socket is a TCP connection whose reads and writes Go's scheduler is not told of
// (docs/decisions/0044). They are as they are with a net.TCPConn otherwise: where
// the kernel has nothing to give or no room, the goroutine waits, within the
// deadlines that are set. It may be used concurrently.
type socket struct {
	*net.TCPConn
	raw     syscall.RawConn
	in, out transfer
}

// quick returns raw as a socket where it is a TCP connection, else raw.
func quick(raw net.Conn) net.Conn {
	tcp, ok := raw.(*net.TCPConn)
	if !ok {
		return raw
	}
	descriptor, err := tcp.SyscallConn()
	if err != nil {
		return raw
	}
	s := &socket{TCPConn: tcp, raw: descriptor}
	s.in.try, s.out.try = s.in.read, s.out.write
	return s
}

// transfer is one direction of a socket.
type transfer struct {
	mu   sync.Mutex // of whoever reads, or writes
	try  func(fd uintptr) (done bool)
	buf  []byte // what is to be filled, or is still to be written
	n    int    // bytes transferred
	fail error
}

// run transfers what it can of buf, and waits where nothing can be. wait is the
// RawConn's method.
func (t *transfer) run(wait func(func(uintptr) bool) error, buf []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf, t.n, t.fail = buf, 0, nil
	err := wait(t.try)
	t.buf = nil
	if t.fail != nil {
		err = t.fail
	}
	return t.n, err
}

// read reads once.
func (t *transfer) read(fd uintptr) bool {
	n, errno := call(syscall.SYS_READ, fd, t.buf)
	switch {
	case errno == syscall.EAGAIN:
		return false
	case errno != 0:
		t.fail = os.NewSyscallError("read", errno)
	case n == 0:
		t.fail = io.EOF
	}
	t.n = n
	return true
}

// write writes until there is no more to be written, or no room.
func (t *transfer) write(fd uintptr) bool {
	for len(t.buf) > 0 {
		n, errno := call(syscall.SYS_WRITE, fd, t.buf)
		switch {
		case errno == syscall.EAGAIN:
			return false
		case errno != 0:
			t.fail = os.NewSyscallError("write", errno)
			return true
		case n == 0:
			t.fail = io.ErrUnexpectedEOF
			return true
		}
		t.n += n
		t.buf = t.buf[n:]
	}
	return true
}

// call is read(2) or write(2) of a descriptor that does not block.
func call(number, fd uintptr, buf []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)))
		switch errno {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

// Read is of net.Conn.
func (s *socket) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return s.in.run(s.raw.Read, b)
}

// Write is of net.Conn.
func (s *socket) Write(b []byte) (int, error) {
	return s.out.run(s.raw.Write, b)
}
