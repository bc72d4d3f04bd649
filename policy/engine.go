package policy

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"postern/policy/brake"
	"postern/policy/remember"
	"postern/secret"
)

// EngineConfig is what an Engine is made of. Records, Keys, Verifier and
// Recorder are needed.
type EngineConfig struct {
	Records       Records
	Challengeable Challengeable // nil: every proof against an app password fails
	Keys          *secret.Keys
	Verifier      Verifier
	Recorder      Recorder
	Holdings      Holdings // nil: Explain knows of no app passwords
	Marks         Marks    // nil: Entitled reads the storage each time
	Rehasher      Rehasher // nil: stale hashes stay as they are
	// Slowest is what verifying a hash of the costliest kind would take if it were
	// asked for now, as far as that is known: no refusal leaves before. It is asked
	// when an attempt begins. nil: all hashes take the same, and none waits.
	Slowest func() time.Duration
	// AtFirst is asked for a refusal where Slowest said 0, because no hash has been
	// through yet. It waits until one has, or ctx ends, and returns what any asked
	// for before that takes at most. nil: nobody waits.
	AtFirst func(ctx context.Context) time.Duration
	Brakes  *brake.Brakes    // nil: the engine's own, kept nowhere
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: nothing is logged
}

// Engine turns attempts into decisions: it gathers the facts, asks Decide,
// holds refusals to one time and records the answer. Between two attempts it
// keeps what slows guessing down and what hashes said, and nothing that decides.
// It may be used concurrently.
type Engine struct {
	records       Records
	challengeable Challengeable
	holdings      Holdings
	marks         Marks
	keys          *secret.Keys
	verifier      Verifier
	recorder      Recorder
	rehash        rehashing
	brakes        *brake.Brakes
	memory        *remember.Memory
	slowest       func() time.Duration
	atFirst       func(context.Context) time.Duration
	now           func() time.Time
	log           *slog.Logger

	rules        atomic.Pointer[ruleSet]
	pace         pace
	busy, broken loudness
	dummy        [16]byte // stands in for a candidate; as long as an NT hash
}

// NewEngine returns an Engine without rules: until SetRules, every attempt is
// Unavailable.
func NewEngine(c EngineConfig) *Engine {
	e := &Engine{
		records: c.Records, challengeable: c.Challengeable, holdings: c.Holdings, marks: c.Marks, keys: c.Keys,
		verifier: c.Verifier, recorder: c.Recorder, now: c.Now, log: c.Log,
		brakes: c.Brakes, memory: remember.New(), slowest: c.Slowest, atFirst: c.AtFirst,
	}
	if e.slowest == nil {
		e.slowest = func() time.Duration { return 0 }
	}
	if e.atFirst == nil {
		e.atFirst = func(context.Context) time.Duration { return 0 }
	}
	if e.brakes == nil {
		e.brakes = brake.New()
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.rehash.init(c.Rehasher, e.log)
	return e
}

// SetRules replaces the rules at once for every attempt that begins after it.
// r must not be changed afterwards.
func (e *Engine) SetRules(r *Rules) {
	rules := compile(r)
	e.brakes.SetLimits(rules.brakes.Limits)
	e.rules.Store(rules)
}

// Authenticate decides a. It always answers: what breaks, panics or runs out
// of ctx is Unavailable, and there is no error to forget. It writes exactly
// one event and returns at once; the caller holds the answer back until
// ReplyAt.
func (e *Engine) Authenticate(ctx context.Context, a Attempt) Decision {
	if a.At.IsZero() {
		a.At = e.now()
	}
	t := e.begin(a)
	t.gather(func() { t.find(ctx) })
	d := Decide(t.facts)
	t.conclude(ctx, &d)
	t.settle(&d)
	t.record(&d)
	if t.hashed && t.primary.stale && t.facts.Match == MatchPrimary && d.Outcome != Reject {
		e.rehash.offer(t.account.ID, t.primary.hash, a.Secret)
	}
	return d
}

// conclude adds to d who and when, and what it rests on.
func (t *trial) conclude(ctx context.Context, d *Decision) {
	d.Service = t.service
	switch d.Outcome {
	case Accept, SecondFactor, Enrol:
		d.Account, d.Login = t.account.ID, t.account.Login
		if t.facts.Match == MatchAppPassword {
			d.Credential = t.credential
		}
		d.Ends, d.Grant = t.ends, t.grant(d)
	}
	switch d.Outcome {
	case Accept, Busy, Unavailable:
	default:
		d.ReplyAt = t.refusedAt(ctx)
	}
}

// refusedAt is the moment a refusal leaves: t0 + R, whatever it was refused
// for and however long finding out took. Accounts with a costlier hash than
// most are too few to show in a percentile, and would show in the reply; and a
// queue of hashes that has just grown shows in it only when they are through.
// Until the first hash of the process is through, nobody can say how long one
// takes: who is refused sooner waits to hear it, whatever for.
func (t *trial) refusedAt(ctx context.Context) time.Time {
	if t.slowest == 0 {
		t.slowest = t.e.atFirst(ctx)
	}
	now := t.e.now()
	if t.hashed {
		t.e.pace.note(now, now.Sub(t.a.At))
	}
	return t.a.At.Add(max(t.e.pace.refusal(now), t.slowest))
}

func (t *trial) grant(d *Decision) Grant {
	client := t.a.Client
	client.Reported = "" // no rule asks for it
	at := t.weighed
	if at.IsZero() {
		at = t.e.now()
	}
	return Grant{
		account: t.account.ID, credential: d.Credential, digest: t.digest, primary: t.primary,
		match: t.facts.Match, outcome: d.Outcome,
		client: client, from: t.from, at: at, seen: new(lastSeen),
		counted: t.guess != nil && d.Outcome == SecondFactor && t.asRefused(*d),
	}
}
