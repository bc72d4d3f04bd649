// Package directory holds the nouns every other package speaks in: accounts,
// groups, app passwords, services, events and queries, and how a login is
// normalised. It decides nothing, stores nothing and reads no clock.
//
// It is a leaf: it may import nothing of Postern's own.
package directory

import "errors"

// Errors that the storage of these nouns answers with. They are compared with
// errors.Is.
var (
	// ErrNotFound says that nothing of that name or id exists. A name that
	// could denote two accounts is not found either: guessing between people
	// is never right.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that the name is taken, or that what was to be
	// replaced has changed meanwhile.
	ErrConflict = errors.New("conflict")
	// ErrLimit says that there are as many of the kind as there may be.
	ErrLimit = errors.New("limit reached")
	// ErrLoop says that a group would contain itself.
	ErrLoop = errors.New("a group cannot contain itself")
)
