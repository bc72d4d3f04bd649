package eap

import (
	"container/list"
	"crypto/tls"
	"fmt"
	"sync"
	"time"

	"postern/policy"
)

// Handles keeps TLS sessions for resumption. What a peer holds is a random
// handle and no ticket: there is nothing behind a handle until the inner method
// has succeeded; it belongs to one EAP type, ends after a while, and can be
// dropped. crypto/tls mints tickets before the inner method runs, so a ticket
// of its own would let a peer that failed inside resume straight to success. It
// may be used concurrently.
type Handles struct {
	now  func() time.Time
	life time.Duration
	most int

	mu    sync.Mutex
	all   map[string]handle
	order list.List // of names, in the order in which they were put
}

type handle struct {
	place    *list.Element
	state    []byte
	typ      Type
	ends     time.Time
	decision policy.Decision
}

// NewHandles keeps up to most sessions for life each.
func NewHandles(life time.Duration, most int, now func() time.Time) *Handles {
	return &Handles{now: now, life: life, most: most, all: map[string]handle{}}
}

// Drop forgets the sessions for which gone says so: of revoked credentials,
// say. It asks once for each account and credential, and holds up nobody
// meanwhile.
func (h *Handles) Drop(gone func(policy.Decision) bool) {
	drop := map[owner]bool{}
	for o, d := range h.owners() {
		if gone(d) {
			drop[o] = true
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.all {
		if drop[s.owner()] {
			h.remove(name, s)
		}
	}
}

func (h *Handles) remove(name string, s handle) {
	delete(h.all, name)
	h.order.Remove(s.place)
}

// owner is what a session was accepted for: an app password at a service, or a
// primary password as it was at one sign-in.
type owner struct {
	account, credential, service string
	ends                         time.Time
}

func (s handle) owner() owner {
	o := owner{s.decision.Account, s.decision.Credential, s.decision.Service, time.Time{}}
	if o.credential == "" {
		o.ends = s.ends
	}
	return o
}

func (h *Handles) owners() map[owner]policy.Decision {
	h.mu.Lock()
	defer h.mu.Unlock()
	found := make(map[owner]policy.Decision, len(h.all))
	for _, s := range h.all {
		found[s.owner()] = s.decision
	}
	return found
}

// Len is how many sessions are kept.
func (h *Handles) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

// put keeps a session under a name that only its peer knows. Full, it gives up
// the one that was put first: a peer has been given a newer one since, or has
// not come for long, and then it does a full handshake.
func (h *Handles) put(name string, s handle) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.all) >= h.most && len(h.all) > 0 {
		oldest := h.order.Front().Value.(string)
		h.remove(oldest, h.all[oldest])
	}
	s.place = h.order.PushBack(name)
	h.all[name] = s
}

// find returns a session of that type.
func (h *Handles) find(name string, typ Type) (handle, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.all[name]
	return s, ok && s.typ == typ && h.now().Before(s.ends)
}

// issued are the handles of one conversation, which nobody finds before it
// has succeeded.
type issued struct {
	h        *Handles
	sessions map[string]handle
	ends     time.Time
}

// issue makes a handle for a session.
func (i *issued) issue(state []byte, typ Type) (string, error) {
	var name [32]byte
	if err := random(name[:]); err != nil {
		return "", fmt.Errorf("making a session handle: %w", err)
	}
	if i.sessions == nil {
		i.sessions = map[string]handle{}
	}
	i.sessions[string(name[:])] = handle{state: state, typ: typ, ends: i.ends}
	return string(name[:]), nil
}

// authorise makes the handles worth what the conversation was accepted for.
func (i *issued) authorise(d policy.Decision) {
	for name, s := range i.sessions {
		s.decision = d
		i.h.put(name, s)
	}
	i.sessions = nil
}

// resumeWith has cfg keep and find sessions. A session that was resumed hands
// its end on: resuming does not prolong it.
func (t *tunnel) resumeWith(c *Conversation, m *method, cfg *tls.Config) {
	h := c.cfg.Handles
	if h == nil {
		cfg.SessionTicketsDisabled = true
		return
	}
	t.issued = &issued{h: h, ends: h.now().Add(h.life)}
	cfg.WrapSession = func(_ tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
		state, err := s.Bytes()
		if err != nil {
			return nil, err
		}
		name, err := t.issued.issue(state, m.typ)
		return []byte(name), err
	}
	cfg.UnwrapSession = func(identity []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
		found, ok := h.find(string(identity), m.typ)
		if !ok {
			return nil, nil //nolint:nilnil // crypto/tls: no session, do it in full
		}
		t.resumed, t.issued.ends = &found.decision, found.ends
		return tls.ParseSessionState(found.state)
	}
}
