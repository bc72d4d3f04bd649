package store

import (
	"context"
	"sync"
	"sync/atomic"

	"postern/directory"
	"postern/policy"
)

// remembered keeps the entries of accounts that were read last, for as long as
// nothing changes. Nothing is answered from it before it is known that no
// change was committed since, by whatever process: the mark of the storage says
// so where nothing at all was committed, and else the change version, which
// events and the noting of last use leave alone.
//
// It may be used concurrently. The zero remembered is empty.
type remembered struct {
	renewing atomic.Bool

	mu sync.RWMutex
	// What is kept was read at the version, and the version at the mark.
	mark    policy.Mark
	version int64
	// Entries that are asked for move from old to young. When young is full it
	// becomes old, and what was not asked for meanwhile is forgotten. What is
	// kept is the question and the form of its answer behind it, in one piece of
	// memory, for it is hardly ever in the processor's; the question is the key.
	young, old map[string]string
	bytes      int // in young
}

// entryKey is what one entry was asked for by, with what was read besides.
type entryKey struct {
	term   uint8 // its place in entryKeys
	kind   directory.Kind
	detail directory.Detail
	value  string
}

// append writes the key, so that no two are written alike.
func (k *entryKey) append(b []byte) []byte {
	return append(append(b, k.term, byte(k.kind), byte(k.detail)), k.value...)
}

// keyRoom is enough for most keys.
const keyRoom = 64

// Bounds of what is kept, in young; in all it is twice that at most.
const (
	maxRemembered      = 12 << 20 // bytes
	rememberedOverhead = 100      // of the map, for each
)

// entryOfOne returns the accounts of that key: what is remembered of them, or
// else what is read now.
func (s *Store) entryOfOne(ctx context.Context, key entryKey) ([]directory.AccountEntry, error) {
	mark := s.Mark()
	form, known := s.entries.find(key, mark)
	if !known && s.entries.renew(ctx, s) {
		mark = s.Mark()
		form, known = s.entries.find(key, mark)
	}
	if form != "" {
		return unpackEntries(form), nil
	}
	list, err := s.oneEntry(ctx, key)
	if known && err == nil {
		s.entries.keep(key, mark, packEntries(list))
	}
	return list, err
}

// find returns the form of what was read, "" where it is not remembered. known says
// that what is remembered is right at that mark.
func (r *remembered) find(key entryKey, mark policy.Mark) (form string, known bool) {
	var room [keyRoom]byte
	question := key.append(room[:0])
	r.mu.RLock()
	known = mark == r.mark && mark != policy.Mark{}
	if !known {
		r.mu.RUnlock()
		return "", false
	}
	kept, young := r.young[string(question)]
	if !young {
		kept = r.old[string(question)]
	}
	r.mu.RUnlock()
	if kept == "" {
		return "", true
	}
	if !young {
		r.add(kept, len(question), mark)
	}
	return kept[len(question):], true
}

// keep keeps an entry that was read after the mark was, unless another mark
// holds by now.
func (r *remembered) keep(key entryKey, mark policy.Mark, form string) {
	var room [keyRoom]byte
	question := key.append(room[:0])
	r.add(string(append(question, form...)), len(question), mark)
}

// add takes what is to be kept into young. Its key is as long as that.
func (r *remembered) add(kept string, key int, mark policy.Mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if mark != r.mark {
		return
	}
	if r.young == nil || r.bytes >= maxRemembered {
		r.old, r.young, r.bytes = r.young, make(map[string]string), 0
	}
	r.young[kept[:key]] = kept
	r.bytes += len(kept) + rememberedOverhead
}

// renew finds out whether what is kept is still right, and forgets it
// otherwise. It reports false where that cannot be said, because somebody else
// is about it or the storage changes right now.
func (r *remembered) renew(ctx context.Context, s *Store) bool {
	if !r.renewing.CompareAndSwap(false, true) {
		return false
	}
	defer r.renewing.Store(false)
	mark := s.Mark()
	version, err := s.Version(ctx)
	if err != nil || mark == (policy.Mark{}) || s.Mark() != mark {
		return false // the version could be of a later state than the mark
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if version != r.version {
		r.young, r.old, r.bytes = nil, nil, 0
	}
	r.mark, r.version = mark, version
	return true
}
