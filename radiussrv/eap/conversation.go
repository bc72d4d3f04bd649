package eap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"runtime/debug"
	"slices"

	"postern/policy"
	"postern/secret"
)

// Credential is what a peer presents: a secret in clear, or a proof.
type Credential struct {
	// Identity is the name it is presented under, the inner one where there is
	// one; "" where the peer says only that it is anonymous.
	Identity string
	Secret   secret.Text // empty where Proof is set
	Proof    policy.Proof
	Method   string // "eap-ttls/pap", "peap/mschapv2", "eap-tls", …
	Tunnel   bool   // it came through TLS
}

// Judge decides what is presented. It is called at most once in a
// conversation, with the context of the message that presented it.
type Judge interface {
	Judge(context.Context, Credential) policy.Decision
	// Again decides whether what a finished conversation was accepted for
	// would still be: asked when TLS resumes. The Credential has neither
	// secret nor proof.
	Again(context.Context, Credential, policy.Decision) policy.Decision
}

// Step is what to send in answer to a message.
type Step struct {
	Message []byte // the EAP packet; nil: nothing is to be sent
	Done    bool   // the conversation is over
	// Decision is what was decided, where Done. Without one it rejects.
	Decision policy.Decision
	// MSK are 64 octets of key on success, nil where the method makes none (RFC
	// 3748 §7.10), and of EAP-MSCHAPv2 without a tunnel the 32 it makes. The
	// first half is what the authenticator receives with.
	MSK    []byte
	Method string
	Why    string // for the log: why a conversation failed without a decision
}

// maxRounds bounds the messages of one conversation.
const maxRounds = 60

// Conversation is one EAP conversation of a server. It belongs to one caller
// at a time. Close it when it is not finished: it holds a coroutine.
type Conversation struct {
	cfg   *Config
	judge Judge

	next func() (Step, bool)
	stop func()

	ctx      context.Context //nolint:containedctx // of the message being answered
	in       Packet
	id       uint8
	asked    bool
	rounds   int
	identity string
	decision policy.Decision
	decided  bool
}

// errOver ends a conversation whose peer went away or broke the rules.
var errOver = errors.New("the conversation is over")

// failure ends a conversation that cannot succeed, with the reason for the log.
type failure struct{ why string }

func (f failure) Error() string { return f.why }

func failed(format string, args ...any) error { return failure{fmt.Sprintf(format, args...)} }

// New begins a conversation.
func New(cfg *Config, judge Judge) *Conversation {
	c := &Conversation{cfg: cfg, judge: judge}
	c.next, c.stop = iter.Pull(c.talk)
	return c
}

// Close frees what the conversation holds.
func (c *Conversation) Close() { c.stop() }

// Ask returns the request for the peer's identity, for a peer that waits to be
// asked (RFC 3579 §2.1). It comes before the first Next, if at all.
func (c *Conversation) Ask() []byte {
	c.asked = true
	return Packet{Request, c.id, TypeIdentity, nil}.Encode()
}

// Rounds is how many messages of the peer were answered.
func (c *Conversation) Rounds() int { return c.rounds }

// Next answers message, which must be a response of the peer. It fails on what
// is no such thing, or not the one that was asked for: the message is to be
// ignored then (RFC 3748 §4.1), and the conversation stands.
func (c *Conversation) Next(ctx context.Context, message []byte) (Step, error) {
	p, err := Decode(message)
	if err != nil {
		return Step{}, err
	}
	if p.Code != Response || (c.rounds > 0 || c.asked) && p.ID != c.id || c.rounds == 0 && p.Type != TypeIdentity {
		return Step{}, ErrPacket
	}
	if c.rounds++; c.rounds > maxRounds {
		c.stop()
		return c.fail(Packet{ID: p.ID}, "it takes too many messages"), nil
	}
	c.ctx, c.in = ctx, p
	step, ok := c.next()
	if !ok {
		return Step{}, errOver
	}
	return step, nil
}

// talk is the whole conversation as one coroutine: asking yields, and goes on
// with the peer's answer.
func (c *Conversation) talk(yield func(Step) bool) {
	ask := func(t Type, data []byte) (Packet, error) {
		c.id = c.in.ID + 1
		if !yield(Step{Message: Packet{Request, c.id, t, data}.Encode()}) {
			return Packet{}, errOver
		}
		return c.in, nil
	}
	step, err := c.run(ask)
	var f failure
	switch {
	case errors.Is(err, errOver):
		return
	case errors.As(err, &f):
		yield(c.fail(c.in, f.why))
	case err != nil:
		yield(c.fail(c.in, err.Error()))
	default:
		yield(step)
	}
}

