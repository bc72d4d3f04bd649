package eap

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"sync"
	"time"

	"postern/policy"
)

// Handles keeps TLS sessions for resumption. What a peer holds is a random
// handle and no ticket: a handle is worth nothing until the inner method has
// succeeded, belongs to one EAP type, ends after a while, and can be dropped.
// crypto/tls mints tickets before the inner method runs, so a ticket of its
// own would let a peer that failed inside resume straight to success. It may
// be used concurrently.
type Handles struct {
	now  func() time.Time
	life time.Duration
	most int

	mu  sync.Mutex
	all map[string]*handle
}

type handle struct {
	state      []byte
	typ        Type
	ends       time.Time
	authorised bool
	decision   policy.Decision
}

// NewHandles keeps up to most sessions for life each.
func NewHandles(life time.Duration, most int, now func() time.Time) *Handles {
	return &Handles{now: now, life: life, most: most, all: map[string]*handle{}}
}

// Drop forgets the sessions for which gone says so: of revoked credentials,
// say. Those whose inner method has not succeeded yet stay.
func (h *Handles) Drop(gone func(policy.Decision) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, s := range h.all {
		if s.authorised && gone(s.decision) {
			delete(h.all, name)
		}
	}
}

// Len is how many sessions are kept.
func (h *Handles) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all)
}

// put keeps a session that is not authorised yet.
func (h *Handles) put(s *handle) (string, error) {
	var name [32]byte
	if _, err := io.ReadFull(rand.Reader, name[:]); err != nil {
		return "", fmt.Errorf("making a session handle: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.makeRoom()
	h.all[string(name[:])] = s
	return string(name[:]), nil
}

// makeRoom drops what has ended, and where that is not enough some others: a
// dropped session costs its peer a full handshake.
func (h *Handles) makeRoom() {
	if len(h.all) < h.most {
		return
	}
	now := h.now()
	for name, s := range h.all {
		if !now.Before(s.ends) {
			delete(h.all, name)
		}
	}
	for name := range h.all {
		if len(h.all) < h.most {
			return
		}
		delete(h.all, name)
	}
}

// find returns an authorised session of that type.
func (h *Handles) find(name string, typ Type) (*handle, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.all[name]
	if s == nil || !s.authorised || s.typ != typ || !h.now().Before(s.ends) {
		return nil, false
	}
	copied := *s
	return &copied, true
}

// issued are the handles of one conversation.
type issued struct {
	h     *Handles
	names []string
	ends  time.Time
}

// authorise makes the handles worth what the conversation was accepted for.
func (i *issued) authorise(d policy.Decision) {
	i.h.mu.Lock()
	defer i.h.mu.Unlock()
	for _, name := range i.names {
		if s := i.h.all[name]; s != nil {
			s.authorised, s.decision = true, d
		}
	}
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
		name, err := h.put(&handle{state: state, typ: m.typ, ends: t.issued.ends})
		t.issued.names = append(t.issued.names, name)
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
