package brake

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is a guess for ann from the n-th of many addresses.
func at(n int) Guess {
	return Guess{Account: "id-ann", Known: true, Source: netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)})}
}

// wrong guesses n times in a row and returns how many were let through.
func wrong(b *Brakes, g Guess, n int, now time.Time) (through int) {
	for range n {
		if _, ok := b.Try(g, now); ok {
			through++
		}
	}
	return through
}

// signIn guesses right.
func signIn(t *testing.T, b *Brakes, g Guess, now time.Time) {
	t.Helper()
	ticket, ok := b.Try(g, now)
	if !ok {
		t.Fatalf("%v from %v is braked", g.Account, g.Source)
	}
	b.SignedIn(ticket, now)
}

func TestTheBrakeIsOnForLongerEachTime(t *testing.T) {
	b, now := New(), noon
	if n := wrong(b, at(1), 50, now); n != 10 {
		t.Fatalf("%d guesses were let through, want 10", n)
	}
	var pauses []time.Duration
	for range 10 {
		began := now
		for !isThrough(b, at(1), now) {
			now = now.Add(time.Second)
		}
		pauses = append(pauses, now.Sub(began))
	}
	s, m := time.Second, time.Minute
	want := []time.Duration{30 * s, m, 2 * m, 4 * m, 8 * m, 16 * m, 32 * m, time.Hour, time.Hour, time.Hour}
	if !slices.Equal(pauses, want) {
		t.Errorf("the pauses are %v, want %v", pauses, want)
	}
}

// isThrough guesses wrong once.
func isThrough(b *Brakes, g Guess, now time.Time) bool { return wrong(b, g, 1, now) == 1 }

func TestASourceBrakesItselfAndNobodyElse(t *testing.T) {
	b := New()
	wrong(b, at(1), 10, noon)
	if isThrough(b, at(1), noon) {
		t.Error("the source that guessed is not braked")
	}
	signIn(t, b, at(2), noon)
	other := at(1)
	other.Account = "id-bob"
	signIn(t, b, other, noon)
}

func TestStrangersTogetherBrakeUnfamiliarSourcesOnly(t *testing.T) {
	b := New()
	signIn(t, b, at(1), noon)
	through := 0
	for n := range 500 {
		through += wrong(b, at(1000+n), 1, noon)
	}
	if through != 100 {
		t.Errorf("%d guesses of strangers were let through, want 100", through)
	}
	if isThrough(b, at(2), noon) {
		t.Error("a source never seen before is let through")
	}
	signIn(t, b, at(1), noon)
	if late := noon.Add(31 * 24 * time.Hour); !b.isFamiliar(b.account(at(1)), at(1).Source, noon) || b.isFamiliar(b.account(at(1)), at(1).Source, late) {
		t.Error("a source does not stay familiar for thirty days")
	}
}

func TestOneSourceIsSlowedAcrossAccountsUnlessManyShareIt(t *testing.T) {
	for _, shared := range []bool{false, true} {
		b, through := New(), 0
		for n := range 100 {
			g := at(1)
			g.Account, g.Shared = fmt.Sprint("id", n), shared
			through += wrong(b, g, 1, noon)
		}
		if want := map[bool]int{false: 30, true: 100}[shared]; through != want {
			t.Errorf("shared %v: %d were let through, want %d", shared, through, want)
		}
	}
}

func TestTimeForgives(t *testing.T) {
	b := New()
	wrong(b, at(1), 9, noon)
	if n := wrong(b, at(1), 20, noon.Add(24*time.Hour)); n != 10 {
		t.Errorf("a day later %d were let through, want 10", n)
	}
	b.mu.Lock()
	b.sweep(noon.Add(72 * time.Hour))
	left := b.known.Len() + b.sources.Len()
	b.mu.Unlock()
	if left != 0 {
		t.Errorf("%d are remembered though nothing is left", left)
	}
}

func TestParallelGuessesDoNotSlipThrough(t *testing.T) {
	b := New()
	var through sync.Map
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			if _, ok := b.Try(at(1), noon); ok {
				through.Store(n, true)
			}
		})
	}
	all.Wait()
	n := 0
	through.Range(func(any, any) bool { n++; return true })
	if n != 10 {
		t.Errorf("of 200 parallel guesses %d were let through, want 10", n)
	}
}

func TestWhatWasNoWrongGuessIsTakenBack(t *testing.T) {
	b := New()
	for range 1000 {
		ticket, ok := b.Try(at(1), noon)
		if !ok {
			t.Fatal("the brake is on though nothing was wrong")
		}
		b.TakeBack(ticket)
	}
	wrong(b, at(1), 9, noon)
	signIn(t, b, at(1), noon) // the tenth puts the brake on and takes it off
	if n := wrong(b, at(1), 20, noon); n != 10 {
		t.Errorf("after a sign-in %d were let through, want 10", n)
	}
}

