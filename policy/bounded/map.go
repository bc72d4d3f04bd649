// Package bounded holds a map that never grows beyond what it was made for, for
// what strangers can cause to be kept in memory.
package bounded

import "iter"

// Map keeps at least the last n keys that were put or got, and at most 2n. It
// is two maps: when the young one is full it becomes the old one, and what was
// in the old one is forgotten. Nothing is sorted, so a step costs the same
// however full it is. It must not be used concurrently. The zero Map keeps
// nothing; New makes one.
type Map[K comparable, V any] struct {
	n          int
	young, old map[K]V
}

// New returns a Map that keeps at least n keys.
func New[K comparable, V any](n int) Map[K, V] {
	return Map[K, V]{n: n, young: map[K]V{}}
}

// Get returns what is kept under k and makes k young again.
func (m *Map[K, V]) Get(k K) (v V, ok bool) {
	if v, ok = m.young[k]; ok {
		return v, true
	}
	if v, ok = m.old[k]; ok {
		delete(m.old, k)
		m.Put(k, v)
	}
	return v, ok
}

// Put keeps v under k.
func (m *Map[K, V]) Put(k K, v V) {
	if m.n == 0 {
		return
	}
	if _, there := m.young[k]; !there && len(m.young) >= m.n {
		m.old, m.young = m.young, map[K]V{}
	}
	delete(m.old, k)
	m.young[k] = v
}

// Delete forgets k.
func (m *Map[K, V]) Delete(k K) {
	delete(m.young, k)
	delete(m.old, k)
}

// Len is how many keys are kept.
func (m *Map[K, V]) Len() int { return len(m.young) + len(m.old) }

// All goes through what is kept, in no order. The body may delete the key it
// was given and nothing else.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, half := range []map[K]V{m.young, m.old} {
			for k, v := range half {
				if !yield(k, v) {
					return
				}
			}
		}
	}
}
