package radiussrv

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// takes is a request that takes so long, from now on.
func takes(d time.Duration) *exchange { return &exchange{received: time.Now().Add(d)} }

// count returns how many members there are, how many of them have seats and how
// many are parked.
func (c *crew) count() (started, seated, parked int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started, len(c.seated), len(c.parked)
}

func TestQuickRequestsAreDoneByOneMemberAndSlowOnesByMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		c := newCrew(4, 3, nil, func(x *exchange, m *member) {
			if wait := time.Until(x.received); wait > 0 {
				m.yield()
				time.Sleep(wait)
			}
			done.Add(1)
		})
		for range 100 {
			c.add(&exchange{}, false)
			synctest.Wait()
		}
		if started, _, _ := c.count(); done.Load() != 100 || started != 1 {
			t.Fatalf("%d quick requests were done by %d members, want 100 by 1", done.Load(), started)
		}
		begin := time.Now()
		for n := 1; n <= 8; n++ {
			if taken := c.add(takes(time.Duration(n)*time.Second), false); taken != (n <= 7) {
				t.Errorf("slow request %d was taken: %v", n, taken)
			}
			synctest.Wait()
		}
		if started, _, _ := c.count(); started != 4 {
			t.Errorf("%d members for slow requests, want the four that may work", started)
		}
		<-c.finish()
		if took := time.Since(begin); done.Load() != 107 || took != 7*time.Second {
			t.Errorf("at the end %d were done after %v, want 107 after 7s", done.Load(), took)
		}
	})
}

func TestARequestThatIsStuckLosesItsSeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		c := newCrew(64, 64, nil, func(x *exchange, _ *member) {
			time.Sleep(time.Until(x.received))
			done.Add(1)
		})
		const stuck = 60
		for range stuck {
			c.add(takes(time.Hour), false)
		}
		c.add(&exchange{}, false)
		begin := time.Now()
		for done.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		if took, most := time.Since(begin), 6*watchEvery; took > most {
			t.Errorf("behind %d requests that are stuck one waited %v, want %v at most", stuck, took, most)
		}
		<-c.finish()
	})
}

// source gives requests to a crew as a socket does.
type source struct {
	crew    *crew
	batches chan []*exchange

	mu      sync.Mutex
	looks   int // at once
	crowd   int // the most of them
	glances int
	refused int
}

func (s *source) look(wait bool) sight {
	s.mu.Lock()
	s.looks++
	s.crowd = max(s.crowd, s.looks)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.looks--
		s.mu.Unlock()
	}()
	batch, end := s.next(wait)
	for _, x := range batch {
		if !s.crew.add(x, x.got == 1) {
			s.refused++
		}
	}
	return end
}

// next is what is there. A second one who waits gives up after a while.
func (s *source) next(wait bool) ([]*exchange, sight) {
	var enough, soon <-chan time.Time
	if wait && s.lookers() > 1 {
		enough = time.After(2 * spareFor)
	}
	if !wait {
		s.glances++
		now := make(chan time.Time)
		close(now)
		soon = now
	}
	select {
	case batch, more := <-s.batches:
		if !more {
			return nil, noMore
		}
		return batch, added
	default:
	}
	select {
	case batch, more := <-s.batches:
		if !more {
			return nil, noMore
		}
		return batch, added
	case <-soon:
		return nil, added
	case <-enough:
		return nil, inVain
	}
}

func (s *source) lookers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

// TestTwoMayLookAtASourceAndNoMore: they share its requests, and when one has
// work the other looks.
func TestTwoMayLookAtASourceAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		s := newSource(8, 100, func(x *exchange, _ *member) {
			time.Sleep(time.Until(x.received))
			done.Add(1)
		})
		s.crew.lookers = 2
		s.crew.begin()
		synctest.Wait()
		const batches, each = 50, 2 * backlog
		for range batches {
			batch := make([]*exchange, each)
			for i := range batch {
				batch[i] = takes(watchEvery / 5)
			}
			s.batches <- batch
			time.Sleep(watchEvery / 5)
		}
		synctest.Wait()
		if got := done.Load(); got != batches*each {
			t.Errorf("%d requests are done, want %d", got, batches*each)
		}
		time.Sleep(10 * spareFor)
		if started, seated, _ := s.crew.count(); started != 1 || seated != 1 {
			t.Errorf("when nothing comes %d members are there and %d seated, want the one that waits", started, seated)
		}
		s.batches <- []*exchange{takes(time.Hour)} // one is stuck, the other goes on
		s.batches <- []*exchange{{}, {}}
		time.Sleep(time.Minute)
		if got := done.Load(); got != batches*each+2 {
			t.Errorf("beside one that is stuck %d requests are done, want %d", got, batches*each+2)
		}
		close(s.batches)
		<-s.crew.finish()
		if s.crowd != 2 || s.refused != 0 || done.Load() != batches*each+3 {
			t.Errorf("%d looked at once, want 2; %d requests were refused, %d done", s.crowd, s.refused, done.Load())
		}
	})
}

