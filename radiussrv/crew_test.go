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
		if done.Load() != 100 || c.started != 1 {
			t.Fatalf("%d quick requests were done by %d workers, want 100 by 1", done.Load(), c.started)
		}
		begin := time.Now()
		for n := 1; n <= 8; n++ {
			if taken := c.add(&exchange{received: begin.Add(time.Duration(n) * time.Second)}, false); taken != (n <= 7) {
				t.Errorf("slow request %d was taken: %v", n, taken)
			}
			synctest.Wait()
		}
		if c.started != 4 {
			t.Errorf("%d workers for slow requests, want the four there may be", c.started)
		}
		<-c.finish()
		if took := time.Since(begin); done.Load() != 107 || took != 7*time.Second {
			t.Errorf("at the end %d were done after %v, want 107 after 7s", done.Load(), took)
		}
	})
}
