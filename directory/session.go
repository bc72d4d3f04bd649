package directory

import "time"

// SessionStage says what was shown at a sign-in to the portal. The zero value
// is the least.
type SessionStage uint8

const (
	// SessionEnrolling: the primary was right, MFA is demanded and nothing is
	// enrolled yet. It opens the set-up and nothing else.
	SessionEnrolling SessionStage = iota
	// SessionPrimary: the primary was right and no more was asked for. It
	// opens the portal while MFA is not demanded.
	SessionPrimary
	// SessionSecond: a second factor was shown as well.
	SessionSecond
)

// Session is a sign-in at the portal. Times are UTC, in seconds.
type Session struct {
	// Digest is the keyed hash of the token in the browser's cookie; the token
	// itself is kept nowhere.
	Digest    string
	AccountID string
	Stage     SessionStage
	CreatedAt time.Time // of the sign-in; a new token keeps it
	SeenAt    time.Time // of the last request; may lag by a minute
	ProvenAt  time.Time // when the strongest factor was last shown
	Source    string    // address of the browser at sign-in
	Agent     string    // what the browser calls itself, at most 200 bytes
}
