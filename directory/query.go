package directory

// Query is a superset of the entries a search asks for, in terms that an
// index can answer. The one who asks applies the exact filter afterwards. The
// zero Query selects everybody.
type Query struct {
	Kind Kind
	// AnyOf selects entries for which at least one term holds; empty: all.
	AnyOf []Term
	// After continues behind this account or group id, in id order.
	After string
	// Limit bounds one batch. 0 is 500.
	Limit int
}

// Term is one indexed condition. One on an attribute that no index knows
// selects everything.
//
// Of accounts the indexes know "id", "uid", "cn", "mail", "uidnumber",
// "modified", "memberof" and, with ExtraAttribute in front, the extra
// attributes; of groups "id", "cn", "gidnumber", "modified", "memberof" and,
// for what they hold directly, "account", "service" and "group".
type Term struct {
	Attribute string
	Match     TermMatch
	Value     string // normalised; of a time Unix seconds
}

// ExtraAttribute stands before the name of an extra attribute in a Term.
const ExtraAttribute = "+"

// TermMatch is how a Term compares.
type TermMatch uint8

const (
	Equals TermMatch = iota
	Prefix
	Contains
	Present
	AtLeast
	AtMost
)
