package policy

import (
	"context"

	"postern/directory"
	"postern/policy/brake"
	"postern/policy/remember"
	"postern/secret"
)

// guess is a primary password or a second factor on its way through the brakes.
type guess struct {
	brake.Guess
	second bool
	ticket brake.Ticket
	key    remember.Key
	// recalled says that the result was remembered and no hash was run.
	recalled bool
}

// tryPrimary looks at the secret as a primary password: at the memory, at the
// brakes, and then with exactly one hash, on the real hash of the account or on
// a dummy. A name that is nobody's goes the same way under a name of its own.
func (t *trial) tryPrimary(ctx context.Context, name directory.Name) {
	h, known := t.holder(ctx, name)
	if t.facts.Trouble != NoTrouble {
		return
	}
	stored := h.PasswordHash
	if t.a.Secret.Empty() || h.Account.Kind != directory.Person {
		stored = secret.Text{}
	}
	t.primary = primaryStamp{hash: stored, changedAt: h.Account.PasswordChangedAt}
	g := &guess{Guess: t.guessOf(h)}
	g.key = t.e.memory.Key(t.from, g.Account, stored, t.a.Secret)
	result, remembered := t.e.memory.Recall(g.key, t.e.now())
	switch {
	case remembered && !result.Accepted && t.refusedAgain(g, result):
	case !t.count(g):
		t.facts.Braked = true
	case remembered && result.Accepted:
		g.recalled = true
		t.matchPrimary(h, true)
	default:
		t.verify(ctx, h, known)
	}
}

// guessOf is what the brakes are asked about an attempt for h, which has no id
// where nobody is known by the name that was typed.
func (t *trial) guessOf(h Holder) brake.Guess {
	g := brake.Guess{
		Account: h.Account.ID, Known: h.Account.ID != "", Source: t.from,
		Shared: t.a.Client.Protocol == RADIUS || t.rules.isRelay(t.from), Releases: h.BrakeReleases,
	}
	if !g.Known {
		g.Account = t.e.keys.LoginDigest(spelling(t.a.Login))
	}
	return g
}

// refusedAgain matches what was refused before without counting it again and
// without a hash. It reports false, and leaves the match open, where the same
// result would open something now: for that, it is verified anew. So it is with
// what a client that asks for a code asked for one.
func (t *trial) refusedAgain(g *guess, r remember.Result) bool {
	t.facts.Match = MatchNone
	if r.Right {
		t.facts.Match = MatchPrimary
	}
	if !t.asRefused(Decide(t.facts)) {
		t.facts.Match = MatchNone
		return false
	}
	t.e.memory.Refused(g.key, r.Right, t.e.now().Add(t.rules.brakes.RememberRefused))
	t.again = true
	return true
}

// asRefused reports whether d is remembered and counted as a refusal: it is one, or
// it asks for a code where whoever is refused is asked for one. There a right
// password must cost no other hash and no other count than a wrong one: whoever
// sees how many of a hundred at once find the queue full would know it, without
// the code.
func (t *trial) asRefused(d Decision) bool {
	return d.Outcome == Reject || d.Outcome == SecondFactor && t.facts.Client == LegacyOTP
}

// count counts g before it is looked at, and reports false where a brake is on.
func (t *trial) count(g *guess) bool {
	g.Second = g.second
	ticket, ok := t.e.brakes.Try(g.Guess, t.e.now())
	if ok {
		g.ticket = ticket
		t.guess = g
	}
	return ok
}

// verify runs the hash, and reads the account again after it.
func (t *trial) verify(ctx context.Context, h Holder, known bool) {
	ok, stale, err := t.e.verifier.Verify(ctx, t.primary.hash, t.a.Secret)
	if err != nil {
		t.broke(err)
		return
	}
	t.hashed = true
	if !known {
		return
	}
	t.primary.stale = stale
	if h, err = t.e.records.HolderByID(ctx, h.Account.ID); t.missing(err) {
		t.facts.Account = AccountUnknown
		return
	}
	t.know(h)
	t.matchPrimary(h, ok)
}

// matchPrimary notes that the password is right, if it is and still the one
// that h has.
func (t *trial) matchPrimary(h Holder, right bool) {
	if right && !t.primary.hash.Empty() && t.primary.same(h) {
		t.facts.Match = MatchPrimary
	}
}

// settle says to the brakes and to the memory what became of the guess. What
// was refused stays counted, whatever for: a stranger who could see the count
// would learn nothing from it. What was not decided is no guess.
func (t *trial) settle(d *Decision) {
	g := t.guess
	if g == nil {
		return
	}
	now := t.e.now()
	switch {
	case t.asRefused(*d):
		if !g.second {
			t.e.memory.Refused(g.key, t.facts.Match == MatchPrimary, now.Add(t.rules.brakes.RememberRefused))
		}
	case d.Outcome != Accept:
		t.e.brakes.TakeBack(g.ticket)
	default:
		t.e.brakes.SignedIn(g.ticket, now)
		if g.second && t.a.Second.First.counted {
			t.e.brakes.TakeBack(g.ticket.OfFirst())
		}
		if g.second && t.facts.Client == Interactive {
			t.e.brakes.Release(t.account.ID)
		}
		if !g.second && !g.recalled && !t.primary.stale && t.facts.MFA == MFAOff {
			t.e.memory.Accepted(g.key, now.Add(t.rules.brakes.RememberAccepted))
		}
	}
}
