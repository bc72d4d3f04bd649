package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"postern/bench/history"
	"postern/bench/site"
	"postern/ldapsrv/wire"
)

// needsRoot skips what only root can do to a machine, and what has no program;
// in CI both are there.
func needsRoot(t *testing.T, programs ...string) {
	t.Helper()
	why := ""
	if os.Geteuid() != 0 {
		why = "only root can mount"
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			why = p + " is not installed: make deps installs it"
		}
	}
	if why == "" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

// disk is a file system of the test's own.
type disk struct {
	t      *testing.T
	at     string
	source []string // arguments of mount
}

func (d *disk) mount() {
	d.t.Helper()
	run(d.t, "mount", append(d.source, d.at)...)
}

// unmount waits for the last file to be let go.
func (d *disk) unmount() {
	d.t.Helper()
	err := unix.Unmount(d.at, 0)
	for end := time.Now().Add(time.Minute); errors.Is(err, unix.EBUSY) && time.Now().Before(end); err = unix.Unmount(d.at, 0) {
		time.Sleep(10 * time.Millisecond)
	}
	ok(d.t, err)
}

func newDisk(t *testing.T, source ...string) *disk {
	t.Helper()
	d := &disk{t: t, at: filepath.Join(t.TempDir(), "disk"), source: source}
	ok(t, os.Mkdir(d.at, 0o700))
	d.mount()
	t.Cleanup(func() { _ = unix.Unmount(d.at, unix.MNT_DETACH) })
	return d
}

// trial on a disk.
func (d *disk) trial() *trial {
	d.t.Helper()
	dir := filepath.Join(d.at, "site")
	ok(d.t, os.Mkdir(dir, 0o700))
	return newTrial(d.t, dir, 1)
}

// acknowledge issues some app passwords and revokes some of them, undisturbed.
func (h *trial) acknowledge(n int) {
	h.t.Helper()
	for i := range n {
		h.issue(login(h.rand.IntN(people)), h.undisturbed)
		if all := h.everyone(); i%3 == 2 {
			h.revoke(all[len(all)-1], h.undisturbed)
		}
	}
}

const (
	ext4Shutdown     = 0x8004587d // EXT4_IOC_SHUTDOWN
	withoutFlushing  = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
	cuts             = 4
	acknowledgedEach = 12
)

// cut ends the file system as a power cut would: what was not synchronised is
// gone.
func (d *disk) cut() {
	d.t.Helper()
	dir, err := os.Open(d.at)
	ok(d.t, err)
	defer dir.Close()
	flags := uint32(withoutFlushing)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), ext4Shutdown, uintptr(unsafe.Pointer(&flags)))
	if errno != 0 {
		d.t.Fatalf("cutting the power: %v", errno)
	}
}

// TestWhatWasAcknowledgedOutlivesPowerCuts cuts the power of the disk under a
// server and its commands. A file that was written and not synchronised is lost
// by it, which shows that the cut cuts.
func TestWhatWasAcknowledgedOutlivesPowerCuts(t *testing.T) {
	needsRoot(t, "mkfs.ext4")
	image := filepath.Join(t.TempDir(), "image")
	ok(t, os.WriteFile(image, nil, 0o600))
	ok(t, os.Truncate(image, 64<<20))
	run(t, "mkfs.ext4", "-q", "-F", image)
	d := newDisk(t, "-o", "loop", image)
	h := d.trial()
	unix.Sync() // the configuration, which an editor wrote
	for range cuts {
		h.serve()
		h.acknowledge(acknowledgedEach)
		canary := filepath.Join(d.at, "canary")
		ok(t, os.WriteFile(canary, []byte("not synchronised"), 0o600))
		d.cut()
		h.running().Kill()
		d.unmount()
		d.mount()
		if b, err := os.ReadFile(canary); err == nil && len(b) > 0 {
			t.Fatal("a file that was not synchronised is still there: the power was not cut")
		}
		h.serve()
		h.check()
		h.running().Kill()
	}
	t.Logf("%d power cuts, %d acknowledged changes", cuts, h.log.Count(history.Issue, history.Yes)+h.log.Count(history.Revoke, history.Yes))
}

