package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern/config"
	"postern/directory"
)

var exportedAt = time.Date(2026, 3, 1, 12, 0, 0, 7e6, time.UTC)

func refusedSignIn(id string) directory.Event {
	return directory.Event{
		ID: id, At: exportedAt, LastAt: exportedAt.Add(time.Second), Count: 2, Kind: directory.EventSignIn, AccountID: "a-1", Login: "ann",
		Outcome: "reject", Reason: "primary_with_mfa", Service: "mail", Protocol: "ldap", Method: "simple", Client: "127.0.0.1:3389", Source: "192.0.2.1",
	}
}

// TestAnExportedLineHasStableNames: whoever reads the lines has built on them.
func TestAnExportedLineHasStableNames(t *testing.T) {
	change := directory.Event{ID: "e-2", At: exportedAt, LastAt: exportedAt, Count: 1, Kind: directory.EventMemberAdded,
		AccountID: "a-1", Login: "ann", Protocol: "cli", Actor: "cli:root", Detail: "staff"}
	unknown := directory.Event{ID: "e-3", At: exportedAt, LastAt: exportedAt, Count: 1, Kind: directory.EventSignIn, Unknown: "00ff",
		Outcome: "busy", Reason: "busy", Service: "vpn", Protocol: "radius", Method: "pap", Client: "vpn", Source: "192.0.2.1", Reported: "00-11"}
	for want, ev := range map[string]directory.Event{
		`{"@timestamp":"2026-03-01T12:00:00.007Z","ecs":{"version":"8.17.0"},` +
			`"event":{"id":"e-1","kind":"event","category":["authentication"],"type":["start"],"action":"sign_in","outcome":"failure","reason":"primary_with_mfa",` +
			`"module":"postern","dataset":"postern.events","start":"2026-03-01T12:00:00.007Z","end":"2026-03-01T12:00:01.007Z"},` +
			`"service":{"name":"postern"},"user":{"id":"a-1","name":"ann"},"source":{"address":"192.0.2.1","ip":"192.0.2.1"},"network":{"protocol":"ldap"},` +
			`"postern":{"outcome":"reject","service":"mail","method":"simple","client":"127.0.0.1:3389","count":2}}`: refusedSignIn("e-1"),
		`{"@timestamp":"2026-03-01T12:00:00.007Z","ecs":{"version":"8.17.0"},` +
			`"event":{"id":"e-2","kind":"event","category":["iam"],"type":["group","change"],"action":"group_member_added","outcome":"success",` +
			`"module":"postern","dataset":"postern.events","start":"2026-03-01T12:00:00.007Z","end":"2026-03-01T12:00:00.007Z"},` +
			`"service":{"name":"postern"},"user":{"name":"root","target":{"id":"a-1","name":"ann"}},"network":{"protocol":"cli"},` +
			`"postern":{"actor":"cli:root","detail":"staff","count":1}}`: change,
		`{"@timestamp":"2026-03-01T12:00:00.007Z","ecs":{"version":"8.17.0"},` +
			`"event":{"id":"e-3","kind":"event","category":["authentication"],"type":["start"],"action":"sign_in","outcome":"unknown","reason":"busy",` +
			`"module":"postern","dataset":"postern.events","start":"2026-03-01T12:00:00.007Z","end":"2026-03-01T12:00:00.007Z"},` +
			`"service":{"name":"postern"},"source":{"address":"192.0.2.1","ip":"192.0.2.1"},"network":{"protocol":"radius"},` +
			`"postern":{"outcome":"busy","service":"vpn","method":"pap","client":"vpn","reported_source":"00-11","unknown_login_digest":"00ff","count":1}}`: unknown,
	} {
		if got, err := exportLine(ev); err != nil || string(got) != want {
			t.Errorf("the line is\n%s (%v), want\n%s", got, err, want)
		}
	}
}

