package radiussrv

import (
	"container/list"
	"crypto/rand"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"postern/radiussrv/eap"
)

// nas is who holds a conversation: a State that somebody else brings is
// nobody's.
type nas struct {
	client string
	addr   netip.Addr
}

// state is the State of one round, known to the NAS alone.
type state [16]byte

func newState() (s state, err error) {
	if _, err = io.ReadFull(rand.Reader, s[:]); err != nil {
		return s, fmt.Errorf("making a State: %w", err)
	}
	return s, nil
}

// conversation is one EAP conversation under way. While it is in hands it
// belongs to one worker; the lock of conversations covers the rest.
type conversation struct {
	eap   *eap.Conversation
	judge *judge

	nas   nas
	state state
	idle  *list.Element // in shelf; nil: a worker has it
	shelf *list.List
	until time.Time
	over  bool // it ended without an answer; its retransmissions get none either
}

// conversations keeps the EAP conversations between two messages. Each round
// has a State of its own. Full, it gives up the one that has waited longest,
// first of those that have said no more than a name: whoever only begins
// conversations does not push out those that go on. It may be used
// concurrently.
type conversations struct {
	most, perClient int
	life            time.Duration

	mu       sync.Mutex
	all      map[state]*conversation
	clients  map[string]*shelves
	sweeping bool
}

// shelves are the idle conversations of one client, each list in the order in
// which they will end.
type shelves struct {
	count   int       // in hands and idle
	begun   list.List // one message was answered
	further list.List
}

func newConversations(most, perClient int, life time.Duration) *conversations {
	return &conversations{most: most, perClient: perClient, life: life, all: map[state]*conversation{}, clients: map[string]*shelves{}}
}

// holds reports whether the State is that of a conversation of n.
func (c *conversations) holds(value []byte, n nas) bool {
	if len(value) != len(state{}) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.all[state(value)]
	return v != nil && v.nas == n
}

// taking says what came of taking a conversation.
type taking uint8

const (
	unknownState taking = iota
	inHands             // another worker answers its message
	ended               // it ended without an answer
	taken
)

// take hands the conversation of that State to the caller, who gives it to
// keep, end or bury.
func (c *conversations) take(value []byte, n nas) (*conversation, taking) {
	if len(value) != len(state{}) {
		return nil, unknownState
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.all[state(value)]
	switch {
	case v == nil || v.nas != n:
		return nil, unknownState
	case v.over:
		return nil, ended
	case v.idle == nil:
		return nil, inHands
	}
	c.unshelve(v)
	return v, taken
}

// keep puts v back until its next message, under s.
func (c *conversations) keep(v *conversation, s state, now time.Time) {
	gone := c.shelve(v, s, now)
	for _, v := range gone {
		v.eap.Close()
	}
}

// bury notes that v ended without an answer, so that its retransmissions find
// silence and no refusal. v is closed.
func (c *conversations) bury(v *conversation, now time.Time) {
	v.eap.Close()
	v.over = true
	c.keep(v, v.state, now)
}

// end forgets v and frees what it holds.
func (c *conversations) end(v *conversation) {
	v.eap.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(v)
}

// len is how many conversations there are.
func (c *conversations) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// shelve returns the conversations that had to go, to be closed.
func (c *conversations) shelve(v *conversation, s state, now time.Time) (gone []*conversation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.all[v.state] == v
	if old {
		delete(c.all, v.state)
	} else {
		gone = c.makeRoom(v.nas.client)
	}
	own := c.clients[v.nas.client]
	if own == nil {
		own = &shelves{}
		c.clients[v.nas.client] = own
	}
	if !old {
		own.count++
	}
	v.state, v.until, v.shelf = s, now.Add(c.life), &own.further
	if v.eap.Rounds() <= 1 {
		v.shelf = &own.begun
	}
	v.idle = v.shelf.PushBack(v)
	c.all[s] = v
	if !c.sweeping {
		c.sweeping = true
		time.AfterFunc(c.life, c.sweep)
	}
	return gone
}

// makeRoom gives up one conversation where there is no room for another: of
// the client itself, or of the one that has most.
func (c *conversations) makeRoom(client string) []*conversation {
	full := c.clients[client]
	if full == nil || full.count < c.perClient {
		if len(c.all) < c.most {
			return nil
		}
		full = c.fullest()
	}
	for _, shelf := range []*list.List{&full.begun, &full.further} {
		if first := shelf.Front(); first != nil {
			v := first.Value.(*conversation)
			c.forget(v)
			return []*conversation{v}
		}
	}
	return nil
}

func (c *conversations) fullest() (most *shelves) {
	for _, s := range c.clients {
		if most == nil || s.count > most.count {
			most = s
		}
	}
	return most
}

func (c *conversations) unshelve(v *conversation) {
	v.shelf.Remove(v.idle)
	v.idle = nil
}

func (c *conversations) forget(v *conversation) {
	if v.idle != nil {
		c.unshelve(v)
	}
	if c.all[v.state] != v {
		return
	}
	delete(c.all, v.state)
	own := c.clients[v.nas.client]
	if own.count--; own.count == 0 {
		delete(c.clients, v.nas.client)
	}
}

// close ends every conversation that no worker has.
func (c *conversations) close() {
	for _, v := range c.expired(time.Time{}) {
		v.eap.Close()
	}
}

// sweep ends what has waited too long, and comes again while any is left.
func (c *conversations) sweep() {
	for _, v := range c.expired(time.Now()) {
		v.eap.Close()
	}
}

// expired forgets and returns what has waited too long at now; at the zero
// time, all that waits.
func (c *conversations) expired(now time.Time) (gone []*conversation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, own := range c.clients {
		for _, shelf := range []*list.List{&own.begun, &own.further} {
			for e := shelf.Front(); e != nil; e = shelf.Front() {
				v := e.Value.(*conversation)
				if !now.IsZero() && now.Before(v.until) {
					break
				}
				c.forget(v)
				gone = append(gone, v)
			}
		}
	}
	c.sweeping = len(c.all) > 0
	if c.sweeping {
		time.AfterFunc(c.life/4, c.sweep)
	}
	return gone
}
