package ldapsrv

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"postern/ldapsrv/dn"
	"postern/ldapsrv/entry"
	"postern/ldapsrv/wire"
)

// plan is what follows from the base of a search and its attribute list, for
// those who may read the same attributes: applications send the same two again and again, with
// filters that differ. It may be used concurrently.
type plan struct {
	target, above entry.Name // see entry.Tree.Find
	view          *entry.View
	asked         *entry.Selection
	may           *entry.Selection
	outputs       [entry.Service + 1]atomic.Pointer[entry.Output]
}

// output works out what is sent of entries of a kind, once.
func (p *plan) output(k entry.Kind) *entry.Output {
	if o := p.outputs[k].Load(); o != nil {
		return o
	}
	o := p.view.Output(k, p.asked, p.may)
	p.outputs[k].Store(&o)
	return &o
}

// newPlan plans a search below base.
func (r *rules) newPlan(base dn.DN, q *wire.SearchRequest, of *plans) *plan {
	p := &plan{asked: entry.Select(q.Attributes)}
	if of != nil {
		p.may = of.may
	}
	p.target, p.above = r.entries.Find(base)
	p.view = r.entries.View(p.above.Application)
	return p
}

// plans keeps what was planned, for those who may read the same attributes. It
// may be used concurrently. A nil plans keeps nothing.
type plans struct {
	may   *entry.Selection // what the reader may read
	mu    sync.RWMutex
	byKey map[string]*plan
}

// Bounds of what is kept. Few applications have more than some lists of
// attributes; where one sends new ones all the time, all are forgotten now and
// then.
const (
	maxPlans   = 64
	maxPlanKey = 512
)

// planKey is what the plans of two searches differ by.
type planKey struct {
	room [maxPlanKey]byte
	n    int // 0: too long to be kept
}

func (k *planKey) set(q *wire.SearchRequest) {
	k.n = 0
	if size := 4 + len(q.Base) + len(q.RawAttributes); size <= maxPlanKey {
		b := binary.BigEndian.AppendUint32(k.room[:0], uint32(len(q.Base)))
		b = append(append(b, q.Base...), q.RawAttributes...)
		k.n = len(b)
	}
}

// find returns the plan for what q asks, nil where there is none yet.
func (p *plans) find(k *planKey) *plan {
	if p == nil || k.n == 0 {
		return nil
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.byKey[string(k.room[:k.n])]
}

// keep keeps a plan. One for an entry of somebody's own is of no use to
// others.
func (p *plans) keep(k *planKey, made *plan) {
	if p == nil || k.n == 0 || made.target.Key != "" || made.target.Kind == entry.None {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.byKey) >= maxPlans || p.byKey == nil {
		p.byKey = make(map[string]*plan)
	}
	p.byKey[string(k.room[:k.n])] = made
}
