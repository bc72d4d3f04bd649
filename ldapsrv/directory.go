package ldapsrv

import (
	"context"

	"postern/directory"
	"postern/ldapsrv/entry"
	"postern/secret"
)

// Directory is what entries are made of. It holds nothing open between calls,
// because a client may take its time. It is called concurrently.
type Directory interface {
	entry.Follower
	// AccountEntries returns one batch of the accounts that q selects, in id
	// order, with what d asks for.
	AccountEntries(ctx context.Context, q directory.Query, d directory.Detail) ([]directory.AccountEntry, error)
	// DirectoryCounts says how many entries of each kind there are.
	DirectoryCounts(ctx context.Context) (directory.Counts, error)
}

// CookieKeys authenticate the cookies of paged searches, so that a client
// cannot make one up. *secret.Keys does it.
type CookieKeys interface {
	RowMAC(purpose string, fields ...[]byte) secret.MAC
	RowMACValid(m secret.MAC, purpose string, fields ...[]byte) bool
}

// ServiceAccount says what a service account may read.
type ServiceAccount struct {
	Name string // normalised
	// Read are the names of the subtrees it may read, relative to the base
	// ("ou=people"); "" is all of it.
	Read []string
	// Attributes are what it may read of an entry, as an attribute list of a
	// search; "*" is all there is.
	Attributes []string
}
