package policy

// Trouble says what kept the engine from finding out.
type Trouble uint8

const (
	NoTrouble Trouble = iota
	HashQueueFull
	Broken // store, key or clock
)

// AccountState is how the account stands. The zero value is unknown.
type AccountState uint8

const (
	AccountUnknown AccountState = iota
	AccountDisabled
	AccountExpired
	AccountActive
)

// AccountKind tells persons from service accounts.
type AccountKind uint8

const (
	ServiceKind AccountKind = iota
	PersonKind
)

// MFAState is Microsoft's three states. The zero value is the strictest.
type MFAState uint8

const (
	MFAEnforced MFAState = iota // demanded and enrolled
	MFAEnabled                  // demanded, nothing enrolled
	MFAOff                      // not demanded
)

// String returns the word people know: "enforced", "enabled", "off".
func (m MFAState) String() string {
	return nameOf(m, "enforced", "enabled", "off")
}

// nameOf names a value of a small enumeration; one that has no name is not
// worth a crash.
func nameOf[E ~uint8](value E, names ...string) string {
	if int(value) >= len(names) {
		return "unknown"
	}
	return names[value]
}

// Demand says whether the service or a group demands app passwords of this
// account whatever its MFA state. The zero value does.
type Demand uint8

const (
	AppPasswordDemanded Demand = iota
	PrimaryWillDo
)

// Match is what the presented credential turned out to be.
type Match uint8

const (
	MatchNone Match = iota
	MatchPrimary
	MatchPrimaryAndSecond // the primary together with a fresh second factor
	MatchAppPassword      // live and in scope
	MatchRevoked
	MatchExpired
	MatchUnused
	MatchOtherService
	MatchOtherNetwork
	MatchForged             // its row does not carry the MAC it was issued with
	MatchPrimaryWrongSecond // the primary was right, the second factor is not
)

// Facts is all that Decide may look at: small enumerations, so that the whole
// space can be listed. The zero Facts rejects.
type Facts struct {
	Trouble    Trouble
	Account    AccountState
	Kind       AccountKind
	MFA        MFAState
	Client     ClientKind
	Match      Match
	Demand     Demand
	ReportOnly bool // switch (a) holds for this account now
	Grace      bool // switch (b) holds now
	Braked     bool // too many wrong passwords; spares app passwords
}
