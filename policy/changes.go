package policy

import (
	"time"

	"postern/directory"
	"postern/secret"
)

// AccountChange is what one change does to an account, all of it or nothing.
// The zero AccountChange leaves everything as it is.
type AccountChange struct {
	Name, Mail  *string
	Disabled    *bool
	ExpiresAt   *time.Time // the zero time: never
	MFADemanded *bool      // the account's own switch
	// Attributes replaces the values of every attribute it names; one without
	// values is removed. Others stay.
	Attributes map[string][]string
	// PasswordHash is the new primary password, set at the event's time.
	PasswordHash *secret.Text

	RevokeAppPasswords bool // every one that is not revoked yet
	RemoveMethods      bool // every second factor, recovery code and enrol code
	EndSessions        bool // every session at the portal
	ReleaseBrakes      bool // what was counted of wrong passwords is forgiven
}

// Import is a set of changes that is applied whole or not at all. Names of
// groups are as shown; every group named anywhere exists or is among Groups.
type Import struct {
	Groups  []directory.Group // to add; their GIDNumber is given by the store
	Add     []Holder          // Groups are those the account joins directly
	Changes []ImportChange
	Nest    []ImportNesting
	// AppPasswords are issued without a bound on their number, by their digests:
	// they were made elsewhere under the same key file.
	AppPasswords []Holding
	Events       []directory.Event // of the accounts, kept behind the import's own
	// Progress, if not nil, is told of how many accounts all that belongs to
	// them is written. None is there before all are.
	Progress func(done int)
}

// ImportChange is what an import does to an account that exists.
type ImportChange struct {
	AccountID string
	Change    AccountChange
	Join      []string // names of the groups it joins directly; it leaves none
}

// ImportNesting makes one group a member of another, both by name. Where it is
// so already nothing changes.
type ImportNesting struct{ Group, Member string }

// MethodKind says what a second factor is.
type MethodKind string

const (
	MethodTOTP     MethodKind = "totp"
	MethodWebAuthn MethodKind = "webauthn"
)

// Method is an enrolled second factor. Times are UTC, in seconds.
type Method struct {
	ID        string // UUID
	AccountID string
	Kind      MethodKind
	Label     string // the name its owner gave it
	// Sealed is the TOTP seed or the WebAuthn credential, sealed to the row.
	Sealed []byte
	// Counter never goes back: the last TOTP step accepted, or the WebAuthn
	// signature counter.
	Counter    int64
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
}

// CodePurpose says what a one-time code is for.
type CodePurpose string

const (
	CodeRecovery CodePurpose = "recovery" // stands in for a second factor, once
	CodeEnrol    CodePurpose = "enrol"    // allows enrolling from anywhere, once
)

// CodeSet replaces the one-time codes of an account for one purpose.
type CodeSet struct {
	AccountID string
	Purpose   CodePurpose
	Digests   []secret.Digest
	ExpiresAt time.Time // zero: when used or replaced
}

// Limit bounds how many live app passwords an account may have.
type Limit struct {
	Max         int           // 0: no bound
	UnusedAfter time.Duration // as in Rules: one ended for lack of use is not live
}
