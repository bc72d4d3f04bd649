package directory

import "time"

// Kind says what an account stands for. The zero value is a person.
type Kind uint8

const (
	// Person is somebody with a primary password, MFA and a portal.
	Person Kind = iota
	// ServiceAccount is an application's own identity for searching. It has
	// no primary password; its secret is an app password.
	ServiceAccount
)

// String returns the word stored and shown for the kind.
func (k Kind) String() string {
	if k == ServiceAccount {
		return "service"
	}
	return "person"
}

// Account is a person or a service account, without any secret of theirs.
// Times are UTC with a resolution of one second.
type Account struct {
	// ID is a UUID in its 36-character form. It never changes and is never
	// reused; entryUUID shows it.
	ID    string
	Kind  Kind
	Login string // as shown; unique after NormalizeLogin within its kind
	Name  string // full name; may be empty
	Mail  string // may be empty; not unique

	Disabled  bool
	ExpiresAt time.Time // zero: never. The account is expired from this moment on

	// UIDNumber is the POSIX number of the account, unique, from 10000 up.
	UIDNumber int64

	// Attributes are the extra LDAP attributes of the account, by name as
	// given. nil where the caller did not ask for them.
	Attributes map[string][]string

	// PasswordChangedAt is when the primary password was last set. Zero:
	// there is none.
	PasswordChangedAt time.Time
	CreatedAt         time.Time
	ModifiedAt        time.Time
}

// Expired reports whether the account has ended at now.
func (a Account) Expired(now time.Time) bool {
	return !a.ExpiresAt.IsZero() && !now.Before(a.ExpiresAt)
}

// Group is a named set of accounts and of other groups.
type Group struct {
	ID          string
	Name        string // unique after NormalizeLogin
	Description string
	GIDNumber   int64 // unique, from 10000 up
	CreatedAt   time.Time
	ModifiedAt  time.Time // moves when the membership does
}

// Member is what a group holds directly: an account, or another group.
type Member struct {
	Group bool   // a group; false: an account
	Kind  Kind   // of the account; where it is read for a directory
	ID    string // of the account or group
	Name  string // login or group name, as shown
}
