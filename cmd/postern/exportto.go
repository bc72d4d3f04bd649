package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"postern/config"
	"postern/directory"
)

// exportTo takes batches of events to where they are exported to. A batch is
// taken when write returns no error; else it comes again, whole.
type exportTo interface {
	write(ctx context.Context, events []directory.Event) error
	close() error
}

func openExport(t config.ExportTarget) exportTo {
	switch {
	case t.File != "":
		return exportFile(t.File)
	case t.Network != "":
		return &exportSyslog{network: t.Network, address: t.Address, host: hostName(), still: stillThere}
	}
	return nil
}

// exportFile appends lines to a file. The file is opened anew for each batch, so
// that it may be moved away at any time.
type exportFile string

func (f exportFile) close() error { return nil }

func (f exportFile) write(_ context.Context, events []directory.Event) error {
	var lines []byte
	for _, ev := range events {
		line, err := exportLine(ev)
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
	}
	file, err := os.OpenFile(string(f), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the file for events: %w", err)
	}
	defer file.Close()
	if torn(file) {
		lines = append([]byte{'\n'}, lines...)
	}
	if _, err := file.Write(lines); err != nil {
		return fmt.Errorf("writing events: %w", err)
	}
	if err := file.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // a pipe has nothing to sync
		return fmt.Errorf("writing events to the disk: %w", err)
	}
	return nil
}

// torn reports whether the file ends within a line: a power cut can do that.
func torn(file *os.File) bool {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, end-1)
	return err == nil && last[0] != '\n'
}

const (
	dialWithin = 5 * time.Second
	sendWithin = 10 * time.Second
	// stillThere is how long a stream must stay open after a batch for the batch
	// to count as sent: a peer that went away answers within it.
	stillThere = 100 * time.Millisecond
)

// exportSyslog sends messages of RFC 5424: as datagrams (RFC 5426), or in a
// stream, each after its length (RFC 6587 §3.4.1).
type exportSyslog struct {
	network, address, host string
	still                  time.Duration // see stillThere
	conn                   net.Conn
	stream                 bool
}

func (s *exportSyslog) write(ctx context.Context, events []directory.Event) error {
	if err := s.dial(ctx); err != nil {
		return err
	}
	err := s.send(events)
	if err != nil {
		_ = s.close() // the next batch begins with a new connection
		return fmt.Errorf("sending events to syslog at %s: %w", s.address, err)
	}
	return nil
}

func (s *exportSyslog) dial(ctx context.Context) error {
	if s.conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	network := s.network
	if network == "unix" {
		network = "unixgram"
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, s.address)
	if network == "unixgram" && errors.Is(err, syscall.EPROTOTYPE) {
		network = "unix"
		conn, err = new(net.Dialer).DialContext(ctx, network, s.address)
	}
	if err != nil {
		return fmt.Errorf("reaching syslog: %w", err)
	}
	s.conn, s.stream = conn, network == "tcp" || network == "unix"
	return nil
}

func (s *exportSyslog) send(events []directory.Event) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(sendWithin)); err != nil {
		return err
	}
	for _, ev := range events {
		message, err := s.message(ev)
		if err != nil {
			return err
		}
		if s.stream {
			message = append([]byte(strconv.Itoa(len(message))+" "), message...)
		}
		if _, err := s.conn.Write(message); err != nil {
			return err
		}
	}
	if !s.stream {
		return nil
	}
	return s.listens()
}

// listens waits a moment for the peer to say that it is gone.
func (s *exportSyslog) listens() error {
	if err := s.conn.SetReadDeadline(time.Now().Add(s.still)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, s.conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return errors.Join(errors.New("the connection was closed"), err)
}

func (s *exportSyslog) close() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}

// Facility and severities of RFC 5424 §6.2.1.
const (
	syslogAuthPriv = 10
	syslogWarning  = 4
	syslogNotice   = 5
	syslogInfo     = 6
)

// message is the event as RFC 5424 has it, with the line of JSON as its text.
func (s *exportSyslog) message(ev directory.Event) ([]byte, error) {
	line, err := exportLine(ev)
	if err != nil {
		return nil, err
	}
	severity := syslogInfo
	switch {
	case ev.Kind == directory.EventBreakGlass || ev.Kind == directory.EventNotRecorded:
		severity = syslogWarning
	case !isSignIn(ev) || ecsOutcome(ev) != "success":
		severity = syslogNotice
	}
	head := fmt.Sprintf("<%d>1 %s %s postern %d %s - ", syslogAuthPriv*8+severity,
		ev.At.UTC().Format("2006-01-02T15:04:05.000Z"), s.host, os.Getpid(), ev.Kind)
	return append([]byte(head), line...), nil
}

// hostName is this machine's name as a syslog header may hold it.
func hostName() string {
	name, err := os.Hostname()
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, name)
	if err != nil || name == "" {
		return "-"
	}
	return name[:min(len(name), 255)]
}
