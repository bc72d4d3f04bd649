package radiussrv

import (
	"slices"
	"sync"
	"time"
)

// crew finds requests and works on them. A few of its members have seats.
// They take turns: whose turn it is looks for requests where too few do, or
// works on one, so that a quick request is read and answered by one goroutine
// and wakes no other. Who says that a request keeps it (see yield), or is found
// stuck with one (see watch), loses the seat to another member: slow requests
// hold up nobody.
//
// At its limit requests wait, those that go on with something before those
// that begin it (RFC 5080 §2.2.3). So that this holds for what waits in the
// socket too, the socket is looked at every few requests. Members for whom
// there was nothing to do for a while go home. It may be used concurrently.
type crew struct {
	do func(*exchange, *member)
	// look hands requests to add: what is there or, with wait, what comes. Nil
	// where others find the requests.
	look    func(wait bool) sight
	lookers int            // how many members may look at a time
	send    func([]parcel) // sends what members keep; nil: they keep nothing
	limit   int            // requests under way
	room    int            // requests of either kind that wait while the limit is reached
	seats   int

	mu       sync.Mutex
	going    chan *exchange // what waits, and goes on with something
	waiting  chan *exchange // the same that begins something
	working  int
	seated   []*member
	parked   []*member // the one idle last at the end
	started  int
	looking  int  // members that look for requests
	awaiting int  // of them, those who sleep until one comes
	blind    bool // there is nothing to look for, or no more
	since    int  // requests begun since a member looked
	over     bool
	watcher  *time.Timer
	watched  bool // watch will be called
	spare    int  // the fewest that were parked since somebody counted
	counted  bool // somebody will count again

	all sync.WaitGroup
}

// member is one goroutine of a crew, whose lock covers it.
type member struct {
	crew  *crew
	wake  chan struct{} // there is something to do; closed: it goes home
	busy  bool          // with a request
	looks bool          // for requests
	waits bool          // for them
	vain  bool          // it waited, and nothing came for a while
	apart bool          // it works without a seat, and nobody watches it
	turns uint64        // it has taken
	seen  uint64        // of them, when watch looked last
	out   outgoing
}

const (
	// lookEvery is how many requests are begun between two looks at the socket.
	lookEvery = 16
	// backlog is how many may wait for the members that are awake: working on
	// them takes no longer than waking another one.
	backlog = 4
)

// newCrew makes a crew for at most so many requests under way. look may be nil,
// and is called by one member at a time unless lookers says otherwise.
func newCrew(limit, room int, look func(wait bool) sight, do func(*exchange, *member)) *crew {
	c := &crew{
		do: do, look: look, blind: look == nil, limit: limit, room: room, seats: seats(), lookers: 1,
		going: make(chan *exchange, limit+room), waiting: make(chan *exchange, limit+room),
	}
	c.watcher = time.AfterFunc(time.Hour, c.watch)
	c.watcher.Stop()
	return c
}

// begin has the crew look for requests.
func (c *crew) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.staff()
}

// add reports whether there was room for the request. Who finds requests
// outside the crew must not call it after finish.
func (c *crew) add(x *exchange, going bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := c.waiting
	if going {
		wait = c.going
	}
	if len(wait) >= c.room+c.limit-c.working {
		return false
	}
	wait <- x
	if c.looking == 0 { // else who looks is awake
		c.staff()
	}
	return true
}

// queued is how many requests wait.
func (c *crew) queued() int { return len(c.going) + len(c.waiting) }

// ready reports whether a request waits that may be worked on.
func (c *crew) ready() bool { return c.working < c.limit && c.queued() > 0 }

