package radiussrv

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheContextOfARequestEndsWhenItsClientHasStoppedWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		p := &patience{Context: t.Context(), deadline: begin.Add(5 * time.Second)}
		defer p.end()
		if at, ok := p.Deadline(); !ok || !at.Equal(p.deadline) {
			t.Errorf("the deadline is %v, %v", at, ok)
		}
		child, cancel := context.WithCancel(p)
		defer cancel()
		if p.Err() != nil || child.Err() != nil {
			t.Fatalf("ended before its time: %v, %v", p.Err(), child.Err())
		}
		<-child.Done()
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("ended after %v, want 5s", took)
		}
		if !errors.Is(p.Err(), context.DeadlineExceeded) || !errors.Is(child.Err(), context.DeadlineExceeded) {
			t.Errorf("ended with %v, %v", p.Err(), child.Err())
		}
	})
}

func TestTheContextOfARequestEndsWithItsListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &patience{Context: ctx, deadline: time.Now().Add(5 * time.Second)}
		defer p.end()
		cancel()
		<-p.Done()
		if !errors.Is(p.Err(), context.Canceled) {
			t.Errorf("ended with %v", p.Err())
		}
	})
}

func TestTheContextOfARequestKeepsNobodyWaitingBeyondItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &patience{Context: t.Context(), deadline: time.Now().Add(time.Hour)}
		done := p.Done()
		p.end()
		select {
		case <-done:
		default:
			t.Error("who waits for a request that has ended is not told")
		}
	})
}

func TestARequestNobodyWaitsForHasNoTimer(t *testing.T) {
	p := &patience{Context: t.Context(), deadline: time.Now().Add(time.Hour)}
	if p.Err() != nil {
		t.Fatal(p.Err())
	}
	p.end()
	if p.timed != nil {
		t.Error("a timer was made that nobody asked for")
	}
}