// fails says that a change fails, clearly, and changes nothing.
func (h *trial) fails(who string) {
	h.t.Helper()
	before := len(h.listed(who))
	outcome := h.issue(who, func(args ...string) (string, history.Outcome) {
		out, err := h.site.Run(h.t.Context(), "", args...)
		var ended *exec.ExitError
		switch {
		case err == nil:
			return out, history.Yes
		case !errors.As(err, &ended) || ended.ExitCode() != 1 || !strings.Contains(err.Error(), "postern:"):
			h.t.Errorf("a change fails with %v", err)
		}
		return "", history.No
	})
	if outcome != history.No {
		h.t.Error("a change succeeds on a disk that cannot take it")
	}
	if after := len(h.listed(who)); after != before {
		h.t.Errorf("there were %d app passwords before the failed change and %d after it", before, after)
	}
}

// signsIn says that everybody who could still can, and nobody else.
func (h *trial) signsIn() {
	h.t.Helper()
	for _, c := range h.everyone() {
		want := wire.Success
		if h.revoked[c.id] {
			want = wire.InvalidCredentials
		}
		if code := h.bind(c); code != want {
			h.t.Errorf("a bind answers %d, want %d", code, want)
		}
	}
}

// TestAFullDiskStopsChangesAndNotSignIns fills the disk under a server, and
// makes room again: nothing is restarted.
func TestAFullDiskStopsChangesAndNotSignIns(t *testing.T) {
	needsRoot(t)
	d := newDisk(t, "-t", "tmpfs", "-o", "size=16m", "tmpfs")
	h := d.trial()
	h.serve()
	defer h.running().Kill()
	h.acknowledge(6)
	ballast := filepath.Join(d.at, "ballast")
	fill(t, ballast)
	h.signsIn()
	h.fails(login(0))
	h.signsIn()
	ok(t, os.Remove(ballast))
	h.acknowledge(3)
	h.check()
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	ok(t, err)
	defer f.Close()
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
}

// TestAReadOnlyDiskStopsChangesAndNotSignIns makes the disk read-only under a
// server, and writable again.
func TestAReadOnlyDiskStopsChangesAndNotSignIns(t *testing.T) {
	needsRoot(t)
	d := newDisk(t, "-t", "tmpfs", "-o", "size=32m", "tmpfs")
	h := d.trial()
	h.serve()
	defer h.running().Kill()
	h.acknowledge(6)
	// A file that is open for writing keeps a disk from becoming read-only, so
	// the directory is what is made so: a bind mount of itself.
	run(t, "mount", "--bind", d.at, d.at)
	t.Cleanup(func() { _ = unix.Unmount(d.at, unix.MNT_DETACH) })
	run(t, "mount", "-o", "remount,bind,ro", d.at)
	h.signsIn()
	h.fails(login(0))
	run(t, "mount", "-o", "remount,bind,rw", d.at)
	h.acknowledge(3)
	h.check()
}

// TestADiskThatFailsToSynchroniseStopsTheServer has fsync fail: what the
// database says after that cannot be believed, so the server ends, and after a
// restart everything acknowledged is there.
func TestADiskThatFailsToSynchroniseStopsTheServer(t *testing.T) {
	needsRoot(t, "strace")
	h := newTrial(t, t.TempDir(), 1)
	h.acknowledge(4)
	h.site.Wrap("strace", "-f", "-q", "--seccomp-bpf", "-o", filepath.Join(t.TempDir(), "trace"), "-e", "trace=fsync", "-e", "inject=fsync:error=EIO")
	h.serve()
	p := h.running()
	for i := 0; ; i++ { // sign-ins leave events, and those must be written
		l, err := site.DialLDAP(p.At("ldap.listen"))
		if err != nil {
			break
		}
		_, _, err = l.Bind(fmt.Sprintf("nobody%d", i), password)
		l.Close()
		if err != nil {
			break
		}
	}
	select {
	case <-p.Ended():
	case <-time.After(time.Minute):
		p.Kill()
		t.Fatal("the server goes on after a failed fsync")
	}
	if p.Err() == nil {
		t.Error("the server ended as if nothing had happened")
	}
	h.site.Wrap()
	h.serve()
	h.check()
	h.running().Kill()
}
