package main

import (
	"strings"
	"testing"
	"time"
)

func TestProgressShowsRateAndTimeLeft(t *testing.T) {
	for _, c := range []struct {
		total, done int64
		after       time.Duration
		want        string
	}{
		{1000, 0, 0, "hashed: 0 of 1000"},
		{1000, 5, 100 * time.Millisecond, "hashed: 5 of 1000"},
		{1000, 100, 10 * time.Second, "hashed: 100 of 1000, 10/s, 2 min left"},
		{1000, 990, 99 * time.Second, "hashed: 990 of 1000, 10/s, 1 s left"},
		{100_000, 100, 10 * time.Second, "hashed: 100 of 100000, 10/s, 3 h left"},
		{1000, 1000, 100 * time.Second, "hashed: 1000 of 1000, 10/s"},
		{0, 50, 2 * time.Second, "hashed: 50, 25/s"},
	} {
		if got := (&progress{what: "hashed", total: c.total}).line(c.done, c.after); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestProgressIsNotShownTooOften, but always at the end, and is taken away.
func TestProgressIsNotShownTooOften(t *testing.T) {
	var out strings.Builder
	now := time.Unix(0, 0)
	p := &progress{out: &out, now: func() time.Time { return now }, what: "read", total: 1000, begun: now}
	for i := range int64(1000) {
		now = now.Add(time.Millisecond)
		p.at(i + 1)
	}
	p.end()
	if lines := strings.Count(out.String(), "read: "); lines < 4 || lines > 7 {
		t.Errorf("%d lines in a second", lines)
	}
	if !strings.Contains(out.String(), "1000 of 1000") || !strings.HasSuffix(out.String(), "\r\x1b[K") {
		t.Errorf("it ends with %q", out.String()[max(0, out.Len()-60):])
	}
}

func TestProgressIsForTerminals(t *testing.T) {
	var out strings.Builder
	e := newEnv(nil, &out, &out)
	p := e.newProgress(false, "read", 10)
	p.at(10)
	p.end()
	if out.Len() > 0 {
		t.Errorf("it wrote %q", out.String())
	}
}
