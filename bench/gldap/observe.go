package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// files is how many descriptors the server may have, so that the case that uses
// them up needs few connections.
const files = 128

// target is the server under observation: how it is started, where it listens,
// and a name and password it accepts.
type target struct {
	command            []string
	addr, dn, password string
}

// result is a line of the table.
type result struct{ saw, process, bind, memory string }

// observe starts the server, does what c does to it, and looks.
func observe(t target, c hostile) (result, error) {
	p, err := start(t)
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	var r result
	saw, release, err := c.do(t)
	if r.saw = saw; err != nil {
		r.saw = err.Error()
	}
	r.memory = p.peak()
	r.process = p.state(t)
	r.bind = properBind(t)
	release()
	return r, nil
}

// process is a started server.
type process struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	stderr bytes.Buffer // read only after ended
}

// start runs the server with few descriptors and waits until it listens.
func start(t target) (*process, error) {
	p := &process{ended: make(chan struct{})}
	limited := append([]string{"-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, files), "sh"}, t.command...)
	p.cmd = exec.CommandContext(context.Background(), "sh", limited...)
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is read from its state
		close(p.ended)
	}()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if properBind(t) == "succeeds" {
			return p, nil
		}
	}
	p.stop()
	return nil, fmt.Errorf("the server does not accept the proper bind: %s", strings.TrimSpace(p.stderr.String()))
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill() // it may have ended by itself, which is what we came to see
	<-p.ended
}

// state waits for the end that a message may have begun: a moment, and longer
// where the server does not answer any more.
func (p *process) state(t target) string {
	for _, wait := range []time.Duration{time.Second, 20 * time.Second} {
		select {
		case <-p.ended:
			return "DEAD: " + p.lastWords()
		case <-time.After(wait):
		}
		if properBind(t) == "succeeds" {
			break
		}
	}
	return "lives"
}

// lastWords is the line on standard error that says why.
func (p *process) lastWords() string {
	for line := range strings.Lines(p.stderr.String()) {
		for _, mark := range []string{"fatal error: ", "panic: ", "error accepting conn: "} {
			if _, why, ok := strings.Cut(line, mark); ok {
				return strings.TrimSpace(why)
			}
		}
	}
	if s, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok {
		return fmt.Sprintf("exit %d", s.ExitStatus())
	}
	return "no word"
}

// peak is the most memory the process ever held.
func (p *process) peak() string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err == nil {
		for line := range strings.Lines(string(status)) {
			if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				var n int
				if _, err := fmt.Sscanf(kb, "%d kB", &n); err == nil {
					return fmt.Sprintf("%d MB", n/1024)
				}
			}
		}
	}
	if s, ok := p.rusage(); ok {
		return fmt.Sprintf("%d MB", s.Maxrss/1024)
	}
	return "?"
}

// rusage is the account of a process that has ended.
func (p *process) rusage() (*syscall.Rusage, bool) {
	select {
	case <-p.ended:
		s, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
		return s, ok
	case <-time.After(time.Second):
		return nil, false
	}
}

// properBind says how a bind that should succeed fares.
func properBind(t target) string {
	c, err := dial(t)
	if err != nil {
		return "refused"
	}
	defer c.Close()
	if _, err := c.Write(bindRequest(1, t.dn, t.password)); err != nil {
		return "cut off"
	}
	switch a, err := read(bufio.NewReader(c)); {
	case err != nil:
		return "unanswered"
	case a.code != 0:
		return fmt.Sprintf("code %d", a.code)
	}
	return "succeeds"
}

// dial connects, with five seconds for all that follows unless told otherwise.
func dial(t target) (net.Conn, error) {
	d := net.Dialer{Timeout: 20 * time.Second}
	c, err := d.DialContext(context.Background(), "tcp", t.addr)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(5 * time.Second))
}

// fate says in words how waiting for an answer ended.
func fate(a answer, err error) string {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed, no answer"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer"
	case err != nil:
		return err.Error()
	case a.id == 0:
		return fmt.Sprintf("notice of disconnection, code %d", a.code)
	}
	return fmt.Sprintf("answered with code %d", a.code)
}
