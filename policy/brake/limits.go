package brake

import "time"

// Limits are the figures of the brakes.
type Limits struct {
	// Tries is how many wrong secrets one source may send for one account
	// before the brake is on.
	Tries int
	// First is how long it is on then. Each further wrong secret doubles it, up
	// to Longest.
	First, Longest time.Duration
	// Forget is the time in which that many tries are forgiven, one by one.
	Forget time.Duration
	// UnfamiliarPerDay is how many wrong secrets all unfamiliar sources together
	// may send for one account in a day.
	UnfamiliarPerDay int
	// SourcePerMinute is how many wrong secrets one source may send in a minute,
	// for whichever accounts. It does not hold for shared sources.
	SourcePerMinute int
	// FamiliarFor is how long a source stays familiar after a sign-in.
	FamiliarFor time.Duration
}

// Default returns the figures that are in force where none are given.
func Default() Limits {
	return Limits{
		Tries: 10, First: 30 * time.Second, Longest: time.Hour, Forget: 24 * time.Hour,
		UnfamiliarPerDay: 100, SourcePerMinute: 30, FamiliarFor: 30 * 24 * time.Hour,
	}
}

// limit is what one counter is held to.
type limit struct {
	tries          int
	forgive        time.Duration // one try is forgiven in this time
	first, longest time.Duration
}

func (l Limits) pair() limit { return l.limit(l.Tries, l.Forget) }

func (l Limits) unfamiliar() limit { return l.limit(l.UnfamiliarPerDay, 24*time.Hour) }

func (l Limits) source() limit { return l.limit(l.SourcePerMinute, time.Minute) }

func (l Limits) limit(tries int, within time.Duration) limit {
	tries = max(1, tries)
	return limit{tries: tries, forgive: max(time.Millisecond, within/time.Duration(tries)), first: l.First, longest: l.Longest}
}

// pause is how long the brake is on after that many failures.
func (l limit) pause(failures int) time.Duration {
	d := l.first
	for range failures - l.tries {
		if d >= l.longest {
			break
		}
		d *= 2
	}
	return min(d, l.longest)
}

// counter counts failures, forgives them with time, and knows until when the
// brake is on.
type counter struct {
	failures int
	last     time.Time // when it was last counted or forgiven
	until    time.Time // zero: the brake is off
}

// forgive takes away what time has forgiven. Where the clock was ahead when
// something was counted, and is right now, that counts as of now: nobody waits
// for the day that the clock once showed.
func (c *counter) forgive(l limit, now time.Time) {
	if c.last.After(now) {
		c.last = now
	}
	if c.until.Sub(now) > l.longest {
		c.until = now.Add(l.longest)
	}
	if n := now.Sub(c.last) / l.forgive; n > 0 && c.failures > 0 {
		c.failures = max(0, c.failures-int(min(n, 1<<30)))
		c.last = c.last.Add(n * l.forgive)
	}
}

func (c *counter) braked(now time.Time) bool { return now.Before(c.until) }

// count adds a failure, and reports whether that puts the brake on.
func (c *counter) count(l limit, now time.Time) (on bool) {
	if c.failures == 0 {
		c.last = now
	}
	c.failures++
	if c.failures >= l.tries {
		c.until = now.Add(l.pause(c.failures))
		return true
	}
	return false
}

// takeBack removes one that was counted. on says that it had put the brake on.
func (c *counter) takeBack(l limit, on bool) {
	c.failures = max(0, c.failures-1)
	if on || c.failures < l.tries {
		c.until = time.Time{}
	}
}

// over says that nothing is left to remember.
func (c *counter) over(now time.Time) bool { return c.failures == 0 && !c.braked(now) }