// TestRequestsAreNotLeftToThoseWhoSleep: those who wait for requests hold every
// seat, and know nothing of one that could not be worked on when it came.
func TestRequestsAreNotLeftToThoseWhoSleep(t *testing.T) {
	c := newCrew(1, 1, func(bool) sight { return noMore }, nil)
	c.lookers = c.seats
	for range c.seats {
		c.seated = append(c.seated, &member{crew: c, looks: true, waits: true})
	}
	c.looking, c.awaiting = c.seats, c.seats
	slow := &member{crew: c, busy: true}
	c.working = 1
	c.waiting <- &exchange{}
	if x, what := c.turn(slow); x == nil || what != work {
		t.Errorf("who has done a slow request does %d next, want the one that waits", what)
	}
	c.watcher.Stop()
}

func newSource(limit, room int, do func(*exchange, *member)) *source {
	s := &source{batches: make(chan []*exchange, 1000)}
	s.crew = newCrew(limit, room, s.look, do)
	return s
}

func TestASourceIsLookedAtByOneMemberAndNeverByNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		s := newSource(8, 100, func(x *exchange, m *member) {
			switch wait := time.Until(x.received); {
			case wait > time.Hour: // says nothing
				time.Sleep(wait)
			case wait > 0:
				m.yield()
				time.Sleep(wait)
			}
			done.Add(1)
		})
		s.crew.begin()
		for range 8 { // as many as may be under way
			s.batches <- []*exchange{takes(time.Minute)}
		}
		s.batches <- []*exchange{{}, {}}
		synctest.Wait()
		if len(s.batches) != 0 || done.Load() != 0 {
			t.Errorf("with all at work %d batches were not seen and %d requests done", len(s.batches), done.Load())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := done.Load(); got != 10 {
			t.Errorf("%d requests are done, want 10", got)
		}
		for range 7 {
			s.batches <- []*exchange{takes(2 * time.Hour), {}}
		}
		time.Sleep(time.Minute)
		if got := done.Load(); got != 17 {
			t.Errorf("beside seven that are stuck %d requests are done, want 17", got)
		}
		close(s.batches)
		<-s.crew.finish()
		if s.crowd != 1 || s.refused != 0 || done.Load() != 24 {
			t.Errorf("%d looked at once, %d requests were refused, %d done", s.crowd, s.refused, done.Load())
		}
	})
}

func TestWhatGoesOnComesFirstAlsoFromTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []int
		s := newSource(1, 1000, func(x *exchange, _ *member) {
			time.Sleep(10 * time.Microsecond) // as quick ones do
			mu.Lock()
			defer mu.Unlock()
			order = append(order, x.got)
		})
		const begin, each, last = 5, 4 * lookEvery, 1
		for range begin {
			batch := make([]*exchange, each)
			for i := range batch {
				batch[i] = &exchange{}
			}
			s.batches <- batch
		}
		s.batches <- []*exchange{{got: last}}
		close(s.batches)
		s.crew.begin()
		<-s.crew.finish()
		at := slices.Index(order, last)
		if len(order) != begin*each+1 || at < 0 {
			t.Fatalf("%d were done, want %d", len(order), begin*each+1)
		}
		// Each look takes one batch, and every so many requests there is one.
		if most := (begin + 1) * lookEvery; at > most || s.glances == 0 {
			t.Errorf("what goes on was done after %d others, want %d at most; %d glances", at, most, s.glances)
		}
	})
}

func TestMembersForWhomThereIsNothingToDoGoHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew(8, 1, nil, func(x *exchange, m *member) {
			if wait := time.Until(x.received); wait > 0 {
				m.yield()
				time.Sleep(wait)
			}
		})
		for range 8 {
			c.add(takes(time.Second), false)
			synctest.Wait()
		}
		if started, _, _ := c.count(); started != 8 {
			t.Fatalf("%d members for eight slow requests", started)
		}
		for range 30 { // quick ones all the while, for one member
			time.Sleep(spareFor / 10)
			c.add(&exchange{}, false)
			synctest.Wait()
		}
		if started, _, parked := c.count(); started != 1 || parked != 1 {
			t.Errorf("%d members are there and %d parked, want the one that is needed", started, parked)
		}
		time.Sleep(3 * spareFor)
		synctest.Wait()
		if started, seated, parked := c.count(); started != 0 || seated != 0 || parked != 0 {
			t.Errorf("%d members are there, %d seated and %d parked, want none", started, seated, parked)
		}
		if !c.add(&exchange{}, false) {
			t.Error("a request after that is not taken")
		}
		<-c.finish()
	})
}
