package secret

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	maxKeyFile = 64 << 10
	maxKeys    = 16
)

const keyFileHeader = `# Postern's key. App passwords, enrolled codes and sealed secrets of the
# database are worthless without it: keep a copy, but never beside a copy of
# the database. One key a line (32 random bytes in base64), the current one
# first; older ones below it are still recognised.
`

// CreateKeyFile writes a new key file that only its owner can read. Where path
// exists it changes nothing and the error is fs.ErrExist. When it returns, the
// file is on the disk; a file that was written in part is never seen at path.
func CreateKeyFile(path string, random io.Reader) error {
	var master [keySize]byte
	defer clear(master[:])
	if _, err := io.ReadFull(random, master[:]); err != nil {
		return fmt.Errorf("reading randomness for a key: %w", err)
	}
	content := keyFileHeader + base64.StdEncoding.EncodeToString(master[:]) + "\n"
	if err := placeNew(path, []byte(content)); err != nil {
		return fmt.Errorf("creating the key file %s: %w", path, err)
	}
	return nil
}

// placeNew writes content beside path, where it has the mode 0600 from its
// first moment, and links it into place once it is on the disk. Unlike a
// rename, a link never replaces what stands there.
func placeNew(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-key-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	switch err := os.Link(f.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return fs.ErrExist
	case err != nil:
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir puts a directory's entries on the disk.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenKeyFile reads a key file. It refuses one that others could have read or
// changed, and says what to do about it.
func OpenKeyFile(path string) (*Keys, error) {
	content, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(content)
	masters, err := parseKeyFile(content)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	keys, err := NewKeys(masters[0], masters[1:]...)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return keys, nil
}

// readPrivate reads the file and judges the very file it read. O_NONBLOCK
// keeps a named pipe from holding the start for ever.
func readPrivate(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("looking at the key file: %w", err)
	}
	if err := checkPrivate(path, info, os.Geteuid()); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the key file: %w", err)
	}
	if len(content) > maxKeyFile {
		return nil, fmt.Errorf("key file %s: longer than %d bytes, so it is something else", path, maxKeyFile)
	}
	return content, nil
}

// checkPrivate refuses a file that the world can read or write, or that
// another user than us and root can write. The group may read it, which is how
// a file of root's is given to a service.
func checkPrivate(path string, info fs.FileInfo, us int) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("key file %s: not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o026 != 0 {
		return fmt.Errorf("key file %s: mode %04o lets others read or change it: run chmod %04o %s", path, mode, mode&^0o027, path)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 && int(stat.Uid) != us {
		return fmt.Errorf("key file %s: it belongs to user %d, who can change it: run chown %d %s as root", path, stat.Uid, us, path)
	}
	return nil
}

// parseKeyFile returns the keys of a file, at least one. Its errors name the
// line and never what stands there.
func parseKeyFile(content []byte) ([][]byte, error) {
	var masters [][]byte
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, maxKeyFile)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		master, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(master) != keySize {
			return nil, fmt.Errorf("line %d is not a key of %d bytes in base64", n, keySize)
		}
		masters = append(masters, master)
	}
	switch err := lines.Err(); {
	case err != nil:
		return nil, fmt.Errorf("reading it line by line: %w", err)
	case len(masters) == 0:
		return nil, errors.New("there is no key in it")
	case len(masters) > maxKeys:
		return nil, fmt.Errorf("more than %d keys in it: remove the oldest, at the end", maxKeys)
	}
	return masters, nil
}
