package secret

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// cheap is the least Argon2id there is.
var cheap = Argon2{Memory: 8, Time: 1, Threads: 1}

func hashOf(t testing.TB, h *Hasher, password string) Text {
	t.Helper()
	stored, err := h.Hash(t.Context(), NewText(password), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestAPasswordIsVerifiedByteForByte(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	stored := hashOf(t, h, "Grüße, Welt ")
	for typed, want := range map[string]bool{
		"Grüße, Welt ":       true,
		"Grüße, Welt":        false,
		"grüße, welt ":       false,
		"Gru\u0308ße, Welt ": false,
		"":                   false,
		"x":                  false,
	} {
		before := h.Runs()
		ok, stale, err := h.Verify(t.Context(), stored, NewText(typed))
		if ok != want || stale || err != nil || h.Runs() != before+1 {
			t.Errorf("%q: %v, stale %v, %v, %d runs", typed, ok, stale, err, h.Runs()-before)
		}
	}
}

func TestAStoredHashIsAPHCStringOfTheHashersCostWithASaltOfItsOwn(t *testing.T) {
	h := NewHasher(DefaultArgon2, 1, 0)
	one, two := hashOf(t, h, "password"), hashOf(t, h, "password")
	if !strings.HasPrefix(one.Reveal(), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error("not a PHC string of the default cost")
	}
	if one.Equal(two) {
		t.Error("two hashes of a password are equal")
	}
	parsed, err := parseStored(one.Reveal())
	if err != nil || len(parsed.argon.salt) != 16 || len(parsed.argon.tag) != 32 {
		t.Errorf("salt of %d, tag of %d bytes, %v", len(parsed.argon.salt), len(parsed.argon.tag), err)
	}
	if h.Runs() != 2 {
		t.Errorf("%d runs, want 2", h.Runs())
	}
}

func TestNoStoredHashIsNoForEveryPasswordAndTheSameWork(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	for i, typed := range []string{"", "x", "password", strings.Repeat("x", 10_000)} {
		ok, stale, err := h.Verify(t.Context(), Text{}, NewText(typed))
		if ok || stale || err != nil || h.Runs() != uint64(i+1) {
			t.Errorf("%d bytes: %v, %v, %v after %d runs", len(typed), ok, stale, err, h.Runs())
		}
	}
	real, err := parseStored(hashOf(t, h, "password").Reveal())
	if err != nil || real.argon.cost != h.dummy.cost || len(real.argon.salt) != len(h.dummy.salt) || len(real.argon.tag) != len(h.dummy.tag) {
		t.Errorf("the dummy %+v costs something else than %+v, %v", h.dummy.cost, real.argon.cost, err)
	}
}

// TestADummyTakesAsLongAsAHash compares the least of several runs: the load of
// the machine can only add to them, so a difference that is the hash's own
// stays however often it is tried, and any other goes away.
func TestADummyTakesAsLongAsAHash(t *testing.T) {
	h := NewHasher(DefaultArgon2, 1, 0)
	stored := hashOf(t, h, "password")
	wrong := func(stored Text, least time.Duration) time.Duration {
		start := time.Now()
		if ok, _, err := h.Verify(t.Context(), stored, NewText("wrong")); ok || err != nil {
			t.Fatal(ok, err)
		}
		return min(least, time.Since(start))
	}
	hash, dummy, ratio := time.Hour, time.Hour, 0.0
	for round := range 40 {
		hash, dummy = wrong(stored, hash), wrong(Text{}, dummy)
		ratio = float64(dummy) / float64(hash)
		if round >= 3 && ratio > 0.5 && ratio < 2 {
			return
		}
	}
	t.Errorf("a dummy takes %.2f of a hash", ratio)
}

func TestARightPasswordWithAnotherCostIsStale(t *testing.T) {
	current := NewHasher(Argon2{Memory: 16, Time: 1, Threads: 1}, 1, 0)
	for name, c := range map[string]struct {
		cost  Argon2
		stale bool
	}{
		"same":   {Argon2{16, 1, 1}, false},
		"memory": {Argon2{8, 1, 1}, true},
		"dearer": {Argon2{32, 1, 1}, true},
		"time":   {Argon2{16, 2, 1}, true},
		"lanes":  {Argon2{16, 1, 2}, true},
	} {
		stored := hashOf(t, NewHasher(c.cost, 1, 0), "right")
		if ok, stale, err := current.Verify(t.Context(), stored, NewText("right")); !ok || stale != c.stale || err != nil {
			t.Errorf("%s: right %v, stale %v, %v", name, ok, stale, err)
		}
		if ok, stale, err := current.Verify(t.Context(), stored, NewText("wrong")); ok || stale || err != nil {
			t.Errorf("%s: wrong %v, stale %v, %v", name, ok, stale, err)
		}
	}
	for name, short := range map[string]argon2Hash{
		"short salt": {cost: current.cost, salt: make([]byte, 8), tag: make([]byte, tagLen)},
		"short tag":  {cost: current.cost, salt: make([]byte, saltLen), tag: make([]byte, 16)},
	} {
		short.tag = short.of("right")
		if ok, stale, err := current.Verify(t.Context(), NewText(short.String()), NewText("right")); !ok || !stale || err != nil {
			t.Errorf("%s: right %v, stale %v, %v", name, ok, stale, err)
		}
	}
}

// TestNothingMatchesNothing gives the dummy a tag that a password has, and
// the empty password a hash: neither may ever be a yes.
func TestNothingMatchesNothing(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	h.dummy.tag = h.dummy.of("dummy")
	if ok, _, err := h.Verify(t.Context(), Text{}, NewText("dummy")); ok || err != nil {
		t.Errorf("no stored hash: %v, %v", ok, err)
	}
	empty := h.dummy
	empty.tag = empty.of("")
	if ok, _, err := h.Verify(t.Context(), NewText(empty.String()), Text{}); ok || err != nil {
		t.Errorf("an empty password with a hash: %v, %v", ok, err)
	}
}

func TestAHashThatCannotBeReadIsNeitherYesNorNo(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	for _, stored := range []string{"x", "$2b$12$x", "$2b$31$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", phc("$argon2id$v=19$m=4294967295,t=2,p=1", 16, 32)} {
		if ok, stale, err := h.Verify(t.Context(), NewText(stored), NewText("x")); ok || stale || err == nil || h.Runs() != 0 {
			t.Errorf("%.12s: %v, %v, %v, %d runs", stored, ok, stale, err, h.Runs())
		}
	}
}

func TestAHasherOfAnImpossibleCostDoesNothing(t *testing.T) {
	for _, cost := range []Argon2{{}, {Memory: 1 << 31, Time: 1, Threads: 1}} {
		h := NewHasher(cost, 1, 0)
		if made, err := h.Hash(t.Context(), NewText("x"), rand.Reader); err == nil || !made.Empty() {
			t.Errorf("%+v: made a hash", cost)
		}
		if ok, _, err := h.Verify(t.Context(), Text{}, NewText("x")); ok || err == nil || h.Runs() != 0 {
			t.Errorf("%+v: %v, %v, %d runs", cost, ok, err, h.Runs())
		}
	}
}

func TestNothingIsHashedOfNothing(t *testing.T) {
	h, broken := NewHasher(cheap, 1, 0), errors.New("broken")
	if made, err := h.Hash(t.Context(), Text{}, rand.Reader); err == nil || !made.Empty() {
		t.Error("an empty password has a hash")
	}
	if made, err := h.Hash(t.Context(), NewText("x"), iotest.ErrReader(broken)); !errors.Is(err, broken) || !made.Empty() {
		t.Errorf("without randomness: %v", err)
	}
	if h.Runs() != 0 {
		t.Errorf("%d runs", h.Runs())
	}
}

func TestHalfTheCoresRunByDefault(t *testing.T) {
	if got := cap(NewHasher(cheap, 0, 5).cores); got < 1 {
		t.Errorf("%d run at a time", got)
	}
	h := NewHasher(cheap, 2, -1)
	if cap(h.cores) != 2 || cap(h.places) != 2 {
		t.Errorf("%d run, %d places, want 2 and 2", cap(h.cores), cap(h.places))
	}
}

// occupy takes all cores, as runs that never end would.
func occupy(h *Hasher) (release func()) {
	for range cap(h.cores) {
		h.places <- struct{}{}
		h.cores <- struct{}{}
	}
	return func() {
		for range cap(h.cores) {
			<-h.cores
			<-h.places
		}
	}
}

func TestAFullQueueIsBusyAtOnceAndTheQueuedAreServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(cheap, 2, 3)
		release := occupy(h)
		answers := make(chan error, 10)
		verify := func() {
			_, _, err := h.Verify(t.Context(), Text{}, NewText("x"))
			answers <- err
		}
		for range 3 {
			go verify()
		}
		synctest.Wait()
		if len(answers) != 0 || h.Runs() != 0 {
			t.Fatalf("%d answers and %d runs while all cores are taken", len(answers), h.Runs())
		}
		for range 4 {
			verify()
			if err := <-answers; !errors.Is(err, ErrBusy) {
				t.Fatalf("with a full queue: %v", err)
			}
		}
		if _, err := h.Hash(t.Context(), NewText("x"), rand.Reader); !errors.Is(err, ErrBusy) {
			t.Fatalf("hashing with a full queue: %v", err)
		}
		release()
		synctest.Wait()
		for range 3 {
			if err := <-answers; err != nil {
				t.Errorf("a queued one: %v", err)
			}
		}
		if verify(); <-answers != nil || h.Runs() != 4 || len(h.places)+len(h.cores) != 0 {
			t.Errorf("afterwards: %d runs, want 4; %d places and %d cores are kept", h.Runs(), len(h.places), len(h.cores))
		}
	})
}

