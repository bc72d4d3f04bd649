package secret

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"
)

// TestTheSlowestKindIsThatOfTheQuickestRuns: a slow moment is not the kind's.
func TestTheSlowestKindIsThatOfTheQuickestRuns(t *testing.T) {
	var k kinds
	for _, run := range []struct {
		kind       string
		took, want time.Duration
	}{
		{"$6$", 8, 10},
		{"$2b$12$", 80, 100},
		{"$2b$12$", 40, 50},
		{"$2b$12$", 4000, 50},
		{"$6$", 4, 50},
	} {
		k.took(run.kind, run.took*time.Millisecond)
		if got := time.Duration(k.slowest.Load()); got != run.want*time.Millisecond {
			t.Errorf("after %s in %d ms the slowest takes %v, want %d ms", run.kind, run.took, got, run.want)
		}
	}
}

// TestOneKindIsOneWhateverItsSalt, and our own is none.
func TestOneKindIsOneWhateverItsSalt(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	verify := func(stored Text) {
		t.Helper()
		if ok, _, err := h.Verify(t.Context(), stored, NewText("wrong")); ok || err != nil {
			t.Fatalf("%v, %v", ok, err)
		}
	}
	verify(Text{})
	verify(hashOf(t, h, "right"))
	if h.Slowest() != 0 || len(h.others.least) != 0 {
		t.Errorf("our own hashes are another kind: %v", h.others.least)
	}
	for _, salt := range []string{"one", "two"} {
		verify(NewText("$6$rounds=5000$" + salt + "$" + strings.Repeat("a", 86)))
	}
	verify(hashOf(t, NewHasher(Argon2{Memory: 16, Time: 1, Threads: 1}, 1, 0), "right"))
	sha1, err := ReadForeignHash(NewText("{SSHA}" + strings.Repeat("A", 36)))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := h.Import(t.Context(), sha1, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	verify(kept)
	if h.Slowest() == 0 || len(h.others.least) != 3 {
		t.Errorf("three kinds are %v", h.others.least)
	}
}

// TestAheadIsTheQueueAndOneMore: who needs no run waits as long as who is asked
// at the same moment and does.
func TestAheadIsTheQueueAndOneMore(t *testing.T) {
	h := NewHasher(cheap, 2, 8)
	if got := h.Ahead(); got != 0 {
		t.Errorf("before the first run it is %v", got)
	}
	for range 100 {
		h.took(10 * time.Millisecond)
	}
	for n, want := range []time.Duration{10, 10, 20, 20, 30} {
		if got := h.Ahead(); got != want*time.Millisecond {
			t.Errorf("behind %d on 2 cores it is %v, want %d ms", n, got, want)
		}
		h.places <- struct{}{}
	}
	h.others.took("costly", 40*time.Millisecond)
	if got, want := h.Ahead(), 70*time.Millisecond; got != want { // 40 and a quarter, behind two turns
		t.Errorf("of a costly kind it is %v, want %v", got, want)
	}
}

func TestTheTypicalRunFollowsWhatRunsTake(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	if _, _, err := h.Verify(t.Context(), Text{}, NewText("wrong")); err != nil {
		t.Fatal(err)
	}
	first := h.typical.Load()
	if first <= 0 {
		t.Fatalf("a run took %d ns", first)
	}
	h.took(time.Hour)
	if got := h.typical.Load(); got <= first || got > first+int64(time.Hour)/lately {
		t.Errorf("one slow run in %d makes a typical one %v", lately, time.Duration(got))
	}
}
