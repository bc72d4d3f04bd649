package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"
)

// ErrBusy says that the queue of passwords to be hashed is full.
var ErrBusy = errors.New("too many passwords are being verified")

// maxPassword is the longest password that is verified, in bytes: as much as
// crypt(3) takes on Linux, and more than fits RADIUS. The rounds of SHA-crypt go
// over the whole password each, so that without a bound a stranger with one long
// password could keep a core for minutes, and see by it whose hash is imported.
const maxPassword = 512

// ErrTooLong says that a password is longer than any that is verified.
var ErrTooLong = fmt.Errorf("a password of more than %d bytes cannot be used", maxPassword)

// Hasher makes and verifies Argon2id hashes of primary passwords. A bounded
// number runs at a time and a bounded number waits: a flood of wrong
// passwords fills the queue and not the machine. It may be used concurrently.
type Hasher struct {
	cost    Argon2
	invalid error // of the cost; every call returns it
	keys    *Keys // nil: nothing is sealed or opened
	dummy   argon2Hash
	places  chan struct{} // held while waiting and while running
	cores   chan struct{} // held while running
	runs    atomic.Uint64
	typical atomic.Int64 // what a run took lately, in nanoseconds
	first   *firstRun    // nil: nobody rehearsed
	others  kinds
}

// NewHasher returns a Hasher that makes hashes of the given cost. running is
// how many run at a time, by default (0) half the cores and at least one;
// queued is how many more may wait. With a cost that Argon2.Validate refuses,
// every call fails.
func NewHasher(cost Argon2, running, queued int) *Hasher {
	if running < 1 {
		running = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &Hasher{
		cost:    cost,
		invalid: cost.Validate(),
		dummy:   argon2Hash{cost: cost, salt: make([]byte, saltLen), tag: make([]byte, tagLen)},
		places:  make(chan struct{}, running+max(0, queued)),
		cores:   make(chan struct{}, running),
	}
}

// Hash returns the PHC string of a new hash of password, with a salt read from
// random, which should be crypto/rand.Reader. It fails with ErrBusy at once
// where the queue is full, and with the context's error where that ends while
// waiting.
func (h *Hasher) Hash(ctx context.Context, password Text, random io.Reader) (Text, error) {
	if h.invalid != nil {
		return Text{}, h.invalid
	}
	if password.Empty() {
		return Text{}, errors.New("a password cannot be empty")
	}
	if password.Len() > maxPassword {
		return Text{}, ErrTooLong
	}
	made, err := h.make(ctx, password.Reveal(), random)
	if err != nil {
		return Text{}, err
	}
	return NewText(made.String()), nil
}

// make runs Argon2id over input with a new salt.
func (h *Hasher) make(ctx context.Context, input string, random io.Reader) (argon2Hash, error) {
	made := argon2Hash{cost: h.cost, salt: make([]byte, saltLen), tag: make([]byte, tagLen)}
	if _, err := io.ReadFull(random, made.salt); err != nil {
		return argon2Hash{}, fmt.Errorf("reading randomness for a salt: %w", err)
	}
	err := h.run(ctx, func() { made.tag = made.of(input) })
	return made, err
}

// Verify says whether typed is the password behind stored, byte for byte. It
// takes exactly one run: with an empty stored hash the same work goes into a
// dummy and the answer is no, and for a hash of another system's make it goes
// beside that. A password of more than 512 bytes is nobody's. stale says that
// the password is right and that Hash would make a hash of another kind or
// cost. An error (ErrBusy, the context's, a stored hash that cannot be read or
// opened) says neither yes nor no.
func (h *Hasher) Verify(ctx context.Context, stored, typed Text) (ok, stale bool, err error) {
	if h.invalid != nil {
		return false, false, h.invalid
	}
	if typed.Len() > maxPassword {
		stored, typed = Text{}, Text{}
	}
	against := storedHash{argon: h.dummy}
	if !stored.Empty() {
		if against, err = h.read(stored); err != nil {
			return false, false, err
		}
	}
	var broken error
	err = h.run(ctx, func() {
		began := time.Now()
		ok, broken = against.matches(typed.Reveal(), h.dummy)
		if kind, other := against.kind(h.cost); other {
			h.others.took(kind, time.Since(began))
		}
	})
	if err != nil || broken != nil {
		return false, false, errors.Join(err, broken)
	}
	ok = ok && !stored.Empty() && !typed.Empty()
	return ok, ok && against.stale(typed.Reveal(), h.cost), nil
}

// Slowest is about what a run takes at most that verifies a hash of another kind
// than our own, waiting not included; 0 before the first. Who wants all refusals
// to take the same time holds them to it.
func (h *Hasher) Slowest() time.Duration { return time.Duration(h.others.slowest.Load()) }

// Ahead is about what a run asked for now would take, with those that are asked
// for before it and were it of the costliest kind; 0 where no run has ended yet.
// It is asked before anything is known of what is to be verified, so that who
// needs no run can wait as long as who does.
func (h *Hasher) Ahead() time.Duration {
	one := time.Duration(h.typical.Load())
	if one == 0 {
		return 0
	}
	turns := time.Duration(len(h.places) / cap(h.cores))
	return turns*one + max(one, h.Slowest())
}

// lately is how many runs the typical one is taken over, about.
const lately = 8

func (h *Hasher) took(d time.Duration) {
	old := h.typical.Load()
	if old == 0 {
		old = int64(d)
	}
	h.typical.Store(max(1, old+(int64(d)-old)/lately)) // of two at once one counts
	h.first.ends(h)
}

// Runs counts the Argon2id runs that were asked for since the start.
func (h *Hasher) Runs() uint64 { return h.runs.Load() }

// run calls work, which runs Argon2id once, when it is this caller's turn. A run
// that has begun is finished: it cannot be stopped.
func (h *Hasher) run(ctx context.Context, work func()) error {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		return ErrBusy
	}
	select {
	case h.cores <- struct{}{}:
		defer func() { <-h.cores }()
	case <-ctx.Done():
		return fmt.Errorf("waiting to verify a password: %w", ctx.Err())
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting to verify a password: %w", err)
	}
	h.runs.Add(1)
	h.timed(work)
	return nil
}

// timed calls work, which runs Argon2id once, on a core that the caller holds.
func (h *Hasher) timed(work func()) {
	began := time.Now()
	work()
	h.took(time.Since(began))
}
