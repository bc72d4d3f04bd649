package store

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"postern/policy"
)

// headerOf is the header of an index in use after n commits, with the checksum
// over it.
func headerOf(n uint64) (m policy.Mark) {
	m[0] = headerVersion
	m[1] = n<<32>>32 | 1<<32 // the number of the commit; in use
	m[2], m[3], m[4] = n*3, n*5, n*7
	var s0, s1 uint32
	for i := range m[:5] {
		s0 += uint32(m[i]) + s1
		s1 += uint32(m[i]>>32) + s0
	}
	m[5] = uint64(s0) | uint64(s1)<<32
	return m
}

func viewOf(first, second policy.Mark) *walIndex {
	head := new([2 * headerWords]uint64)
	copy(head[:], first[:])
	copy(head[headerWords:], second[:])
	return &walIndex{head: head}
}

// TestAHeaderThatIsBeingWrittenIsNoMark: neither one of which the copies
// differ, nor one without its checksum, nor one of an index that is not in use.
func TestAHeaderThatIsBeingWrittenIsNoMark(t *testing.T) {
	one, two := headerOf(1), headerOf(2)
	if got := viewOf(one, one).mark(); got != one {
		t.Fatalf("a whole header is the mark %v, want %v", got, one)
	}
	for i := range one {
		mixed := one
		mixed[i] = two[i]
		if mixed == one {
			continue
		}
		for name, w := range map[string]*walIndex{"first copy": viewOf(mixed, one), "second copy": viewOf(one, mixed), "both copies": viewOf(mixed, mixed)} {
			if got := w.mark(); got != (policy.Mark{}) {
				t.Errorf("word %d of the %s is of the next commit: %v", i, name, got)
			}
		}
	}
	unused, foreign := one, one
	unused[1] &^= 1 << 32
	foreign[0]++
	for name, m := range map[string]policy.Mark{"empty": {}, "not in use": unused, "of another version": foreign} {
		if got := viewOf(m, m).mark(); got != (policy.Mark{}) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := (*walIndex)(nil).mark(); got != (policy.Mark{}) {
		t.Errorf("without an index: %v", got)
	}
}

// TestAMarkReadWhileHeadersAreWrittenIsOneThatWasWritten, in the order in
// which SQLite writes them: the second copy first.
func TestAMarkReadWhileHeadersAreWrittenIsOneThatWasWritten(t *testing.T) {
	w := viewOf(headerOf(1), headerOf(1))
	const commits = 20_000
	var done atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		defer done.Store(true)
		for n := range uint64(commits) {
			next := headerOf(n + 1)
			for _, at := range []int{headerWords, 0} {
				for i, word := range next {
					atomic.StoreUint64(&w.head[at+i], word)
				}
			}
		}
	})
	var read, last uint64
	for !done.Load() {
		m := w.mark()
		if m == (policy.Mark{}) {
			continue
		}
		n := m[1] << 32 >> 32
		if m != headerOf(n) || n < last {
			t.Fatalf("read %v after commit %d", m, last)
		}
		read, last = read+1, n
	}
	all.Wait()
	if m := w.mark(); m != headerOf(commits) {
		t.Errorf("in the end it is %v (%d were read)", m, read)
	}
}

// TestTheMarkMovesWithEveryCommitAndWithNothingElse, whoever commits.
func TestTheMarkMovesWithEveryCommitAndWithNothingElse(t *testing.T) {
	dir := t.TempDir()
	server, command := openHere(t, Options{Dir: dir}), openHere(t, Options{Dir: dir})
	mark := server.Mark()
	if mark == (policy.Mark{}) || mark != command.Mark() {
		t.Fatalf("the marks are %v and %v", mark, command.Mark())
	}
	for n := range 100 {
		ok(t, []*Store{server, command}[rand.IntN(2)].SetMeta(t.Context(), "x", string(rune('a'+n))))
		now := server.Mark()
		if now == mark || now == (policy.Mark{}) || now != command.Mark() {
			t.Fatalf("after commit %d it is %v, was %v", n, now, mark)
		}
		_, err := server.Version(t.Context())
		ok(t, err)
		if again := server.Mark(); again != now {
			t.Fatalf("after a read it is %v, was %v", again, now)
		}
		mark = now
	}
	ok(t, command.Close())
	ok(t, server.SetMeta(t.Context(), "y", "z"))
	if now := server.Mark(); now == mark || now == (policy.Mark{}) {
		t.Errorf("after the other has closed it stays %v", now)
	}
	ok(t, server.Close())
	if now := server.Mark(); now != (policy.Mark{}) {
		t.Errorf("after it has closed it is %v", now)
	}
}

// TestADatabaseOpenedAgainHasMarksAgain: its index is another file then.
func TestADatabaseOpenedAgainHasMarksAgain(t *testing.T) {
	dir := t.TempDir()
	for _, value := range []string{"1", "2", "3"} {
		s := openHere(t, Options{Dir: dir})
		before := s.Mark()
		ok(t, s.SetMeta(t.Context(), "x", value))
		if now := s.Mark(); before == (policy.Mark{}) || now == before || now == (policy.Mark{}) {
			t.Errorf("the mark is %v after %v", now, before)
		}
		ok(t, s.Close())
	}
}
