package radiussrv

import (
	"runtime"
	"slices"
	"time"
)

// seats is how many members of a crew take turns.
func seats() int { return max(2, runtime.GOMAXPROCS(0)) }

// watchEvery is how long a request may keep a member that does not yield,
// before another takes its seat: so long at least, and at most twice as long.
const watchEvery = 5 * time.Millisecond

// watchLater sees to it that somebody watches. The caller holds mu.
func (c *crew) watchLater() {
	if !c.watched {
		c.watched = true
		c.watcher.Reset(watchEvery)
	}
}

// watch takes the seats of those who are stuck: with a database whose disk does
// not answer, say.
func (c *crew) watch() {
	for _, m := range c.stuck() {
		m.post(false) // what it has done is not to wait for what it does
	}
}

func (c *crew) stuck() (found []*member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watched = false
	for _, m := range slices.Clone(c.seated) {
		switch {
		case m.busy && m.turns == m.seen:
			c.unseat(m)
			found = append(found, m)
		case m.busy:
			c.watchLater()
		}
		m.seen = m.turns
	}
	c.staff()
	return found
}

// park has m wait until it is needed, or leave where nobody will be.
func (c *crew) park(m *member) task {
	if c.over {
		return leave
	}
	c.parked = append(c.parked, m)
	c.countLater()
	return rest
}

// spareFor is how long a member is kept for whom there is nothing to do: so
// long at least, and at most twice as long.
const spareFor = 5 * time.Second

// countLater sees to it that somebody counts. The caller holds mu.
func (c *crew) countLater() {
	if c.counted || len(c.parked) == 0 {
		return
	}
	c.counted = true
	time.AfterFunc(spareFor, c.dismiss)
}

// dismiss sends home who was parked all the time since the last count: those at
// the beginning of the list.
func (c *crew) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted = false
	if c.over {
		return
	}
	for _, m := range c.parked[:c.spare] {
		close(m.wake)
	}
	c.started -= c.spare
	c.parked = slices.Delete(c.parked, 0, c.spare)
	c.spare = len(c.parked)
	c.countLater()
}
