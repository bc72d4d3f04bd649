package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatIsWrittenInTheEndHasItsTime: all that a stop may take is the time of
// draining and of writing together; what draining leaves of its own goes to
// writing, which has its share however long draining took.
func TestWhatIsWrittenInTheEndHasItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		served bool
		drain  time.Duration // how long it took
		want   time.Duration // what is left then
	}{
		"it never served":          {false, 0, drainWithin + flushWithin},
		"nothing was in hand":      {true, 0, drainWithin},
		"draining was short":       {true, time.Second, drainWithin - time.Second},
		"draining left too little": {true, drainWithin - flushWithin/2, flushWithin},
		"draining took its time":   {true, drainWithin, flushWithin},
		"draining took too long":   {true, drainWithin + time.Second, flushWithin},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := new(server)
				if c.served {
					s.stopping.Store(time.Now().Add(drainWithin).UnixNano())
				}
				time.Sleep(c.drain)
				if got := time.Until(s.flushUntil()); got != c.want {
					t.Errorf("what is written has %v, want %v", got, c.want)
				}
			})
		})
	}
	if flushWithin < 3*flushShare {
		t.Error("three things to write have no share each")
	}
}

func TestAThingToWriteIsGivenUpAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := by(began.Add(flushShare), func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		if took := time.Since(began); err == nil || took != flushShare {
			t.Errorf("it ended after %v with %v", took, err)
		}
	})
}
