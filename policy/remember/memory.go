// Package remember holds the results of password hashes for a while, so that
// the same password from the same source need not be hashed again. It holds
// results, never decisions: who may do what is decided anew each time, over
// facts that are read anew.
package remember

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/netip"
	"sync"
	"time"

	"postern/policy/bounded"
	"postern/secret"
)

// kept is how many results of each sort are held at least; see bounded.Map.
const kept = 16384

// Key stands for a password presented for an account from a source while a
// certain hash was stored: a keyed hash under a key that ends with the process.
// Another stored hash makes another key, so a change of the password forgets
// what was held for the old one.
type Key [sha256.Size]byte

// Result is what a hash said.
type Result struct {
	Right bool // the password was the one behind the stored hash
	// Accepted says that it opened something then; otherwise it was refused,
	// whatever for.
	Accepted bool
	until    time.Time
}

// Memory holds results. It is made by New and may be used concurrently.
type Memory struct {
	macs sync.Pool

	mu sync.Mutex // covers what follows
	// Apart, so that a flood of wrong passwords does not push out right ones.
	accepted, refused bounded.Map[Key, Result]
}

// New returns an empty Memory with a key of its own.
func New() *Memory {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	m := &Memory{accepted: bounded.New[Key, Result](kept), refused: bounded.New[Key, Result](kept)}
	m.macs.New = func() any { return hmac.New(sha256.New, key) }
	return m
}

// Key returns the key of typed, presented for account from source while stored
// was its hash.
func (m *Memory) Key(source netip.Addr, account string, stored, typed secret.Text) (k Key) {
	mac := m.macs.Get().(hash.Hash)
	defer m.macs.Put(mac)
	mac.Reset()
	addr := source.As16()
	for _, field := range [][]byte{addr[:], []byte(account), []byte(stored.Reveal()), []byte(typed.Reveal())} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		mac.Write(length[:])
		mac.Write(field)
	}
	mac.Sum(k[:0])
	return k
}

// Accepted holds that the password of k is right and opened something, until
// then.
func (m *Memory) Accepted(k Key, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accepted.Put(k, Result{Right: true, Accepted: true, until: until})
	m.refused.Delete(k)
}

// Refused holds that the password of k was refused, and whether it was right,
// until then.
func (m *Memory) Refused(k Key, right bool, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused.Put(k, Result{Right: right, until: until})
	m.accepted.Delete(k)
}

// Recall returns what is held of k at now.
func (m *Memory) Recall(k Key, now time.Time) (Result, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, held := range []*bounded.Map[Key, Result]{&m.accepted, &m.refused} {
		r, ok := held.Get(k)
		if ok && now.Before(r.until) {
			return r, true
		}
		if ok {
			held.Delete(k)
		}
	}
	return Result{}, false
}