func TestEveryKindOfEventHasItsPlaceInTheSchema(t *testing.T) {
	for _, kind := range directory.EventKinds {
		category, types := ecsCategory(directory.Event{Kind: kind})
		if len(category) != 1 || len(types) == 0 || (category[0] == "authentication") != slices.Contains(
			[]directory.EventKind{directory.EventSignIn, directory.EventBreakGlass, directory.EventNotRecorded}, kind) {
			t.Errorf("%s is %v %v", kind, category, types)
		}
	}
}

func TestAFileGetsWholeLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	to := openExport(config.ExportTarget{File: path})
	write := func(id string) {
		t.Helper()
		if err := to.write(t.Context(), []directory.Event{refusedSignIn(id)}); err != nil {
			t.Fatal(err)
		}
	}
	write("e-1")
	if err := os.Rename(path, path+".1"); err != nil { // rotated
		t.Fatal(err)
	}
	rewriteFile(t, path, `{"half`)
	write("e-2")
	write("e-3")
	for file, want := range map[string][]string{path + ".1": {"e-1"}, path: {"e-2", "e-3"}} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := idsIn(t, strings.TrimPrefix(string(text), "{\"half\n")); !slices.Equal(got, want) {
			t.Errorf("%s holds %v, want %v", filepath.Base(file), got, want)
		}
	}
	if info, err := os.Stat(path + ".1"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
}

// idsIn reads lines of JSON.
func idsIn(t *testing.T, text string) (ids []string) {
	t.Helper()
	for line := range strings.Lines(text) {
		var ev struct{ Event struct{ ID string } }
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		ids = append(ids, ev.Event.ID)
	}
	return ids
}

// header is what stands before the text of a message (RFC 5424 §6).
var header = regexp.MustCompile(`^<(\d+)>1 2026-03-01T12:00:00\.007Z \S+ postern \d+ sign_in - (\{.*\})$`)

func expectMessage(t *testing.T, message []byte, id string) {
	t.Helper()
	m := header.FindSubmatch(message)
	if m == nil || string(m[1]) != "85" || !slices.Equal(idsIn(t, string(m[2])), []string{id}) {
		t.Errorf("the message is %s", message)
	}
}

func TestSyslogGetsDatagrams(t *testing.T) {
	unix, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "log"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for network, listener := range map[string]net.PacketConn{"unix": unix, "udp": udp} {
		defer listener.Close()
		to := openExport(config.ExportTarget{Network: network, Address: listener.LocalAddr().String()})
		if err := to.write(t.Context(), []directory.Event{refusedSignIn("e-1"), refusedSignIn("e-2")}); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"e-1", "e-2"} {
			message := make([]byte, 8192)
			if err := listener.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			n, _, err := listener.ReadFrom(message)
			if err != nil {
				t.Fatal(err)
			}
			expectMessage(t, message[:n], id)
		}
		if err := to.close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSyslogStreamsAreCountedAndTriedAgain: a collector that goes away before it
// has read a batch gets the batch again when it is back.
func TestSyslogStreamsAreCountedAndTriedAgain(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		address := map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "stream")}[network]
		ln, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		accepted := make(chan net.Conn, 2)
		go func() {
			for range 2 {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				accepted <- conn
			}
		}()
		to := openExport(config.ExportTarget{Network: network, Address: ln.Addr().String()}).(*exportSyslog)
		to.still = patience // the collector may take its time to go
		sent := make(chan error, 1)
		go func() { sent <- to.write(t.Context(), []directory.Event{refusedSignIn("e-1")}) }()
		gone := <-accepted
		gone.Close()
		if err := <-sent; err == nil {
			t.Errorf("%s: a batch that nobody took counts as sent", network)
		}
		to.still = stillThere
		if err := to.write(t.Context(), []directory.Event{refusedSignIn("e-1"), refusedSignIn("e-2")}); err != nil {
			t.Fatal(err)
		}
		conn := <-accepted
		r := bufio.NewReader(conn)
		for _, id := range []string{"e-1", "e-2"} {
			length, err := r.ReadString(' ')
			n, wrong := strconv.Atoi(strings.TrimSpace(length))
			if err != nil || wrong != nil {
				t.Fatalf("%s: the length is %q (%v)", network, length, err)
			}
			message := make([]byte, n)
			if _, err := io.ReadFull(r, message); err != nil {
				t.Fatal(err)
			}
			expectMessage(t, message, id)
		}
		conn.Close()
		if err := to.close(); err != nil {
			t.Error(err)
		}
	}
}

