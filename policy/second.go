package policy

import "context"

// Second is the second leg of an attempt that was answered SecondFactor. The
// one who asked for the second factor brings what it takes to check it; the
// engine has it checked, looks at the account once more and decides.
type Second struct {
	// First is the Grant of the decision that asked for the second factor.
	First Grant
	// Check says whether what was presented is a second factor of the account
	// with that id, and uses it up, so that it counts once. It is called at
	// most once, and not at all where First does not hold.
	Check func(ctx context.Context, accountID string) (bool, error)
}

// trySecond matches the second leg.
func (t *trial) trySecond(ctx context.Context) {
	first := t.a.Second.First
	if !t.follows(first) {
		return
	}
	ok, err := t.a.Second.Check(ctx, first.account)
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
	case !first.primary.same(h):
		t.facts.Match = MatchNone
	case ok:
		t.facts.Match = MatchPrimaryAndSecond
	default:
		t.facts.Match = MatchPrimaryWrongSecond
	}
}

// follows reports whether first asked this client for a second factor, not
// long ago.
func (t *trial) follows(first Grant) bool {
	c := t.a.Client
	return first.outcome == SecondFactor &&
		t.a.Second.Check != nil &&
		first.client.Kind == c.Kind && first.client.Protocol == c.Protocol && first.client.Name == c.Name &&
		t.e.now().Sub(first.at) <= secondWithin
}
