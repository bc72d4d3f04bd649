package radiussrv

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestQuickRequestsAreDoneByOneWorkerAndSlowOnesByMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		c := newCrew(4, 3, func(x *exchange) {
			time.Sleep(time.Until(x.received))
			done.Add(1)
		})
		for range 100 {
			c.add(&exchange{}, false)
			synctest.Wait()
		}
		if started, _ := c.count(); done.Load() != 100 || started != 1 {
			t.Fatalf("%d quick requests were done by %d workers, want 100 by 1", done.Load(), started)
		}
		begin := time.Now()
		for n := 1; n <= 8; n++ {
			if taken := c.add(&exchange{received: begin.Add(time.Duration(n) * time.Second)}, false); taken != (n <= 7) {
				t.Errorf("slow request %d was taken: %v", n, taken)
			}
			synctest.Wait()
		}
		if started, _ := c.count(); started != 4 {
			t.Errorf("%d workers for slow requests, want the four there may be", started)
		}
		<-c.finish()
		if took := time.Since(begin); done.Load() != 107 || took != 7*time.Second {
			t.Errorf("at the end %d were done after %v, want 107 after 7s", done.Load(), took)
		}
	})
}

// count returns how many workers there are, and how many of them are idle.
func (c *crew) count() (started, idle int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started, len(c.idle)
}

func TestWorkersForWhomThereIsNothingToDoGoHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew(8, 1, func(x *exchange) { time.Sleep(time.Until(x.received)) })
		for range 8 {
			c.add(&exchange{received: time.Now().Add(time.Second)}, false)
		}
		synctest.Wait()
		if started, _ := c.count(); started != 8 {
			t.Fatalf("%d workers for eight slow requests", started)
		}
		for range 30 { // quick ones all the while, for one worker
			time.Sleep(spareFor / 10)
			c.add(&exchange{}, false)
			synctest.Wait()
		}
		if started, idle := c.count(); started != 1 || idle != 1 {
			t.Errorf("%d workers are there and %d idle, want the one that is needed", started, idle)
		}
		time.Sleep(3 * spareFor)
		synctest.Wait()
		if started, idle := c.count(); started != 0 || idle != 0 {
			t.Errorf("%d workers are there and %d idle, want none", started, idle)
		}
		if !c.add(&exchange{}, false) {
			t.Error("a request after that is not taken")
		}
		<-c.finish()
	})
}
