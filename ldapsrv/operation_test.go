package ldapsrv

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errTooLong = errors.New("it takes too long")

// TestAnOperationEndsAtItsLimit: whoever has asked for its context, and when.
func TestAnOperationEndsAtItsLimit(t *testing.T) {
	for name, ask := range map[string]func(*operation){
		"nobody has asked":      func(*operation) {},
		"asked beforehand":      func(o *operation) { o.Done() },
		"its end was asked for": func(o *operation) { _ = o.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var o operation
				o.init(t.Context(), time.Now())
				defer o.close()
				ask(&o)
				limited := within(&o, time.Minute, errTooLong)
				defer limited.close()
				time.Sleep(time.Minute - 1)
				if err := limited.Err(); err != nil {
					t.Fatalf("ended before its time: %v", err)
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if limited.Err() == nil || !errors.Is(context.Cause(limited), errTooLong) {
					t.Errorf("error %v because of %v", limited.Err(), context.Cause(limited))
				}
			})
		})
	}
}

// TestALimitCountsFromTheBeginning: of an operation that has begun already.
func TestALimitCountsFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o operation
		o.init(t.Context(), time.Now().Add(-time.Hour))
		limited := within(&o, time.Minute, errTooLong)
		defer limited.close()
		if limited.Err() == nil || !errors.Is(context.Cause(limited), errTooLong) {
			t.Errorf("error %v because of %v", limited.Err(), context.Cause(limited))
		}
	})
}

// TestALimitLeavesTheOperationsEndToItsCause: an operation that is cancelled ends
// because of that, and within its limit, whichever of the two it was asked for by.
func TestALimitLeavesTheOperationsEndToItsCause(t *testing.T) {
	for name, ask := range map[string]func(*operation){
		"its own":      func(*operation) {},
		"one above it": func(o *operation) { o.Done() },
	} {
		t.Run(name, func(t *testing.T) {
			var o operation
			o.init(t.Context(), time.Now())
			defer o.close()
			ask(&o)
			limited := within(&o, time.Hour, errTooLong)
			defer limited.close()
			o.cancel(errAbandoned)
			<-limited.Done()
			if !errors.Is(context.Cause(limited), errAbandoned) {
				t.Errorf("ended because of %v", context.Cause(limited))
			}
		})
	}
}
