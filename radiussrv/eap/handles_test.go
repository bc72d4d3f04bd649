package eap

import (
	"strconv"
	"testing"
	"time"

	"postern/policy"
)

func TestOfManySessionsTheNewestAreKept(t *testing.T) {
	at := time.Unix(1e9, 0)
	const most = 8
	h := NewHandles(time.Hour, most, func() time.Time { return at })
	put := func(n int) {
		h.put(strconv.Itoa(n), handle{typ: TypeTTLS, ends: at.Add(time.Hour), decision: policy.Decision{Account: strconv.Itoa(n % 2)}})
	}
	found := func(n int) bool {
		_, ok := h.find(strconv.Itoa(n), TypeTTLS)
		return ok
	}
	for n := range 100 {
		put(n)
		if !found(n) || n >= most && (found(n-most) || !found(n-most+1)) {
			t.Fatalf("after session %d the wrong ones are there", n)
		}
	}
	h.Drop(func(d policy.Decision) bool { return d.Account == "1" })
	if h.Len() != most/2 || h.order.Len() != most/2 {
		t.Errorf("%d sessions are left, %d in order, want half of %d", h.Len(), h.order.Len(), most)
	}
	for n := 100; n < 100+most; n++ {
		put(n)
	}
	if h.Len() != most || h.order.Len() != most || found(98) {
		t.Errorf("%d sessions are left, %d in order", h.Len(), h.order.Len())
	}
	at = at.Add(time.Hour)
	if found(100 + most - 1) {
		t.Error("a session is found after its end")
	}
}
