package store

import (
	"sync"
	"sync/atomic"
	"time"

	"postern/policy"
	"postern/secret"
)

// doors are the rows that AppPassword read last, for as long as it is certain
// that no other state is committed. They are rows and no decision: the rules,
// the clock and the row's MAC are asked about them each time.
//
// What is committed is read each time as well, as the mark of the storage,
// which changes with every commit, of whatever process, before the commit is
// acknowledged. By the same header SQLite knows whether the pages that a
// connection keeps in memory are still right. A row is used only while the mark
// read now is the one it is kept under; without a mark nothing is used or kept.
//
// One thing moves what is kept from one mark to the next: a commit of this
// Store that writes events or last uses, between which and the mark before
// nobody else has committed; see Store.note. It changes nothing a row holds but
// when the app password was last used, which may lag, and lags by the age of the
// row at most because of this. That decides only where an app password ends for
// lack of use, after a day at the least: so a row says for longer what it says
// where there was a sign of life not long before it was read.
//
// It may be used concurrently.
type doors struct {
	clock  func() time.Time
	began  time.Time   // from which moments are counted
	young  int         // rows in one generation of a shard
	noting atomic.Bool // a commit is under way that may move what is kept
	shards [doorShards]doorShard
}

// Bounds of what is kept. With a login of a few letters and an app password
// limited to nothing but services a row takes 360 bytes, with a mail address
// 390: where its answer is kept (160), its texts (96), the question (64 to 96)
// and its place in the map (38). So all of them take 98 MB, where so many are in use
// at a time. One with longer texts or more limits than doorText and doorLimits
// say is not kept, so even where all are as large as that it is less than 400 MB.
const (
	doorShards = 16
	doorsHeld  = 262144           // in all
	doorAge    = 30 * time.Second // since it was read,
	livelyAge  = 2 * time.Minute  // or with a sign of life
	lively     = time.Hour        // before that, at most
	doorText   = 400              // bytes of the question and of all texts
	doorLimits = 8                // services and networks
)

// doorShard are the rows of some digests, all kept under one mark. Those that
// are asked for move from old to young. When young is full it becomes old, and
// what was not asked for meanwhile is forgotten.
type doorShard struct {
	mu         sync.Mutex
	mark       policy.Mark
	young, old map[string]*door
	shared     map[string]*limits // of young: most rows have the same
}

// newDoors has room for so many rows.
func newDoors(clock func() time.Time, held int) *doors {
	return &doors{clock: clock, began: clock(), young: held / doorShards / 2}
}

// now is the moment by which rows age. It does not move with the clock of the
// machine where that is set.
func (d *doors) now() time.Duration { return d.clock().Sub(d.began) }

// of is the shard of a digest. All bytes of one but the first four, which name
// the key, are as good as random.
func (d *doors) of(digest *secret.Digest) *doorShard {
	return &d.shards[digest[len(digest)-1]%doorShards]
}

// find returns the row that answers the question q, or nil where none is kept
// under that mark, or too old a one.
func (d *doors) find(digest *secret.Digest, q []byte, mark policy.Mark) *door {
	if mark == (policy.Mark{}) {
		return nil
	}
	now := d.now()
	g := d.of(digest)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mark != mark {
		return nil
	}
	row, young := g.young[string(q)]
	if !young {
		row = g.old[string(q)]
	}
	if row == nil || now < row.read || now-row.read >= row.age() {
		return nil
	}
	if !young {
		g.add(string(q), row, d.young)
	}
	return row
}

// keep keeps the row that answers the question q, which is of the state of that
// mark and was asked for at that moment. What is kept under another mark is
// forgotten; but while that may be about to move, the row is left out.
func (d *doors) keep(digest *secret.Digest, q []byte, mark policy.Mark, asked time.Duration, h *policy.Holding) {
	row, written := compact(h, len(q))
	if row == nil {
		return
	}
	row.read = asked
	row.lively = seconds(d.clock())-max(row.created, row.used) < int64(lively/time.Second)
	g := d.of(digest)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mark != mark {
		if d.noting.Load() {
			return
		}
		g.young, g.old, g.shared, g.mark = nil, nil, nil, mark
	}
	row.limits = g.share(written, &h.Credential)
	g.add(string(q), row, d.young)
}

// add takes a row into young, which is full with so many. The caller holds mu.
func (g *doorShard) add(q string, row *door, full int) {
	if g.young == nil || len(g.young) >= full {
		g.old, g.young, g.shared = g.young, make(map[string]*door), nil
	}
	g.young[q] = row
}

// move keeps under the mark to what is kept under the mark from: between the two
// nothing was committed that changes it.
func (d *doors) move(from, to policy.Mark) {
	for i := range d.shards {
		g := &d.shards[i]
		g.mu.Lock()
		if g.mark == from {
			g.mark = to
		}
		g.mu.Unlock()
	}
}
