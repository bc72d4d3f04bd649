package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress says on a terminal how far something has come: how many of how many,
// how fast, and how long it will take. Where standard error is no terminal it
// says nothing. It may be used concurrently.
type progress struct {
	out   io.Writer // nil: say nothing
	now   func() time.Time
	what  string
	total int64
	begun time.Time

	mu    sync.Mutex // covers what follows and writing
	shown time.Time
	wrote bool
}

// showEvery is how long a line stands before the next.
const showEvery = 200 * time.Millisecond

// newProgress begins to count towards total, which may be unknown (0).
func (e *env) newProgress(quiet bool, what string, total int64) *progress {
	p := &progress{now: e.now, what: what, total: total, begun: e.now()}
	if !quiet && isTerminal(e.stderr) {
		p.out = e.stderr
	}
	return p
}

// at shows that done of the total are done.
func (p *progress) at(done int64) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Sub(p.shown) < showEvery && done != p.total {
		return
	}
	p.shown, p.wrote = now, true
	fmt.Fprintf(p.out, "\r\x1b[K%s", p.line(done, now.Sub(p.begun)))
}

// line is what is shown after that time.
func (p *progress) line(done int64, after time.Duration) string {
	text := fmt.Sprintf("%s: %d", p.what, done)
	if p.total > 0 {
		text += fmt.Sprintf(" of %d", p.total)
	}
	if done == 0 || after < time.Second {
		return text
	}
	rate := float64(done) / after.Seconds()
	text += fmt.Sprintf(", %.0f/s", rate)
	if left := p.total - done; left > 0 {
		text += ", " + roughly(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
	}
	return text
}

// end takes the line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrote {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Seconds()+0.5)))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%d h", int(d.Hours()+0.5))
}
