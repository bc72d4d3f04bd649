package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestWhatTookThePlaceOfAFileIsNotGivenAway: init as root, in a directory of
// the owner's, must not make a file of root's the owner's.
func TestWhatTookThePlaceOfAFileIsNotGivenAway(t *testing.T) {
	dir := t.TempDir()
	roots, path := filepath.Join(dir, "roots"), filepath.Join(dir, "made")
	if err := createFile(roots, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	owner := ids{os.Getuid(), os.Getgid()}
	if owner.uid == 0 {
		owner = ids{65534, 65534}
	}
	for name, replace := range map[string]func() error{
		"a symbolic link": func() error { return os.Symlink(roots, path) },
		"a hard link":     func() error { return os.Link(roots, path) },
		"a named pipe":    func() error { return syscall.Mkfifo(path, 0o600) },
		"a directory":     func() error { return os.Mkdir(path, 0o700) },
	} {
		if err := replace(); err != nil {
			t.Fatal(err)
		}
		if err := giveTo(path, owner); err == nil {
			t.Errorf("%s is given away", name)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := giveTo(roots, owner); err != nil {
		t.Errorf("the file that was made: %v", err)
	}
	info, err := os.Stat(roots)
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != owner.uid {
		t.Error("the file that was made has not changed hands")
	}
}

// TestAFileHasItsModeBeforeItHasItsName, so that no name is followed later.
func TestAFileHasItsModeBeforeItHasItsName(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o644} {
		path := filepath.Join(t.TempDir(), "made")
		if err := createFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != mode {
			t.Errorf("the mode is %v (%v), want %v", info.Mode(), err, mode)
		}
	}
}