// TestASignInForgivesNothingWhereOthersComeFrom: behind a mail server a stranger
// could otherwise go on as often as the owner signs in.
func TestASignInForgivesNothingWhereOthersComeFrom(t *testing.T) {
	b, g, through := New(), at(1), 0
	g.Shared = true
	for range 50 {
		through += wrong(b, g, 1, noon)
		if ticket, ok := b.Try(g, noon); ok {
			b.SignedIn(ticket, noon)
		}
	}
	if through != 10 {
		t.Errorf("%d guesses were let through between sign-ins, want 10", through)
	}
}

func TestAReleaseByHandOrByCountTakesTheBrakesOff(t *testing.T) {
	for name, release := range map[string]func(*Brakes, *Guess){
		"in this process":  func(b *Brakes, g *Guess) { b.Release(g.Account) },
		"in another's row": func(_ *Brakes, g *Guess) { g.Releases++ },
	} {
		b, g := New(), at(1)
		second := g
		second.Second = true
		wrong(b, g, 10, noon)
		wrong(b, second, 10, noon)
		release(b, &g)
		second.Releases = g.Releases
		for _, what := range []Guess{g, second} {
			if !isThrough(b, what, noon) {
				t.Errorf("%s: still braked, second factor %v", name, what.Second)
			}
		}
	}
}

func TestSecondFactorsAreCountedByThemselves(t *testing.T) {
	b, second := New(), at(1)
	second.Second = true
	wrong(b, second, 10, noon)
	if isThrough(b, second, noon) {
		t.Error("the eleventh code is let through")
	}
	signIn(t, b, at(1), noon)
}

func TestOneMachineOfIPv6IsOneSource(t *testing.T) {
	b, through := New(), 0
	for n := range 50 {
		g := at(1)
		g.Source = netip.MustParseAddr(fmt.Sprintf("2001:db8::%x:1", n))
		through += wrong(b, g, 1, noon)
	}
	if through != 10 {
		t.Errorf("%d were let through from one /64, want 10", through)
	}
	for typed, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::", "fe80::1%eth0": "fe80::"} {
		if got := Place(netip.MustParseAddr(typed)); got != netip.MustParseAddr(want) {
			t.Errorf("%s counts as %v, want %s", typed, got, want)
		}
	}
	if got := Place(netip.Addr{}); got.IsValid() {
		t.Errorf("no address counts as %v", got)
	}
}

func TestUnknownNamesAreBrakedAlikeAndBounded(t *testing.T) {
	b := New()
	g := Guess{Account: "digest", Source: at(1).Source}
	if n := wrong(b, g, 50, noon); n != 10 {
		t.Errorf("%d guesses at an unknown name were let through, want 10", n)
	}
	for n := range 2*kept + kept/2 {
		b.Try(Guess{Account: fmt.Sprint(n), Source: at(n).Source, Shared: true}, noon)
	}
	if n := b.unknown.Len(); n > 2*kept {
		t.Errorf("%d unknown names are remembered", n)
	}
}

func TestAnAccountHasABoundedNumberOfFamiliarSources(t *testing.T) {
	b := New()
	for n := range 50 {
		signIn(t, b, at(n), noon.Add(time.Duration(n)*time.Minute))
	}
	a := b.account(at(0))
	if len(a.familiar) != familiarKept || a.familiar[at(49).Source].IsZero() || !a.familiar[at(0).Source].IsZero() {
		t.Errorf("familiar are %v", a.familiar)
	}
}

func TestWhatIsOnCanBeSeenWithoutBeingCounted(t *testing.T) {
	b, second := New(), at(2)
	second.Second = true
	wrong(b, at(1), 10, noon)
	wrong(b, second, 11, noon)
	stranger := Guess{Account: "digest", Source: at(9).Source}
	for range 50 {
		if !b.On(at(1), noon) || b.On(at(3), noon) || b.On(stranger, noon) || !b.On(second, noon) {
			t.Fatal("what is on is not what was put on")
		}
	}
	want := []Held{{at(1).Source, false, noon.Add(30 * time.Second)}, {at(2).Source, true, noon.Add(30 * time.Second)}}
	if got := b.Held("id-ann", 0, noon); !slices.Equal(got, want) {
		t.Errorf("on are %+v, want %+v", got, want)
	}
	released := at(1)
	released.Releases = 1
	if b.On(released, noon) || b.Held("id-ann", 1, noon) != nil || b.Held("id-bob", 0, noon) != nil || b.On(at(1), noon.Add(time.Minute)) {
		t.Error("something is on that was released, or was never on, or is over")
	}
}
