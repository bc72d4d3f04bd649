package policy

import (
	"context"
	"time"

	"postern/directory"
)

// Second is the second leg of an attempt that was answered SecondFactor, or
// Enrol and a second factor was enrolled since. The one who asked brings what
// it takes to check the second factor; the engine has it checked, looks at the
// account once more and decides.
type Second struct {
	// First is the Grant of the decision that asked.
	First Grant
	// Check says whether what was presented is a second factor of the account
	// with that id, and uses it up, so that it counts once. It is called at
	// most once, and not at all where First does not hold any more.
	Check func(ctx context.Context, accountID string) (bool, error)
}

// How long after the first leg the second may follow.
const (
	secondWithin = 5 * time.Minute
	enrolWithin  = 30 * time.Minute
)

// trySecond matches the second leg. No hash is run: the first leg did that.
func (t *trial) trySecond(ctx context.Context) {
	first := t.a.Second.First
	if first.account == "" {
		t.secondToNothing(ctx)
		return
	}
	ok, looked := false, true
	var err error
	if t.follows(first) {
		ok, looked, err = t.checkSecond(ctx, first.account)
	}
	if err != nil {
		t.broke(err)
		return
	}
	h, err := t.e.records.HolderByID(ctx, first.account)
	if t.missing(err) {
		return
	}
	t.know(h)
	t.primary = first.primary
	switch {
	case !looked:
		t.facts.Braked = true
	case !t.follows(first) || !first.primary.same(h):
		t.facts.Match = MatchNone
	case ok:
		t.facts.Match = MatchPrimaryAndSecond
	default:
		t.facts.Match = MatchPrimaryWrongSecond
	}
}

// secondToNothing is a second factor that follows no right password. It is
// counted as one that does is, for whomever it names, so that the brakes do not
// tell one from the other.
func (t *trial) secondToNothing(ctx context.Context) {
	h, _ := t.holder(ctx, directory.ParseName(t.a.Login, t.a.Naming, t.rules.Domain))
	if t.facts.Trouble == NoTrouble {
		t.facts.Braked = !t.count(&guess{Guess: t.guessOf(h), second: true})
	}
}

// checkSecond counts the second factor as a guess and has it checked. looked is
// false where the brake was on and it was not.
func (t *trial) checkSecond(ctx context.Context, accountID string) (ok, looked bool, err error) {
	h, err := t.e.records.HolderByID(ctx, accountID)
	if t.missing(err) {
		return false, true, t.err
	}
	if !t.count(&guess{Guess: t.guessOf(h), second: true}) {
		return false, false, nil
	}
	ok, err = t.a.Second.Check(ctx, accountID)
	return ok, true, err
}

// follows reports whether first asked this client for a second factor, not
// too long ago.
func (t *trial) follows(first Grant) bool {
	c := t.a.Client
	sameClient := first.client.Kind == c.Kind && first.client.Protocol == c.Protocol && first.client.Name == c.Name
	if !sameClient || t.a.Second.Check == nil {
		return false
	}
	switch since := t.a.At.Sub(first.at); first.outcome {
	case SecondFactor:
		return since <= secondWithin
	case Enrol:
		return since <= enrolWithin
	}
	return false
}
