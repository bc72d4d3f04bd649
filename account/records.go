package account

import (
	"context"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

// What follows is what a Service needs of the storage. Whatever takes an event
// is one durable transaction that holds the change, the event and a step of
// the version row, and returns after it; the event's At is the time of the
// change. directory.ErrNotFound says that what was to be changed is not there,
// directory.ErrConflict that a name is taken or that it has changed meanwhile.
// All may be used concurrently.

// Holders reads accounts, their groups by nesting included.
type Holders interface {
	HolderByName(ctx context.Context, name directory.Name) (policy.Holder, error)
	HolderByID(ctx context.Context, id string) (policy.Holder, error)
	// Account reads an account with its extra attributes.
	Account(ctx context.Context, id string) (directory.Account, error)
	// Holders returns one batch in id order. Attributes are not filled.
	Holders(ctx context.Context, q directory.Query) ([]policy.Holder, error)
}

// Accounts changes accounts.
type Accounts interface {
	// AddAccount gives the account its UIDNumber. Of the holder it keeps
	// Account, PasswordHash, MFADemanded and Groups: names of groups that it
	// joins directly. A group that is not there is directory.ErrNotFound.
	AddAccount(ctx context.Context, h policy.Holder, ev directory.Event) error
	ChangeAccount(ctx context.Context, id string, c policy.AccountChange, ev directory.Event) error
	// DeleteAccount revokes every app password and removes the account, its
	// memberships, second factors, codes and sessions. Events stay.
	DeleteAccount(ctx context.Context, id string, ev directory.Event) error
}

// Importer applies an import, whole or not at all, with its events and ev.
type Importer interface {
	ImportAccounts(ctx context.Context, im policy.Import, ev directory.Event) error
}

// Groups reads groups.
type Groups interface {
	GroupByName(ctx context.Context, name string) (directory.Group, error)
	// Groups returns one batch in id order.
	Groups(ctx context.Context, q directory.Query) ([]directory.Group, error)
	// Members returns what the group holds directly, groups first, each by name.
	Members(ctx context.Context, groupID string) ([]directory.Member, error)
}

// GroupChanges changes groups.
type GroupChanges interface {
	// AddGroup gives the group its GIDNumber.
	AddGroup(ctx context.Context, g directory.Group, ev directory.Event) error
	DeleteGroup(ctx context.Context, id string, ev directory.Event) error
	// SetMember makes m a member, or no longer one. Where that is so already
	// it changes nothing, keeps no event and returns changed false.
	// directory.ErrLoop: the group would contain itself.
	SetMember(ctx context.Context, groupID string, m directory.Member, member bool, ev directory.Event) (changed bool, err error)
}

// AppPasswords keeps app passwords.
type AppPasswords interface {
	// AppPasswords returns those of an account, revoked ones too, newest first.
	AppPasswords(ctx context.Context, accountID string) ([]directory.AppPassword, error)
	// IssueAppPassword keeps h. Of its holder only Account.ID counts.
	// directory.ErrLimit: the account has limit.Max live ones already.
	IssueAppPassword(ctx context.Context, h policy.Holding, limit policy.Limit, ev directory.Event) error
	// ReplaceAppPassword revokes every other app password of the account and
	// keeps h, at once.
	ReplaceAppPassword(ctx context.Context, h policy.Holding, ev directory.Event) error
}

// AppPasswordChanges ends and renames app passwords.
type AppPasswordChanges interface {
	// RevokeAppPasswords revokes the one with that id, or with id "" all of
	// the account, and returns how many were not revoked before. With none it
	// changes nothing and keeps no event. directory.ErrNotFound: the account
	// has none of that id.
	RevokeAppPasswords(ctx context.Context, accountID, id string, ev directory.Event) (int, error)
	RenameAppPassword(ctx context.Context, accountID, id, label string, ev directory.Event) error
}

// Methods keeps second factors.
type Methods interface {
	// Methods returns those of an account, oldest first.
	Methods(ctx context.Context, accountID string) ([]policy.Method, error)
	AddMethod(ctx context.Context, m policy.Method, ev directory.Event) error
	// AdvanceMethod moves the counter from one value to a higher one, or leaves
	// it at 0 for a key that does not count, and notes the use.
	// directory.ErrConflict: it does not stand at from any more.
	// It keeps no event: the sign-in has its own.
	AdvanceMethod(ctx context.Context, id string, from, to int64, at time.Time) error
}

// MethodChanges removes and renames second factors.
type MethodChanges interface {
	// RemoveMethod leaves so many at least. directory.ErrConflict: fewer would
	// stay.
	RemoveMethod(ctx context.Context, accountID, id string, stay int, ev directory.Event) error
	RenameMethod(ctx context.Context, accountID, id, label string, ev directory.Event) error
}

// SessionBreaks ends sign-ins at the portal with an event.
type SessionBreaks interface {
	BreakSession(ctx context.Context, accountID, digest string, ev directory.Event) error
}

// Codes keeps one-time codes.
type Codes interface {
	ReplaceCodes(ctx context.Context, set policy.CodeSet, ev directory.Event) error
	// SpendCode uses up the code with one of digests. directory.ErrNotFound:
	// there is none, it is spent, or it has expired at at. It keeps no event.
	SpendCode(ctx context.Context, accountID string, purpose policy.CodePurpose, digests []secret.Digest, at time.Time) error
	// CodesLeft counts those that can still be spent.
	CodesLeft(ctx context.Context, accountID string, purpose policy.CodePurpose, at time.Time) (int, error)
}

// Records is all of it: what a Service works on.
type Records interface {
	Holders
	Accounts
	Importer
	Groups
	GroupChanges
	AppPasswords
	AppPasswordChanges
	Methods
	MethodChanges
	SessionBreaks
	Codes
}