// staff gives one more member a seat, where one is free and somebody is needed,
// or nobody else awake.
func (c *crew) staff() {
	awake := len(c.seated) - c.awaiting
	needed := c.ready() && (awake == 0 || c.queued() > backlog) ||
		len(c.seated) == 0 && !c.blind && c.looking == 0
	if !needed || awake > 0 && len(c.seated) == c.seats {
		return
	}
	if last := len(c.parked) - 1; last >= 0 {
		m := c.parked[last]
		c.parked = c.parked[:last]
		c.spare = min(c.spare, last)
		c.seated = append(c.seated, m)
		m.wake <- struct{}{} // it has room for one, and is empty
		return
	}
	m := &member{crew: c, wake: make(chan struct{}, 1)}
	c.started++
	c.seated = append(c.seated, m)
	c.all.Go(m.run)
}

// yield says that the request m works on takes its time, or may. The crew goes
// on without m until that is over.
func (m *member) yield() {
	if m == nil {
		return // whoever works alone
	}
	m.post(false)
	c := m.crew
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unseat(m) {
		c.staff()
	}
}

func (c *crew) unseat(m *member) bool {
	at := slices.Index(c.seated, m)
	if at >= 0 {
		c.seated = slices.Delete(c.seated, at, at+1)
	}
	return at >= 0
}

// sight is what a look ended with.
type sight uint8

const (
	noMore sight = iota // there will be no more requests
	inVain              // nothing came for a while
	added               // what was there is added
)

// task is what a member does in a turn.
type task uint8

const (
	leave  task = iota
	rest        // until woken
	work        // on a request
	glance      // at what requests there are
	await       // requests
)

func (m *member) run() {
	for m.step() {
	}
}

// step is one turn. It reports false for the last.
func (m *member) step() bool {
	c := m.crew
	x, what := c.turn(m)
	if what != work || m.apart {
		m.post(what != work)
	}
	switch what {
	case work:
		c.do(x, m)
	case glance, await:
		switch c.look(what == await) {
		case noMore:
			c.close()
		case inVain:
			m.vain = true
		}
	case rest:
		_, ok := <-m.wake
		return ok
	case leave:
		return false
	}
	return true
}

// turn ends what m did last and says what it does next.
func (c *crew) turn(m *member) (*exchange, task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.turns++
	if m.busy {
		m.busy = false
		c.working--
	}
	c.looked(m)
	ready, unseen := c.ready(), !c.blind && c.looking < c.lookers && (!m.vain || c.looking == 0)
	m.vain = false
	switch {
	case !ready && !unseen, !c.sits(m):
		c.unseat(m)
		return nil, c.park(m)
	case unseen && (!ready || c.since >= lookEvery):
		return nil, c.lookout(m, ready)
	}
	return c.take(m), work
}

// sits reports whether m has a seat, and gives it one where one is free or its
// owner asleep.
func (c *crew) sits(m *member) bool {
	if slices.Contains(c.seated, m) {
		return true
	}
	if len(c.seated)-c.awaiting >= c.seats {
		return false
	}
	c.seated = append(c.seated, m)
	return true
}

func (c *crew) lookout(m *member, ready bool) task {
	m.looks, m.waits, c.since = true, !ready, 0
	c.looking++
	if ready {
		return glance
	}
	c.awaiting++
	return await
}

// looked ends what m was looking for.
func (c *crew) looked(m *member) {
	if m.looks {
		c.looking--
	}
	if m.waits {
		c.awaiting--
	}
	m.looks, m.waits = false, false
}

// take gives m the request that waits longest, and has others come where it is
// one of many.
func (c *crew) take(m *member) (x *exchange) {
	select {
	case x = <-c.going:
	default:
		x = <-c.waiting
	}
	m.busy = true
	c.working++
	c.since++
	m.apart = c.working > 2*c.seats // requests are slow at present
	if m.apart {
		c.unseat(m)
	}
	c.staff()
	c.watchLater()
	return x
}

// close says that there is nothing to look for any more.
func (c *crew) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blind = true
}

// finish says that nothing will be added but by who looks. The channel closes
// when all is done.
func (c *crew) finish() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for _, m := range c.parked {
		close(m.wake)
	}
	c.parked = nil
	c.staff()
	done := make(chan struct{})
	go func() {
		c.all.Wait()
		close(done)
	}()
	return done
}
