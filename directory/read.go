package directory

// Detail says what is read of accounts and groups besides their own columns.
// The zero Detail reads nothing besides.
type Detail uint8

const (
	// WithAttributes reads the extra attributes of accounts.
	WithAttributes Detail = 1 << iota
	// WithMemberOf reads the groups that the account or group is in directly.
	WithMemberOf
	// WithNested makes WithMemberOf read those it is in by nesting, too.
	WithNested
	// WithMembers reads what a group holds directly.
	WithMembers
	// WithBelow counts what stands below a container, which takes longer the
	// more there is.
	WithBelow
)

// AccountEntry is an account as a directory lists it. What its Detail did not
// ask for is nil.
type AccountEntry struct {
	Account
	MemberOf []string // names of groups, as shown
}

// GroupEntry is a group as a directory lists it. What its Detail did not ask
// for is nil.
type GroupEntry struct {
	Group
	MemberOf []string // names of groups, as shown
	Members  []Member // groups first, each by name
}

// Counts says how many of each kind there are.
type Counts struct{ People, Groups, ServiceAccounts int }
