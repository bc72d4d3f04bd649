package policy

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"postern/directory"
	"postern/secret"
)

// Grant is what a decision rests on, kept so that the engine can ask again
// later whether it still stands: at the next operation of a bound connection,
// and when a second factor follows. Only the engine makes one; the zero Grant
// entitles to nothing. It may be copied and kept for as long as a connection
// lives.
type Grant struct {
	account    string // id
	credential string // id; "" for a primary password
	digest     secret.Digest
	primary    primaryStamp
	match      Match
	outcome    Outcome
	client     Client
	from       netip.Addr
	at         time.Time
	counted    bool      // a guess stays counted for it until the second leg was right
	seen       *lastSeen // shared by the copies
}

// lastSeen is what the storage held behind a grant when it was last read. While
// nothing is committed, reading again would give the same, so what is kept is
// rows and never a decision: rules and clock are asked each time. Beside a row
// stands whether its MAC is right, which the row and the keys alone decide.
type lastSeen struct{ rows atomic.Pointer[seenRows] }

type seenRows struct {
	mark    Mark
	holding Holding
	genuine bool // holding is as it was issued
	holder  Holder
}

// current returns the rows last seen, nil where they may have changed since,
// and the mark that rows read now are to be kept under.
func (e *Engine) current(l *lastSeen) (*seenRows, Mark) {
	if e.marks == nil || l == nil {
		return nil, Mark{}
	}
	mark, rows := e.marks.Mark(), l.rows.Load()
	if rows == nil || mark == (Mark{}) || rows.mark != mark {
		return nil, mark
	}
	return rows, mark
}

// keep keeps rows that were read after their mark was.
func (l *lastSeen) keep(rows *seenRows) *seenRows {
	if l != nil && rows.mark != (Mark{}) {
		l.rows.Store(rows)
	}
	return rows
}

// String returns a constant: what a Grant holds is for the engine alone.
func (Grant) String() string { return "[grant]" }

// GoString returns a constant.
func (Grant) GoString() string { return "[grant]" }

// primaryStamp says which primary password was verified.
type primaryStamp struct {
	hash      secret.Text
	changedAt time.Time
	stale     bool // the hash was to be replaced by a better one
}

// same reports whether h still has the primary password of the stamp. A hash
// that was replaced because it was stale hides the same password: only setting
// one moves PasswordChangedAt.
func (s primaryStamp) same(h Holder) bool {
	if h.PasswordHash.Empty() {
		return false
	}
	if s.hash.Equal(h.PasswordHash) {
		return true
	}
	return s.stale && s.changedAt.Equal(h.Account.PasswordChangedAt)
}

// Entitled reports whether what g was granted for would be granted now: the
// account is active, its credential live and in scope for the same client, or
// its primary password the same and not refused by a rule meanwhile. It costs
// no hash, and one query where anything was committed since it was last asked
// about g or a copy of g. It writes no event, and says yes only to a grant of
// Accept. With an error nothing is known; the caller answers as for
// Unavailable and does not carry the operation out.
func (e *Engine) Entitled(ctx context.Context, g Grant) (bool, error) {
	if g.outcome != Accept {
		return false, nil
	}
	t := e.begin(Attempt{At: e.now(), Client: g.client, Remote: netip.AddrPortFrom(g.from, 0)})
	t.gather(func() { t.recall(ctx, g) })
	d := Decide(t.facts)
	if d.Outcome == Unavailable || d.Outcome == Busy {
		return false, t.err
	}
	return d.Outcome == Accept, nil
}

// recall gathers the facts behind g anew.
func (t *trial) recall(ctx context.Context, g Grant) {
	if g.credential != "" {
		t.recallCredential(ctx, g)
		return
	}
	rows, mark := t.e.current(g.seen)
	if rows == nil {
		h, err := t.e.records.HolderByID(ctx, g.account)
		if t.missing(err) {
			return
		}
		rows = g.seen.keep(&seenRows{mark: mark, holder: h})
	}
	t.know(rows.holder)
	if g.primary.same(rows.holder) {
		t.facts.Match = g.match
	}
}

func (t *trial) recallCredential(ctx context.Context, g Grant) {
	rows, mark := t.e.current(g.seen)
	if rows == nil {
		h, err := t.e.records.AppPassword(ctx, []secret.Digest{g.digest}, directory.Name{})
		if t.missing(err) {
			return
		}
		rows = g.seen.keep(&seenRows{mark: mark, holding: h, genuine: t.e.genuine(&h)})
	}
	if rows.holding.Credential.ID == g.credential && rows.holding.Holder.Account.ID == g.account {
		t.weigh(&rows.holding, rows.genuine)
	}
}

// tryResumed asks whether what g was granted for would be granted now, to this
// client, which need not be the one of then. No hash is run.
func (t *trial) tryResumed(ctx context.Context, g Grant) {
	if g.outcome != Accept {
		return
	}
	if t.a.Login != "" {
		h, known := t.holder(ctx, directory.ParseName(t.a.Login, t.a.Naming, t.rules.Domain))
		if !known || h.Account.ID != g.account {
			return
		}
	}
	t.primary = g.primary
	t.recall(ctx, g)
}

// missing reports whether err says that there is nothing to go on. Where it
// says that it is not known, it notes the trouble.
func (t *trial) missing(err error) bool {
	if err == nil {
		return false
	}
	if !errors.Is(err, directory.ErrNotFound) {
		t.broke(err)
	}
	return true
}