func TestWhoeverGivesUpWaitingLeavesHisPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(cheap, 1, 1)
		release := occupy(h)
		answers := make(chan error, 1)
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			go func() {
				_, _, err := h.Verify(ctx, Text{}, NewText("x"))
				answers <- err
			}()
			synctest.Wait()
			if len(answers) != 0 {
				t.Fatalf("an answer before the time is up: %v", <-answers)
			}
			time.Sleep(time.Second) // the bubble's clock
			if err := <-answers; !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrBusy) {
				t.Fatalf("gave up with %v", err)
			}
			cancel()
		}
		release()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 {
			if _, _, err := h.Verify(ended, Text{}, NewText("x")); !errors.Is(err, context.Canceled) {
				t.Fatalf("with an ended context: %v", err)
			}
		}
		if h.Runs() != 0 || len(h.places)+len(h.cores) != 0 {
			t.Errorf("%d runs for nobody; %d places and %d cores are kept", h.Runs(), len(h.places), len(h.cores))
		}
	})
}

func TestAFloodIsCountedAndBounded(t *testing.T) {
	h := NewHasher(cheap, 2, 4)
	stored := hashOf(t, h, "right")
	var done sync.WaitGroup
	var mu sync.Mutex
	count := map[string]uint64{}
	for i := range 400 {
		typed := []string{"right", "wrong"}[i%2]
		done.Go(func() {
			ok, stale, err := h.Verify(context.Background(), stored, NewText(typed))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, ErrBusy) && !ok && !stale:
				count["busy"]++
			case err == nil && ok == (typed == "right") && !stale:
				count["answered"]++
			default:
				count[fmt.Sprint(typed, ok, stale, err)]++
			}
		})
	}
	done.Wait()
	if count["busy"]+count["answered"] != 400 || count["answered"] < 6 || h.Runs() != count["answered"]+1 {
		t.Errorf("%v, %d runs", count, h.Runs())
	}
}

