package radiussrv

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"layeh.com/radius"

	"postern/policy"
)

// Authenticator decides. It is called by several workers at once, with a
// context that ends when the client has given up waiting; past that it
// answers policy.Unavailable.
type Authenticator interface {
	Authenticate(context.Context, policy.Attempt) policy.Decision
}

// Ledger keeps what clients report of their sessions (RFC 2866). It returns
// nil only once the record is safe, because the client then deletes its own
// copy, and takes the same record twice without harm. It is called by several
// workers at once.
type Ledger interface {
	Keep(context.Context, AccountingRequest) error
}

// AccountingRequest is one authentic Accounting-Request. The receiver owns it.
type AccountingRequest struct {
	Client     string // name of the RADIUS client
	Remote     netip.AddrPort
	At         time.Time // receipt
	Attributes radius.Attributes
}

// Config is what a Server is made of. Only Authenticator is needed; figures
// left at zero get the default named.
type Config struct {
	Authenticator Authenticator
	// Ledger keeps accounting. Without one, Accounting-Requests are not
	// answered: an answer would tell the client to delete the only record.
	Ledger Ledger
	// Ready says whether the server could decide now. While it says no,
	// Status-Server is not answered, so that clients fail over. Nil: always.
	// It is called on the way of every Status-Server and must not block.
	Ready   func() bool
	Clients []Client
	// EAP is what EAP conversations are held with. See Server.SetEAP.
	EAP EAP
	// Codes checks the codes that clients with OTPChallenge ask for. Nil:
	// nobody is asked for one.
	Codes Codes
	// Entitler is asked by Server.Recheck; nil: Recheck does nothing.
	Entitler Entitler

	// Replies add attributes to Access-Accepts; see SetReplies.
	Replies []Reply
	// Groups is asked where a Reply names a group, and needed there.
	Groups Groups
	// Grants is needed for Classes and for Codes. Nil: there are neither.
	Grants Grants
	// Classes marks every Access-Accept with a Class that says, with
	// accounting, whose session it is.
	Classes bool

	// RejectDelay is how long after its receipt a refusal leaves at the
	// earliest. Zero: when the Decision says.
	RejectDelay time.Duration
	// Deadline bounds the work on one request, from its receipt: 5 s.
	Deadline time.Duration
	// Grace bounds how long Serve goes on after its context has ended: 10 s.
	Grace time.Duration

	// Workers is how many requests may be under way at once, for each Serve:
	// 128. It should be well above the number of primary passwords that may
	// wait to be hashed, or these would keep app passwords waiting.
	Workers      int
	Queue        int           // requests waiting for a worker, for each Serve: 1024
	Held         int           // replies waiting for their time, for each Serve: 16384
	Duplicates   int           // answers kept for retransmissions, in all: 65536
	DuplicateTTL time.Duration // how long they are kept: 10 s (RFC 5080 §2.2.2: 5 to 30 s)
	StatusRate   int           // Status-Server answered a second, for each client: 50

	Conversations       int           // EAP conversations under way, in all: 2048
	ClientConversations int           // and of one client: 256
	ConversationLife    time.Duration // how long one waits for its next message: 60 s

	// TLSConnections is how many connections of RADIUS over TLS may be open,
	// for each ServeTLS: 256; an eighth of them for one client, a quarter of
	// them in their handshake.
	TLSConnections int
	TLSHandshake   time.Duration // the longest a handshake may take: 5 s
	TLSIdle        time.Duration // the longest a connection may be silent: 15 min

	Logger *slog.Logger // nil: nothing is logged
}

func (c *Config) defaults() {
	set := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	last := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	last(&c.Deadline, 5*time.Second)
	last(&c.Grace, 10*time.Second)
	last(&c.DuplicateTTL, 10*time.Second)
	last(&c.ConversationLife, time.Minute)
	set(&c.Workers, 128)
	set(&c.Conversations, 2048)
	set(&c.ClientConversations, 256)
	set(&c.Queue, 1024)
	set(&c.Held, 16384)
	set(&c.Duplicates, 65536)
	set(&c.StatusRate, 50)
	set(&c.TLSConnections, 256)
	last(&c.TLSHandshake, 5*time.Second)
	last(&c.TLSIdle, 15*time.Minute)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Ready == nil {
		c.Ready = func() bool { return true }
	}
}

// Server answers RADIUS clients. It may be used concurrently.
type Server struct {
	cfg           Config
	count         counters
	duplicates    *duplicates
	conversations *conversations
	eap           atomic.Pointer[eapSettings]
	strangers     [drops]sampler // lines about addresses that are no client's
	reading       sampler        // lines about sockets that fail
	sending       sampler
	linking       sampler // lines about connections that are not let in

	serving atomic.Int64 // calls of Serve
	delay   atomic.Int64 // RejectDelay in force, in nanoseconds
	swap    sync.Mutex   // serialises SetClients
	clients atomic.Pointer[clients]
	replies atomic.Pointer[[]Reply]
}

// New makes a server. It fails on a Config that could answer nobody safely:
// no Authenticator, or clients SetClients would refuse. No clients at all are
// fine; every datagram is then a stranger's.
func New(cfg Config) (*Server, error) {
	if cfg.Authenticator == nil {
		return nil, errors.New("a RADIUS server needs an Authenticator")
	}
	cfg.Classes = cfg.Classes && cfg.Grants != nil
	cfg.defaults()
	s := &Server{
		cfg: cfg, duplicates: newDuplicates(cfg.Duplicates, cfg.DuplicateTTL),
		conversations: newConversations(cfg.Conversations, cfg.ClientConversations, cfg.ConversationLife),
	}
	s.SetReplies(cfg.Replies)
	if err := errors.Join(s.SetEAP(cfg.EAP), s.SetRejectDelay(cfg.RejectDelay), s.SetClients(cfg.Clients)); err != nil {
		return nil, err
	}
	return s, nil
}

// SetRejectDelay replaces Config.RejectDelay for every refusal from now on.
func (s *Server) SetRejectDelay(d time.Duration) error {
	if d < 0 {
		return errors.New("the reject delay of the RADIUS server is negative")
	}
	s.delay.Store(int64(d))
	return nil
}

// SetClients replaces all clients at once, also while the server serves. With
// an error, which names every fault, nothing has changed. Requests under way
// are answered under the client they came from.
func (s *Server) SetClients(list []Client) error {
	set, err := newClients(list)
	if err != nil {
		return err
	}
	s.swap.Lock()
	defer s.swap.Unlock()
	names := make([]string, 0, len(list))
	for _, c := range list {
		names = append(names, c.Name)
	}
	shares := s.duplicates.divide(names)
	old := s.clients.Load().byName()
	for name, c := range set.byName() {
		c.share = shares[name]
		c.inherit(old[name], s.cfg.StatusRate)
	}
	s.clients.Store(set)
	return nil
}

// Role says which port a socket is.
type Role uint8

const (
	// Authentication takes Access-Request and Status-Server.
	Authentication Role = iota
	// Accounting takes Accounting-Request and Status-Server.
	Accounting
	// OverTLS takes them all: RADIUS over TLS has one port.
	OverTLS
)

// String returns the word used in logs.
func (r Role) String() string {
	switch r {
	case Accounting:
		return "accounting"
	case OverTLS:
		return "tls"
	}
	return "authentication"
}
