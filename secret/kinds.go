package secret

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// kinds remembers what hashes of other kinds than our own take, by scheme and
// cost. There are as many as an installation has imported, which is few. The zero
// kinds is ready for use, and may be used concurrently.
type kinds struct {
	mu      sync.Mutex
	least   map[string]time.Duration
	slowest atomic.Int64 // in nanoseconds
}

// took notes one run. Of each kind the quickest counts, and a quarter more:
// what a busy machine adds is not the kind's, and would stay for good.
func (k *kinds) took(kind string, d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if old, known := k.least[kind]; known && old <= d {
		return
	}
	if k.least == nil {
		k.least = map[string]time.Duration{}
	}
	k.least[kind] = d
	slowest := time.Duration(0)
	for _, least := range k.least {
		slowest = max(slowest, least)
	}
	k.slowest.Store(int64(slowest + slowest/4))
}

// kind is the scheme and cost of s, without a salt; other is false where it is
// what a hash of cost made today would be.
func (s storedHash) kind(cost Argon2) (kind string, other bool) {
	if s.recipe.of == nil {
		return fmt.Sprint(s.argon.cost), !s.argon.current(cost)
	}
	end := strings.LastIndexAny(s.recipe.setting, "$}")
	return s.recipe.setting[:end+1], true
}
