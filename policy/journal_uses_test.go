package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// useMany notes uses of n credentials, all at that time, from number first on.
func useMany(j *Journal, first, n int, at time.Time) {
	for i := range n {
		j.Used(Use{Credential: fmt.Sprint("c", first+i), At: at})
	}
}

func TestManyUsesAreWrittenBeforeTheirTime(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		useMany(j, 0, usesMany-1, time.Now())
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(s.uses); n != 0 {
			t.Fatalf("%d uses are written before they are many", n)
		}
		useMany(j, usesMany-1, 1, time.Now())
		synctest.Wait()
		if n := len(s.uses); n != usesMany {
			t.Errorf("%d uses are written at once, want %d", n, usesMany)
		}
	})
}

func TestUsesBeyondTheBoundAreCountedAndTheRestWaitForTheDatabase(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		const extra = 100
		s.fail(errors.New("disk full"))
		began := time.Now()
		useMany(j, 0, usesMany, began)
		time.Sleep(time.Second) // these are in the writer's hands
		useMany(j, usesMany, usesHeld-usesMany, began)
		time.Sleep(time.Minute)
		useMany(j, usesHeld, extra, time.Now())
		useMany(j, usesHeld-1, 1, began.Add(time.Minute)) // it is held and used again
		s.fail(nil)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		checkNotRecorded(t, s, extra)
		if n := len(s.uses); n != usesHeld {
			t.Errorf("uses of %d credentials are kept, want %d", n, usesHeld)
		}
		if at := s.uses[fmt.Sprint("c", usesHeld-1)].At; at.Sub(began) != time.Minute {
			t.Errorf("kept is the use of %v after the first, want a minute", at.Sub(began))
		}
		if n := j.used.n.Load() + j.waiting.Load(); n != 0 {
			t.Errorf("%d are counted as held after all are written", n)
		}
	})
}

func TestEventsAreNotLateForManyUses(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		s.usesTook = 5 * time.Second // each batch
		useMany(j, 0, usesMany, time.Now())
		time.Sleep(time.Second) // the first batch is under way
		j.Record(signIn("ann", ReasonPrimary))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := s.total(); n != 1 {
			t.Errorf("%d events are kept after the first of %d batches of uses", n, usesMany/usesAtOnce)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(s.uses); n != usesMany {
			t.Errorf("%d uses are kept, want %d", n, usesMany)
		}
	})
}

func TestAUseAndItsEventAreTakenTogetherOrApart(t *testing.T) {
	for name, c := range map[string]struct {
		ofEvent, ofUse string
	}{"together": {"c1", "c1"}, "apart": {"c1", "c2"}, "no credential": {"", "c1"}} {
		inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
			ev := signIn("ann", ReasonAppPassword)
			ev.Credential, ev.Source = c.ofEvent, "192.0.2.1"
			use := Use{Credential: c.ofUse, From: "192.0.2.1", Service: "mail"}
			for range 3 {
				use.At = time.Now().UTC()
				j.RecordUse(ev, use)
				time.Sleep(time.Second)
			}
			if err := j.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
			if len(s.kept()) != 1 || s.total() != 3 || len(s.uses) != 1 || s.uses[c.ofUse] != use {
				t.Errorf("%s: kept %+v and uses %+v, want three of\n%+v", name, s.kept(), s.uses, use)
			}
		})
	}
}

// TestASignInThatIsNotRecordedCountsOnce, whether there is no room for its
// event, its use or both.
func TestASignInThatIsNotRecordedCountsOnce(t *testing.T) {
	for name, full := range map[string]struct{ events, uses int64 }{"both": {}, "events": {uses: 1}, "uses": {events: 1}} {
		inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
			j.held.most, j.used.most = full.events, full.uses
			ev := signIn("ann", ReasonAppPassword)
			ev.Credential = "c1"
			j.RecordUse(ev, Use{Credential: "c1", At: ev.At})
			if err := j.Flush(context.Background()); err != nil {
				t.Fatal(name, err)
			}
			checkNotRecorded(t, s, 1)
		})
	}
}

// TestARepeatKeepsWhereItsUseCameFrom, where the event has another source.
func TestARepeatKeepsWhereItsUseCameFrom(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, s *shelf, _ *bytes.Buffer) {
		ev := signIn("ann", ReasonAppPassword)
		ev.Credential, ev.Source = "c1", "192.0.2.1"
		for range 2 {
			j.RecordUse(ev, Use{Credential: "c1", At: ev.At, From: "192.0.2.2"})
		}
		if err := j.Flush(context.Background()); err != nil || s.uses["c1"].From != "192.0.2.2" {
			t.Errorf("%v, %+v", err, s.uses)
		}
	})
}

// TestTwoCredentialsOfOneHashHaveUsesOfTheirOwn, in the place of the other and
// in the one after it.
func TestTwoCredentialsOfOneHashHaveUsesOfTheirOwn(t *testing.T) {
	set := newUseSet(0)
	for i, credential := range []string{"a", "b", "c"} {
		key, old := set.find(7, credential)
		if old != nil {
			t.Fatalf("%s is %s", credential, old.credential)
		}
		set.add(key, &Use{Credential: credential, At: time.Unix(int64(i), 0)})
	}
	for i, credential := range []string{"a", "b", "c"} {
		if _, u := set.find(7, credential); u == nil || u.use().At.Unix() != int64(i) {
			t.Errorf("%s is %+v", credential, u)
		}
	}
}

// TestARepeatedAcceptedAttemptIsTakenDownWithoutAllocating: the work of the
// collector would be most of it.
func TestARepeatedAcceptedAttemptIsTakenDownWithoutAllocating(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, _ *shelf, _ *bytes.Buffer) {
		ev := signIn("ann", ReasonAppPassword)
		ev.Credential = "c1"
		if n := testing.AllocsPerRun(100, func() { j.RecordUse(ev, Use{Credential: "c1", At: ev.At}) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