// asker sends a request and returns the response to it.
type asker func(Type, []byte) (Packet, error)

// run holds the conversation and turns a panic into a failure of it alone.
func (c *Conversation) run(ask asker) (step Step, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = failed("a fault: %s\n%s", fault(r), debug.Stack())
		}
	}()
	c.identity = string(c.in.Data)
	method, first, err := c.negotiate(ask)
	if err != nil {
		return Step{}, err
	}
	msk, err := method.run(c, first)
	if err != nil {
		return Step{}, err
	}
	if !c.decided || c.decision.Outcome != policy.Accept {
		return Step{}, failed("nothing was accepted")
	}
	return Step{
		Message: Packet{Code: Success, ID: c.in.ID}.Encode(), Done: true,
		Decision: c.decision, MSK: msk, Method: method.name,
	}, nil
}

// fault describes what was recovered. Only a runtime error is known not to
// carry what a peer sent.
func fault(r any) string {
	if e, ok := r.(runtime.Error); ok {
		return e.Error()
	}
	return fmt.Sprintf("%T", r)
}

// fail is the last step of a conversation that did not succeed. An outcome
// that is neither yes nor no stays what it is.
func (c *Conversation) fail(last Packet, why string) Step {
	d := policy.Decision{}
	if c.decided && c.decision.Outcome != policy.Accept {
		d = c.decision
	}
	return Step{Message: Packet{Code: Failure, ID: last.ID}.Encode(), Done: true, Decision: d, Why: why}
}

// method is an EAP method that was agreed on.
type method struct {
	name string
	typ  Type
	ask  asker
	talk func(*Conversation, *method, Packet) ([]byte, error)
}

func (m *method) run(c *Conversation, first Packet) ([]byte, error) { return m.talk(c, m, first) }

// negotiate offers the first method of the configuration, and where the peer
// wants another (RFC 3748 §5.3.1) the first of ours that is among its own.
func (c *Conversation) negotiate(ask asker) (*method, Packet, error) {
	ours := c.cfg.outer()
	if len(ours) == 0 {
		return nil, Packet{}, failed("no EAP method is allowed for this client")
	}
	offered := ours[0]
	for range 2 {
		m, opening := c.open(offered, ask)
		answer, err := ask(offered, opening)
		if err != nil {
			return nil, Packet{}, err
		}
		if answer.Type == offered {
			return m, answer, nil
		}
		if answer.Type != TypeNak {
			return nil, Packet{}, failed("the peer answers another method than it was asked for")
		}
		wanted, ok := wanted(ours, answer.Data, offered)
		if !ok {
			return nil, Packet{}, failed("the peer wants EAP methods %v, none of which is allowed here", answer.Data)
		}
		offered = wanted
	}
	return nil, Packet{}, failed("the peer wants no method twice")
}

// wanted is the first of ours that is among those a Nak lists.
func wanted(ours []Type, nak []byte, refused Type) (Type, bool) {
	for _, t := range ours {
		if t != refused && slices.Contains(nak, byte(t)) {
			return t, true
		}
	}
	return 0, false
}

// open returns the method and the data of its first request.
func (c *Conversation) open(t Type, ask asker) (*method, []byte) {
	m := &method{typ: t, ask: ask}
	switch t {
	case TypeTTLS:
		m.name, m.talk = "eap-ttls", talkTTLS
		return m, []byte{flagStart}
	case TypePEAP:
		m.name, m.talk = "peap", talkPEAP
		return m, []byte{flagStart}
	case TypeTLS:
		m.name, m.talk = "eap-tls", talkTLS
		return m, []byte{flagStart}
	}
	in := newInner(t, c.identity)
	m.name, m.talk = "eap-"+in.name(), func(c *Conversation, m *method, first Packet) ([]byte, error) {
		if err := in.talk(c, m.name, m.ask, first, false); err != nil {
			return nil, err
		}
		return in.msk()
	}
	return m, in.opening()
}

// judged has a credential decided, once. It is an error where that is not
// acceptance.
func (c *Conversation) judged(cr Credential) error {
	if c.decided {
		return failed("the peer presents a second credential")
	}
	c.decided = true
	c.decision = c.judge.Judge(c.ctx, cr)
	if c.decision.Outcome != policy.Accept {
		return failed("refused")
	}
	return nil
}

// random fills b for challenges.
func random(b []byte) error {
	_, err := io.ReadFull(rand.Reader, b)
	return err
}