func BenchmarkVerify(b *testing.B) {
	h := NewHasher(DefaultArgon2, 0, 0)
	stored := hashOf(b, h, "password")
	b.ReportAllocs()
	for b.Loop() {
		if ok, _, err := h.Verify(b.Context(), stored, NewText("password")); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// TestALongPasswordIsNobodysAndTakesNoLongerThanAnother: the rounds of
// SHA-crypt go over the whole of a password.
func TestALongPasswordIsNobodysAndTakesNoLongerThanAnother(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	for _, length := range []int{maxPassword, maxPassword + 1} {
		typed := strings.Repeat("x", length)
		own, err := h.make(t.Context(), typed, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		foreign, err := readRecipe("$6$rounds=5000$salt")
		if err != nil {
			t.Fatal(err)
		}
		output, err := foreign.of([]byte(typed))
		if err != nil {
			t.Fatal(err)
		}
		for _, stored := range []string{own.String(), foreign.setting + "$" + string(output)} {
			ok, _, err := h.Verify(t.Context(), NewText(stored), NewText(typed))
			if err != nil || ok != (length <= maxPassword) {
				t.Errorf("%d bytes behind %.3s…: %v, %v", length, stored, ok, err)
			}
		}
		if _, err := h.Hash(t.Context(), NewText(typed), rand.Reader); errors.Is(err, ErrTooLong) != (length > maxPassword) {
			t.Errorf("hashing %d bytes: %v", length, err)
		}
		if _, err := ReadForeign(NewText("{CLEARTEXT}" + typed)); errors.Is(err, ErrTooLong) != (length > maxPassword) {
			t.Errorf("importing %d bytes: %v", length, err)
		}
	}
	costly := NewText("$6$rounds=1000000$saltsalt$" + strings.Repeat("a", 86)) // a quarter of an hour for what follows
	before := h.Runs()
	if ok, _, err := h.Verify(t.Context(), costly, NewText(strings.Repeat("x", 1<<20))); ok || err != nil || h.Runs() != before+1 {
		t.Errorf("a password of 1 MiB: %v, %v, %d runs", ok, err, h.Runs()-before)
	}
}
