package faults

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"postern/bench/site"
	"postern/ldapsrv/wire"
)

// clock is the wall clock of one process, as its language runtime reads it: the
// function of the vDSO that the kernel maps into every process is replaced, in
// that process alone, by one that adds an offset to the time of day. The clock
// that only measures (CLOCK_MONOTONIC) goes on as it does when an administrator
// or NTP sets the time, and the machine's clock is left alone.
type clock struct {
	t      *testing.T
	pid    int
	offset int64 // where the offset stands in the process's memory
}

// ahead is clock_gettime(2) with an offset in seconds, at [14:18], for
// CLOCK_REALTIME: mov eax, 228; syscall; test edi, edi; jne +7;
// add qword [rsi], offset; ret.
var ahead = []byte{0xb8, 0xe4, 0, 0, 0, 0x0f, 0x05, 0x85, 0xff, 0x75, 0x07, 0x48, 0x81, 0x06, 0, 0, 0, 0, 0xc3}

const offsetAt = 14

// takeClock takes over the clock of p, which must be ours to trace.
func takeClock(t *testing.T, p *site.Process) *clock {
	t.Helper()
	c := &clock{t: t, pid: p.PID()}
	from, to := c.vdso()
	image := make([]byte, to-from)
	c.memory(func(mem *os.File) error { _, err := mem.ReadAt(image, from); return err })
	file, err := elf.NewFile(bytes.NewReader(image))
	ok(t, err)
	symbols, err := file.DynamicSymbols()
	ok(t, err)
	entry := int64(-1)
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" {
			entry = int64(s.Value)
		}
	}
	free := (int64(len(bytes.TrimRight(image, "\x00"))) + 63) &^ 15 // behind all that is there
	if entry < 0 || free+int64(len(ahead)) > int64(len(image)) {
		t.Fatalf("there is no room in a vDSO of %d bytes", len(image))
	}
	jump := binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(free-entry-5)) // jmp, relative to what follows
	c.offset = from + free + offsetAt
	c.stopped(func() {
		c.memory(func(mem *os.File) error { _, err := mem.WriteAt(ahead, from+free); return err })
		c.memory(func(mem *os.File) error { _, err := mem.WriteAt(jump, from+entry); return err })
	})
	return c
}

// vdso is where the vDSO is mapped.
func (c *clock) vdso() (from, to int64) {
	c.t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", c.pid))
	ok(c.t, err)
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "[vdso]") {
			_, err := fmt.Sscanf(line, "%x-%x", &from, &to)
			ok(c.t, err)
			return from, to
		}
	}
	c.t.Fatal("the process has no vDSO")
	return 0, 0
}

func (c *clock) memory(do func(*os.File) error) {
	c.t.Helper()
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", c.pid), os.O_RDWR, 0)
	ok(c.t, err)
	defer mem.Close()
	ok(c.t, do(mem))
}

// stopped does something while the process stands still.
func (c *clock) stopped(do func()) {
	c.t.Helper()
	ok(c.t, unix.Kill(c.pid, unix.SIGSTOP))
	defer func() { ok(c.t, unix.Kill(c.pid, unix.SIGCONT)) }()
	for until := time.Now().Add(patience); !c.stands(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			c.t.Fatal("the process does not stop")
		}
	}
	do()
}

func (c *clock) stands() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.pid))
	ok(c.t, err)
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "T")
}

// set sets the clock so far ahead of the machine's, or behind it.
func (c *clock) set(ahead time.Duration) {
	c.t.Helper()
	seconds := binary.LittleEndian.AppendUint32(nil, uint32(int32(ahead/time.Second)))
	c.memory(func(mem *os.File) error { _, err := mem.WriteAt(seconds, c.offset); return err })
}

const days = 24 * time.Hour

// TestAClockThatIsSetFailsNobody sets the server's clock forward and back, by
// minutes and by years, while people sign in over both protocols. An app
// password that expires does when the clock says so, and wrong passwords are
// refused, in their time, at any date.
func TestAClockThatIsSetFailsNobody(t *testing.T) {
	began := time.Now()
	h, c := steady(t, site.Config)
	issued, err := h.site.Issue(t.Context(), c.login, "lent", "--expires", time.Now().UTC().Add(30*days).Format(time.RFC3339))
	ok(t, err)
	lent := credential{c.login, "lent", issued.Secret}
	h.serve()
	defer h.running().Kill()
	shown := takeClock(t, h.running())
	binds := signingIn(t, h.running().At("ldap.listen"), c)
	requests := h.asking(c)
	jumps := []time.Duration{time.Hour, -time.Hour, 31 * days, 0, -400 * days, 3650 * days, 5 * time.Minute, -5 * time.Minute, 366 * days, 0}
	for i, ahead := range jumps {
		shown.set(ahead)
		want := wire.Success
		if ahead > 30*days {
			want = wire.InvalidCredentials
		}
		if code := h.bind(lent); code != want {
			t.Errorf("%v ahead, a bind with an app password of 30 days answers %d, want %d", ahead, code, want)
		}
		if code := h.bind(credential{c.login, "made up", fmt.Sprintf("wrong %d", i)}); code != wire.InvalidCredentials {
			t.Errorf("%v ahead, a wrong password answers %d", ahead, code)
		}
	}
	h.stamped(began, 31*days, -400*days, 3650*days, 366*days)
	t.Logf("%d jumps of the clock during %d binds and %d RADIUS requests, none failed", len(jumps), binds(), requests())
}

// asking asks over RADIUS over and over until stop, which returns how many
// requests there were. Any answer but an accept fails the test.
func (h *trial) asking(c credential) (stop func() int64) {
	h.t.Helper()
	shared, err := h.site.Secret()
	ok(h.t, err)
	r, err := site.DialRADIUS(h.running().At("radius.listen"), shared)
	ok(h.t, err)
	var n atomic.Int64
	var ended atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		defer r.Close()
		for !ended.Load() {
			if code, _, err := r.PAP(c.login, c.secret); err != nil || code != 2 {
				h.t.Errorf("a request answers %d, %v", code, err)
				return
			}
			n.Add(1)
		}
	})
	return func() int64 { ended.Store(true); all.Wait(); return n.Load() }
}

// stamped waits until the record has events of each of the dates that the clock
// showed, by month: that it was really set.
func (h *trial) stamped(began time.Time, dates ...time.Duration) {
	h.t.Helper()
	for until := time.Now().Add(patience); ; {
		out, err := h.site.Run(h.t.Context(), "", "events", "--json")
		ok(h.t, err)
		missing := 0
		for _, ahead := range dates {
			first, last := began.Add(ahead).UTC().Format("2006-01"), time.Now().Add(ahead).UTC().Format("2006-01")
			if !strings.Contains(out, `"`+first) && !strings.Contains(out, `"`+last) {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		if time.Now().After(until) {
			h.t.Fatalf("of %d dates %d have no event:\n%s", len(dates), missing, out)
		}
	}
}
