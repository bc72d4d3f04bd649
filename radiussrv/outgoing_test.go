package radiussrv

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRepliesToQuickRequestsLeaveTogetherAndWaitForNoSlowOne(t *testing.T) {
	const quick = 0 // in got: what a request does
	for name, third := range map[string]struct {
		does  int
		lasts time.Duration
		sent  []int
		after time.Duration // the first of them left
	}{
		"quick":  {quick, 0, []int{3}, 0},
		"yields": {1, time.Second, []int{2}, 0},
		"stuck":  {2, time.Second, []int{2}, 2 * watchEvery},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var mu sync.Mutex
				var sent []int
				var first time.Duration
				s := newSource(8, 8, func(x *exchange, m *member) {
					if x.got == 1 {
						m.yield()
					}
					time.Sleep(time.Until(x.received))
					kept := m.keep(parcel{reply: []byte{2}})
					if slow := x.got != quick; kept == slow {
						t.Errorf("a reply was kept: %v", kept)
					}
				})
				s.crew.send = func(replies []parcel) {
					mu.Lock()
					defer mu.Unlock()
					if len(sent) == 0 {
						first = time.Since(begin)
					}
					sent = append(sent, len(replies))
				}
				s.batches <- []*exchange{{}, {}, {got: third.does, received: begin.Add(third.lasts)}}
				s.crew.begin()
				time.Sleep(time.Second / 2)
				mu.Lock()
				if len(sent) != 1 || sent[0] != third.sent[0] || first > third.after {
					t.Errorf("%v were sent together, first after %v; want %v after %v", sent, first, third.sent, third.after)
				}
				mu.Unlock()
				close(s.batches)
				<-s.crew.finish()
			})
		})
	}
}

func TestNoMoreRepliesAreKeptThanLeaveTogether(t *testing.T) {
	c := newCrew(1, 1, nil, nil)
	sent := 0
	c.send = func(replies []parcel) { sent += len(replies) }
	m := &member{crew: c}
	for range together - 1 {
		m.keep(parcel{reply: []byte{2}})
	}
	if sent != 0 {
		t.Errorf("%d replies left before there was a reason", sent)
	}
	m.keep(parcel{reply: []byte{2}})
	if sent != together {
		t.Errorf("%d replies left, want %d", sent, together)
	}
	var alone *member
	if alone.keep(parcel{}) {
		t.Error("a reply is kept by nobody")
	}
}
