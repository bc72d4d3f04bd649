package load

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"time"
)

// Closed is a closed loop: each connection has so many requests on the way and
// sends the next when an answer has come.
type Closed struct {
	Address  netip.AddrPort
	Datagram bool
	Window   int // requests on the way on each connection
	// Lines are the connections, with what each has to say. They are used up.
	Lines []Line
}

// Line is one connection's part.
type Line interface {
	// Next returns the next request, nil when there is none, or none before
	// another answer has come.
	Next() []byte
	// Take looks at what has arrived, consumes n bytes of it, and says how many
	// exchanges that ended. It is called again until it consumes nothing. A
	// datagram is consumed whole.
	Take(arrived []byte) (n, ended int, err error)
}

// Result is what a run gives: exchanges, the time they took together, and the
// processor's time the generator itself used for them. Where that comes near the
// time they took, it is the generator that was measured.
type Result struct {
	Exchanges int
	Took      time.Duration
	Processor time.Duration
}

// Rate is exchanges a second.
func (r Result) Rate() float64 { return float64(r.Exchanges) / r.Took.Seconds() }

// line is a connection at work.
type line struct {
	Line
	fd      int
	in      []byte
	have    int
	waiting int // exchanges on the way
}

// Run runs the loop until every line has nothing more to say and all answers
// are in.
func (c Closed) Run() (r Result, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return r, fmt.Errorf("setting up the generator: %w", err)
	}
	defer func() { _ = syscall.Close(poll) }() // nothing is expected of it any more
	lines, err := c.open(poll)
	defer func() {
		for _, l := range lines {
			_ = syscall.Close(l.fd) // nothing is expected of it any more
		}
	}()
	if err != nil {
		return r, err
	}
	used, err := threadTime()
	if err != nil {
		return r, err
	}
	begun := time.Now()
	open := 0
	for _, l := range lines {
		if err := l.say(c.Window); err != nil {
			return r, err
		}
		if l.waiting > 0 {
			open++
		}
	}
	for events := make([]syscall.EpollEvent, len(lines)); open > 0; {
		n, err := syscall.EpollWait(poll, events, int(silence.Milliseconds()))
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return r, fmt.Errorf("waiting for answers: %w", err)
		case n == 0:
			return r, fmt.Errorf("no answer came for %s; %d exchanges were over", silence, r.Exchanges)
		}
		for _, e := range events[:n] {
			l := lines[e.Fd]
			ended, err := l.hear(c.Datagram)
			r.Exchanges += ended
			if err != nil {
				return r, fmt.Errorf("after %d exchanges: %w", r.Exchanges, err)
			}
			if err := l.say(c.Window); err != nil {
				return r, err
			}
			if ended > 0 && l.waiting == 0 {
				open--
			}
		}
	}
	r.Took = time.Since(begun)
	after, err := threadTime()
	r.Processor = after - used
	return r, err
}

// threadTime is the processor's time this thread has used so far.
func threadTime() (time.Duration, error) {
	const thisThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		return 0, fmt.Errorf("reading the generator's processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// open connects every line. Events name lines by their place in the list.
func (c Closed) open(poll int) (lines []*line, err error) {
	kind := syscall.SOCK_STREAM
	if c.Datagram {
		kind = syscall.SOCK_DGRAM
	}
	at := &syscall.SockaddrInet4{Port: int(c.Address.Port()), Addr: c.Address.Addr().As4()}
	for i, one := range c.Lines {
		fd, err := syscall.Socket(syscall.AF_INET, kind|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return lines, fmt.Errorf("making a socket: %w", err)
		}
		lines = append(lines, &line{Line: one, fd: fd, in: make([]byte, 64<<10)})
		if err := syscall.Connect(fd, at); err != nil {
			return lines, fmt.Errorf("connecting to %s: %w", c.Address, err)
		}
		if !c.Datagram {
			err = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
		}
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}
		err = errors.Join(err, syscall.SetNonblock(fd, true), syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &event))
		if err != nil {
			return lines, fmt.Errorf("preparing a socket: %w", err)
		}
	}
	return lines, nil
}

// say sends requests until so many are on the way. They are small and answers
// are waited for, so a socket without room for one is a fault of the server.
func (l *line) say(window int) error {
	for l.waiting < window {
		request := l.Next()
		if request == nil {
			return nil
		}
		if sent, err := syscall.Write(l.fd, request); err != nil || sent != len(request) {
			return fmt.Errorf("sending a request: %d of %d bytes: %w", sent, len(request), err)
		}
		l.waiting++
	}
	return nil
}

// hear reads what has arrived, once: where there is more, epoll says so again.
func (l *line) hear(datagram bool) (ended int, err error) {
	n, err := syscall.Read(l.fd, l.in[l.have:])
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("reading an answer: %w", err)
	case n == 0:
		return 0, errors.New("the server hung up")
	}
	l.have += n
	at := 0
	for at < l.have {
		used, over, err := l.Take(l.in[at:l.have])
		ended += over
		l.waiting -= over
		if err != nil {
			return ended, err
		}
		if datagram {
			used = l.have - at
		}
		if used == 0 {
			break
		}
		at += used
	}
	l.have = copy(l.in, l.in[at:l.have])
	if l.have == len(l.in) {
		return ended, errors.New("an answer is longer than 64 KiB")
	}
	return ended, nil
}
