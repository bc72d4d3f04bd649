package brake

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// shelf is a Shelf in memory.
type shelf struct {
	rows   map[string]Row
	writes []int // rows of each
	err    error
}

func (s *shelf) Brakes(context.Context) ([]Row, error) {
	return slices.Collect(maps.Values(s.rows)), nil
}

func (s *shelf) SaveBrakes(_ context.Context, rows []Row) error {
	if s.err != nil {
		return s.err
	}
	s.writes = append(s.writes, len(rows))
	for _, r := range rows {
		if s.rows[r.Key] = r; r.Gone {
			delete(s.rows, r.Key)
		}
	}
	return nil
}

// again is what a new process makes of what was kept.
func (s *shelf) again(t *testing.T) *Brakes {
	t.Helper()
	b := New()
	rows, _ := s.Brakes(t.Context())
	if err := b.Restore(rows); err != nil {
		t.Fatal(err)
	}
	return b
}

func save(t *testing.T, b *Brakes, s *shelf) {
	t.Helper()
	if err := b.Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func TestBrakesHoldOverARestart(t *testing.T) {
	s, b := &shelf{rows: map[string]Row{}}, New()
	signIn(t, b, at(7), noon)
	stranger := Guess{Account: "some digest", Source: at(1).Source}
	second := at(2)
	second.Second = true
	for _, g := range []Guess{at(1), stranger, second} {
		wrong(b, g, 10, noon)
	}
	save(t, b, s)
	after := s.again(t)
	for _, g := range []Guess{at(1), stranger, second} {
		if isThrough(after, g, noon.Add(29*time.Second)) {
			t.Errorf("%+v is not braked any more", g)
		}
		if !isThrough(after, g, noon.Add(31*time.Second)) {
			t.Errorf("%+v is braked for longer", g)
		}
	}
	if !after.isFamiliar(after.account(at(7)), at(7).Source, noon) {
		t.Error("the familiar source is a stranger")
	}
}

func TestAReleaseWhileNobodyServesHoldsToo(t *testing.T) {
	s, b := &shelf{rows: map[string]Row{}}, New()
	wrong(b, at(1), 10, noon)
	save(t, b, s)
	after, g := s.again(t), at(1)
	g.Releases = 1
	if !isThrough(after, g, noon) {
		t.Error("the account is braked though it was released meanwhile")
	}
}

func TestOnlyWhatChangedIsWrittenAndNothingStaysForGood(t *testing.T) {
	s, b := &shelf{rows: map[string]Row{}}, New()
	for n := range 3 * saveAtOnce {
		g := at(n)
		g.Account, g.Shared = g.Source.String(), true
		wrong(b, g, 1, noon)
	}
	save(t, b, s)
	if len(s.rows) != 6*saveAtOnce || slices.Max(s.writes) != saveAtOnce {
		t.Errorf("%d rows in writes of %v", len(s.rows), s.writes)
	}
	s.writes = nil
	save(t, b, s)
	wrong(b, at(1), 1, noon)
	save(t, b, s)
	if !slices.Equal(s.writes, []int{3}) {
		t.Errorf("one guess more is written in %v rows, want 3", s.writes)
	}
	b.sweep(noon.Add(72 * time.Hour))
	save(t, b, s)
	if len(s.rows) != 0 {
		t.Errorf("%d rows stay though nothing is left to remember", len(s.rows))
	}
}

func TestWhatCannotBeWrittenIsWrittenLater(t *testing.T) {
	s, b := &shelf{rows: map[string]Row{}, err: errors.New("disk on fire")}, New()
	wrong(b, at(1), 10, noon)
	if err := b.Save(t.Context(), s); err == nil {
		t.Error("nobody is told")
	}
	s.err = nil
	save(t, b, s)
	if len(s.rows) != 3 {
		t.Errorf("%d rows are kept, want 3", len(s.rows))
	}
}

func TestTheLoopWritesWithinASecondAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := &shelf{rows: map[string]Row{}}, New()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); b.Keep(ctx, s, slog.New(slog.DiscardHandler)) }()
		wrong(b, at(1), 1, time.Now())
		time.Sleep(saveEvery + time.Millisecond)
		synctest.Wait()
		if len(s.rows) != 3 {
			t.Errorf("%d rows after a second, want 3", len(s.rows))
		}
		wrong(b, at(2), 1, time.Now())
		stop()
		<-ended
		if len(s.rows) != 5 { // the count of all unfamiliar sources is one row
			t.Errorf("%d rows at the end, want 5", len(s.rows))
		}
	})
}

func TestKeysAreReadAsTheyAreWritten(t *testing.T) {
	for _, k := range []rowKey{
		{kind: ofAccount, known: true, account: "id", source: netip.MustParseAddr("192.0.2.1")},
		{kind: ofAccount, second: true, account: "a digest with spaces"},
		{kind: ofSource, source: netip.MustParseAddr("2001:db8::")},
		{kind: familiar, known: true, account: "id", source: netip.MustParseAddr("192.0.2.1")},
	} {
		if got, err := parseKey(k.String()); err != nil || got != k {
			t.Errorf("%q is read as %+v (%v), want %+v", k, got, err, k)
		}
	}
	for _, text := range []string{"", "account", "account first known nowhere id", "what first known - id", strings.Repeat(" ", 10)} {
		if k, err := parseKey(text); err == nil {
			t.Errorf("%q is read as %+v", text, k)
		}
		if err := New().Restore([]Row{{Key: text}}); err == nil {
			t.Errorf("%q is restored without a word", text)
		}
	}
}

// TestAClockThatWasAheadBrakesNobodyForLonger: the clock was ten years ahead when
// the guesses were counted, and is right after a restart.
func TestAClockThatWasAheadBrakesNobodyForLonger(t *testing.T) {
	s, b := &shelf{rows: map[string]Row{}}, New()
	wrong(b, at(1), 50, noon.AddDate(10, 0, 0))
	save(t, b, s)
	b = s.again(t)
	if isThrough(b, at(1), noon) {
		t.Fatal("the brake is off after a restart")
	}
	longest := Default().Longest
	if isThrough(b, at(1), noon.Add(longest-time.Second)) || !isThrough(b, at(1), noon.Add(longest)) {
		t.Errorf("the brake is not on for %v", longest)
	}
	if n := wrong(b, at(1), 20, noon.Add(3*Default().Forget)); n != Default().Tries {
		t.Errorf("%d guesses are let through days later, want %d: what was counted is not forgiven", n, Default().Tries)
	}
}
