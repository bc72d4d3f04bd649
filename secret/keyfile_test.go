package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

// writeKeyFile writes content to a file of that mode, whatever the umask.
func writeKeyFile(t *testing.T, content string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postern.key")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func keyLine(b byte) string { return base64.StdEncoding.EncodeToString(master(b)) + "\n" }

func TestANewKeyFileIsPrivateAndOpens(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "postern.key")
	if err := CreateKeyFile(path, rand.Reader); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("mode %v, %v, want 0600", info.Mode(), err)
	}
	keys, err := OpenKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKeyFile(path)
	if err != nil || again.Current() != keys.Current() || !again.CheckValid(keys.CheckValue()) {
		t.Errorf("opened twice, two keys: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files are left in the directory, %v", len(entries), err)
	}
	other := filepath.Join(dir, "other.key")
	if err := CreateKeyFile(other, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if keys2, err := OpenKeyFile(other); err != nil || keys2.Current() == keys.Current() || keys2.CheckValid(keys.CheckValue()) {
		t.Errorf("two key files, one key: %v", err)
	}
}

func TestCreateKeyFileReplacesNothing(t *testing.T) {
	path := writeKeyFile(t, "what stands here", 0o600)
	if err := CreateKeyFile(path, rand.Reader); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("over a file: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "what stands here" {
		t.Errorf("the file is now %q, %v", got, err)
	}
	link := filepath.Join(filepath.Dir(path), "link.key")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	if err := CreateKeyFile(link, rand.Reader); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a dangling link: %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 2 {
		t.Errorf("%d files in the directory, %v, want 2", len(entries), err)
	}
}

func TestAKeyFileThatFailsLeavesNothing(t *testing.T) {
	dir, broken := t.TempDir(), errors.New("broken")
	if err := CreateKeyFile(filepath.Join(dir, "k"), iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("without randomness: %v", err)
	}
	if err := CreateKeyFile(filepath.Join(dir, "missing", "k"), rand.Reader); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no directory: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%d files are left, %v", len(entries), err)
	}
}

func TestAKeyFileMayHaveOlderKeysCommentsAndBlankLines(t *testing.T) {
	keys, err := OpenKeyFile(writeKeyFile(t, "# new\n"+keyLine(2)+"\n  # old\n \t"+strings.TrimSpace(keyLine(1))+" \r\n", 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if keys.Current() != newKeys(t, 2).Current() || !keys.Known(newKeys(t, 1).Current()) || len(keys.all) != 2 {
		t.Errorf("%d keys, current %v", len(keys.all), keys.Current())
	}
}

func TestAKeyFileOthersCanReadOrChangeIsRefused(t *testing.T) {
	for mode := fs.FileMode(0); mode <= 0o777; mode++ {
		info := fileInfo{mode: mode, owner: 1000}
		err := checkPrivate("postern.key", info, 1000)
		if refused := mode&0o004 != 0 || mode&0o002 != 0 || mode&0o020 != 0; (err != nil) != refused {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if err == nil {
			continue
		}
		var advised fs.FileMode
		_, advice, _ := strings.Cut(err.Error(), "run chmod ")
		if _, scanErr := fmt.Sscanf(advice, "%o postern.key", &advised); scanErr != nil {
			t.Fatalf("mode %04o: no command in %q", mode, err)
		}
		if checkPrivate("postern.key", fileInfo{mode: advised, owner: 1000}, 1000) != nil || advised&^mode != 0 {
			t.Errorf("mode %04o: following %q does not help", mode, err)
		}
	}
}

func TestAKeyFileOfAnotherUserIsRefused(t *testing.T) {
	for _, c := range []struct {
		owner, us int
		refused   bool
	}{{1000, 1000, false}, {0, 1000, false}, {0, 0, false}, {1001, 1000, true}, {1001, 0, true}} {
		err := checkPrivate("postern.key", fileInfo{mode: 0o600, owner: c.owner}, c.us)
		if (err != nil) != c.refused {
			t.Errorf("owner %d, we are %d: %v", c.owner, c.us, err)
		}
		if c.refused && !strings.Contains(err.Error(), fmt.Sprintf("chown %d postern.key", c.us)) {
			t.Errorf("no command in %q", err)
		}
	}
}

// fileInfo is a regular file of that mode and owner.
type fileInfo struct {
	mode  fs.FileMode
	owner int
}

func (fileInfo) Name() string        { return "postern.key" }
func (fileInfo) Size() int64         { return 1 }
func (f fileInfo) Mode() fs.FileMode { return f.mode }
func (fileInfo) ModTime() time.Time  { return time.Time{} }
func (fileInfo) IsDir() bool         { return false }
func (f fileInfo) Sys() any          { return &syscall.Stat_t{Uid: uint32(f.owner)} }

func TestTheFileOnTheDiskIsJudged(t *testing.T) {
	for mode, refused := range map[fs.FileMode]bool{0o600: false, 0o400: false, 0o640: false, 0o644: true, 0o602: true, 0o660: true} {
		path := writeKeyFile(t, keyLine(1), mode)
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, link} {
			if _, err := OpenKeyFile(name); (err != nil) != refused {
				t.Errorf("mode %04o through %s: %v", mode, filepath.Base(name), err)
			}
		}
	}
}

func TestWhatIsNoKeyFileIsRefusedWithItsPlaceAndWithoutItsContent(t *testing.T) {
	var many strings.Builder
	for b := range byte(maxKeys + 1) {
		many.WriteString(keyLine(b))
	}
	for name, c := range map[string]struct{ content, want string }{
		"empty":         {"", "no key"},
		"only comments": {keyFileHeader, "no key"},
		"no base64":     {"# k\n\nhunter2hunter2\n", "line 3"},
		"a short key":   {keyLine(1) + base64.StdEncoding.EncodeToString(master(2)[1:]) + "\n", "line 2"},
		"padding bits":  {keyLine(1)[:42] + "F=\n", "line 1"},
		"two in a line": {strings.TrimSpace(keyLine(1)) + " " + keyLine(2), "line 1"},
		"twice":         {keyLine(1) + keyLine(1), "twice"},
		"too many":      {many.String(), "more than 16"},
		"too long":      {strings.Repeat("#\n", maxKeyFile), "longer than"},
	} {
		path := writeKeyFile(t, c.content, 0o600)
		keys, err := OpenKeyFile(path)
		if err == nil || keys != nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q does not name the file and %q", name, err, c.want)
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), keyLine(1)[:20]) {
			t.Errorf("%s: %q repeats the file", name, err)
		}
	}
}

func TestWhatIsNoFileIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, pipe, "/dev/null"} {
		if _, err := OpenKeyFile(path); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
	if _, err := OpenKeyFile(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func FuzzParseKeyFile(f *testing.F) {
	f.Add([]byte(keyFileHeader + keyLine(1)))
	f.Add([]byte(keyLine(1) + "\r\n\t" + keyLine(2)))
	f.Add(bytes.Repeat([]byte("="), 100))
	f.Fuzz(func(t *testing.T, content []byte) {
		masters, err := parseKeyFile(content)
		if (err == nil) != (len(masters) > 0) || len(masters) > maxKeys {
			t.Fatalf("%d keys, %v", len(masters), err)
		}
		for _, m := range masters {
			if len(m) != keySize {
				t.Fatalf("a key of %d bytes", len(m))
			}
		}
	})
}
