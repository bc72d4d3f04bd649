package policy

import (
	"context"
	"time"

	"postern/directory"
	"postern/secret"
)

// Holder is an account with what the rules need of it.
type Holder struct {
	Account directory.Account
	// PasswordHash is the stored primary password: a PHC string, or a wrapped
	// imported hash. Empty: there is none, and none ever matches.
	PasswordHash secret.Text
	// MFADemanded is the account's own switch.
	MFADemanded bool
	// Enrolled says that at least one second factor is enrolled.
	Enrolled bool
	// Groups are the normalised names of all groups the account is in, by
	// nesting too. Nil where the query did not ask for them.
	Groups []string
	// BrakeReleases counts how often the account's brakes were released by hand.
	BrakeReleases int64
}

// Holding is an app password together with its account.
type Holding struct {
	Holder     Holder // Groups, PasswordHash and Enrolled are not filled
	Credential directory.AppPassword
	Digest     secret.Digest
	RowMAC     secret.MAC
	// Sealed is the sealed NT hash (and, by ChallengeCHAP, SealedClear the
	// sealed copy); nil where there is none.
	Sealed, SealedClear []byte
	// Named says that the presented name denotes exactly this account.
	Named bool
}

// Records is what the engine reads at every attempt. Implementations answer what
// is committed when they are asked, by whatever process: a revocation bites at the
// next attempt. They may remember rows for as long as they find each time that no
// other state is committed.
// They may be used concurrently. Errors other than directory.ErrNotFound mean
// that it is not known, and make the attempt unavailable.
type Records interface {
	// AppPassword finds the credential with one of digests, in one query or none,
	// and says whether name denotes its account. directory.ErrNotFound: none has it.
	// LastUsedAt may lag by a minute. What the lists hold is shared and is never changed.
	// It fills what is decided by: of the account ID, Kind, Login, Disabled and
	// ExpiresAt; of the credential all but Label, Challenge, LastUsedFrom and
	// LastUsedService, and no sealed forms.
	AppPassword(ctx context.Context, digests []secret.Digest, name directory.Name) (Holding, error)
	// HolderByName finds the one account that name denotes, groups included.
	// directory.ErrNotFound: none, or more than one.
	HolderByName(ctx context.Context, name directory.Name) (Holder, error)
	// HolderByID reads an account afresh, groups included.
	HolderByID(ctx context.Context, id string) (Holder, error)
}

// Mark names a state of the storage. The zero Mark names none.
type Mark [6]uint64

// Marks says cheaply whether anything was committed. It may be used
// concurrently.
type Marks interface {
	// Mark names the state the storage is in. Between two calls that return the
	// same Mark nothing was committed by anybody, and whatever was acknowledged
	// before a call is in the state it names. The zero Mark says that this is
	// not known now; it equals no other.
	Mark() Mark
}

// Challengeable lists what challenge methods are tried against. It is asked
// only for attempts with a Proof.
type Challengeable interface {
	// ChallengeHoldings returns the app passwords of the account that hold
	// sealed forms and are not revoked, at most limit: those that have not
	// expired at now first, the newest of them first.
	ChallengeHoldings(ctx context.Context, accountID string, now time.Time, limit int) ([]Holding, error)
}

// Verifier says whether typed is the primary password behind stored. With an
// empty stored hash it spends the same work on a dummy and says no. It runs at
// most one hash per call and returns secret.ErrBusy at once where its queue is
// full. stale says that the password is right and its hash should be replaced.
type Verifier interface {
	Verify(ctx context.Context, stored, typed secret.Text) (ok, stale bool, err error)
}

// Recorder takes events and uses. Neither call blocks on the disk or fails:
// what cannot be kept is counted and said aloud.
type Recorder interface {
	Record(directory.Event)
	// Used notes that a credential was accepted.
	Used(Use)
}

// Use is one acceptance of an app password.
type Use struct {
	Credential string
	At         time.Time
	From       string // address of the LDAP or RADIUS client
	Service    string
}

// Recount is how often an event that is kept came in all, and when last.
type Recount struct {
	Event  string // its ID
	Count  int64
	LastAt time.Time
}
