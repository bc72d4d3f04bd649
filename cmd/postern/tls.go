package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"postern/config"
)

// fileStamp tells whether a file is still the one that was read.
type fileStamp struct {
	modified time.Time
	size     int64
	inode    uint64 // two files put in place within a tick of the kernel's clock differ in it
}

// stampOf returns the zero stamp for a file that is not there.
func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	stamp := fileStamp{modified: info.ModTime(), size: info.Size()}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		stamp.inode = s.Ino
	}
	return stamp
}

// certificate is the server's certificate, read again when its files change.
// It may be used concurrently.
type certificate struct {
	log *slog.Logger

	mu    sync.Mutex // covers what follows
	files config.TLS
	read  [2]fileStamp // of the last try, also where it failed
	pair  *tls.Certificate
}

func openCertificate(files config.TLS, log *slog.Logger) (*certificate, error) {
	c := &certificate{log: log}
	return c, c.use(files)
}

// use reads other files. With an error the certificate stays what it was.
func (c *certificate) use(files config.TLS) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	read := [2]fileStamp{stampOf(files.Certificate), stampOf(files.Key)}
	pair, err := readCertificate(files.Certificate, files.Key)
	if err != nil {
		return err
	}
	c.files, c.read, c.pair = files, read, pair
	return nil
}

// current returns the certificate. Looking at two files costs nothing beside
// a handshake, so one that was replaced is used from the next handshake on. A
// new pair that does not fit, as while only one of the files is replaced,
// leaves the old one in use.
func (c *certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := [2]fileStamp{stampOf(c.files.Certificate), stampOf(c.files.Key)}
	if found == c.read {
		return c.pair
	}
	c.read = found
	pair, err := readCertificate(c.files.Certificate, c.files.Key)
	if err != nil {
		c.log.Warn("the changed certificate cannot be used; the old one stays in use", "error", err)
		return c.pair
	}
	c.pair = pair
	c.log.Info("the certificate was read again", "file", c.files.Certificate, "good_until", pair.Leaf.NotAfter)
	return pair
}

// tlsConfig is nil where there is no certificate.
func (c *certificate) tlsConfig() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}
