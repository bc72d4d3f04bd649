package filter

// Truth is a value of three-valued logic. The zero value is Undefined, which
// matches nothing and whose negation matches nothing either.
type Truth int8

// The values, in the order that And and Or take the least and the greatest by.
const (
	False     Truth = -1
	Undefined Truth = 0
	True      Truth = 1
)

// Eval returns what f is worth where leaf says what its leaves are worth
// (RFC 4511 §4.5.1.7). Only True selects an entry.
func (f Filter) Eval(leaf func(Choice, *Assertion) Truth) Truth {
	switch f.Choice {
	case And:
		worth := True
		for _, p := range f.Parts {
			worth = min(worth, p.Eval(leaf))
		}
		return worth
	case Or:
		worth := False
		for _, p := range f.Parts {
			worth = max(worth, p.Eval(leaf))
		}
		return worth
	case Not:
		return -f.Parts[0].Eval(leaf)
	}
	if f.Leaf == nil {
		return Undefined
	}
	return leaf(f.Choice, f.Leaf)
}
