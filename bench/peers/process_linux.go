package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Server is a server that runs.
type Server struct {
	Name string
	At   netip.AddrPort
	PID  int
	stop func() error
}

// Stop ends the server and waits until it is gone.
func (s *Server) Stop() error { return s.stop() }

// Alive reports whether the process still runs.
func (s *Server) Alive() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID))
	if err != nil {
		return false
	}
	_, rest, ok := strings.Cut(string(b), ") ")
	return ok && rest[0] != 'Z'
}

// tick is the unit of the kernel's processor times.
const tick = 10 * time.Millisecond

// Processor is the processor's time the server has used so far, in steps of 10
// ms.
func (s *Server) Processor() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID))
	if err != nil {
		return 0, fmt.Errorf("reading the processor's time of %s: %w", s.Name, err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("the kernel's account of a process is short")
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// Resident is the memory of the server that is in place, in bytes.
func (s *Server) Resident() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of %s: %w", s.Name, err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("the kernel does not say how much memory is in place")
}

// Missing says that a peer is not installed.
type Missing struct{ Program string }

func (m Missing) Error() string { return m.Program + " is not installed" }

// find returns the path of a program that may stand where only root looks.
func find(program string) (string, error) {
	for _, path := range []string{program, "/usr/sbin/" + program} {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", Missing{program}
}

// freePort is a loopback address that nobody listens on.
func freePort(network string) (netip.AddrPort, error) {
	if network == "udp" {
		c, err := net.ListenPacket(network, "127.0.0.1:0")
		if err != nil {
			return netip.AddrPort{}, err
		}
		defer c.Close()
		return netip.ParseAddrPort(c.LocalAddr().String())
	}
	l, err := net.Listen(network, "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer l.Close()
	return netip.ParseAddrPort(l.Addr().String())
}

// start runs a command and waits until ready says that it answers.
func start(ctx context.Context, name string, at netip.AddrPort, ready func() error, argv ...string) (*Server, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed in the end
		close(ended)
	}()
	s := &Server{Name: name, At: at, PID: cmd.Process.Pid, stop: func() error {
		_ = cmd.Process.Kill() // it may be gone already
		<-ended
		return nil
	}}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := ready()
		if err == nil {
			return s, nil
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("%s ended before it was ready: %s", name, said.String())
		default:
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return nil, errors.Join(fmt.Errorf("%s does not answer: %w", name, err), s.Stop())
		}
	}
}

// accepts reports whether somebody listens on a TCP port.
func accepts(at netip.AddrPort) func() error {
	return func() error {
		c, err := net.DialTimeout("tcp", at.String(), time.Second)
		if err == nil {
			c.Close()
		}
		return err
	}
}

// Program starts a server that takes its loopback address as its last argument.
func Program(ctx context.Context, name string, argv ...string) (*Server, error) {
	at, err := freePort("tcp")
	if err != nil {
		return nil, err
	}
	return start(ctx, name, at, accepts(at), append(argv, at.String())...)
}

// Running is a server that somebody else started.
func Running(name string, pid int, stop func() error) *Server {
	return &Server{Name: name, PID: pid, stop: stop}
}