// tape is where events come from and go to, in memory. mu keeps the test and
// the exporter apart.
type tape struct {
	mu      sync.Mutex
	events  int
	meta    map[string]string
	written []string
	fail    error
}

func (s *tape) EventsChanged(_ context.Context, position int64, limit int) (list []directory.Event, last int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for last = position; last < int64(s.events) && len(list) < limit; {
		last++
		list = append(list, refusedSignIn(fmt.Sprint(last)))
	}
	return list, last, nil
}

func (s *tape) Meta(_ context.Context, key string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meta[key], nil
}

func (s *tape) SetMeta(_ context.Context, key, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meta[key] = value
	return nil
}

func (s *tape) write(_ context.Context, events []directory.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for _, ev := range events {
		s.written = append(s.written, ev.ID)
	}
	return nil
}

func (s *tape) close() error { return nil }

// set says how many events there are, and what writing them comes to.
func (s *tape) set(events int, fail error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events, s.fail = events, fail
}

func (s *tape) position() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meta[metaExported]
}

func TestEventsAreExportedFromWhereItWasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &tape{events: 1200, meta: map[string]string{}, fail: errors.New("the collector is away")}
		var log screen
		ctx, stop := context.WithCancel(t.Context())
		x := newExporter(s, s, slog.New(slog.NewTextHandler(&log, nil)))
		ended := make(chan struct{})
		go func() { defer close(ended); x.run(ctx) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := strings.Count(log.String(), "collector is away"); n != 1 || s.position() != "" {
			t.Errorf("ten minutes away are said %d times, and the position is %q", n, s.position())
		}
		s.set(1200, nil)
		time.Sleep(exportPause)
		s.set(1201, nil)
		time.Sleep(2 * exportEvery)
		stop()
		<-ended
		if len(s.written) != 1201 || s.written[0] != "1" || s.written[1200] != "1201" {
			t.Errorf("%d were written", len(s.written))
		}
		s.events, s.written = 1203, nil
		if err := newExporter(s, s, x.log).finish(t.Context()); err != nil || !slices.Equal(s.written, []string{"1202", "1203"}) {
			t.Errorf("a new process writes %v (%v)", s.written, err)
		}
	})
	if newExporter(nil, openExport(config.ExportTarget{}), nil) != nil {
		t.Error("there is an exporter to nowhere")
	}
}

// TestAServerExportsWhatItRecords: also what came last before it stopped.
func TestAServerExportsWhatItRecords(t *testing.T) {
	dir := t.TempDir()
	rewriteFile(t, filepath.Join(dir, "config.toml"), demoConfig+"[events]\nexport = \"file:events.jsonl\"\n")
	r := open(t, dir)
	r.run(t)
	_, password := r.addPerson(t, "ann")
	for range 3 {
		r.bind(t, "ann", password.Reveal())
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"action":"account_added"`) || !regexp.MustCompile(`"action":"sign_in","outcome":"success".*"count":3`).Match(text) {
		t.Errorf("exported is\n%s", text)
	}
}

func TestOldEventsGoAtTheStart(t *testing.T) {
	r := open(t, t.TempDir())
	old := refusedSignIn("e-old")
	old.At = time.Now().Add(-401 * day)
	old.LastAt = old.At
	young := refusedSignIn("e-young")
	young.At = time.Now().Add(-399 * day)
	young.LastAt = young.At
	if err := r.site.store.AppendEvents(t.Context(), []directory.Event{old, young}); err != nil {
		t.Fatal(err)
	}
	r.expireOnce(t.Context())
	list, err := r.site.store.Events(t.Context(), directory.EventFilter{Kinds: []directory.EventKind{directory.EventSignIn}})
	if err != nil || len(list) != 1 || list[0].ID != "e-young" {
		t.Errorf("kept are %v (%v)", list, err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
}
