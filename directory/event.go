package directory

import "time"

// EventKind says what happened. The set is closed; see the constants.
type EventKind string

const (
	EventSignIn            EventKind = "sign_in"
	EventBreakGlass        EventKind = "break_glass" // a sign-in of an exempt login
	EventNotRecorded       EventKind = "not_recorded"
	EventAccountAdded      EventKind = "account_added"
	EventAccountChanged    EventKind = "account_changed"
	EventAccountEnabled    EventKind = "account_enabled"
	EventAccountDisabled   EventKind = "account_disabled"
	EventAccountDeleted    EventKind = "account_deleted"
	EventPasswordChanged   EventKind = "password_changed"
	EventBrakesReleased    EventKind = "brakes_released"
	EventMFAOn             EventKind = "mfa_on"
	EventMFAOff            EventKind = "mfa_off"
	EventMFAReset          EventKind = "mfa_reset"
	EventMFAEnrolled       EventKind = "mfa_enrolled"
	EventEnrolCodeMade     EventKind = "enrol_code_made"
	EventAppPasswordIssued EventKind = "app_password_issued"
	EventAppPasswordEnded  EventKind = "app_password_revoked"
	EventGroupAdded        EventKind = "group_added"
	EventGroupDeleted      EventKind = "group_deleted"
	EventMemberAdded       EventKind = "group_member_added"
	EventMemberRemoved     EventKind = "group_member_removed"
	EventAccountsImported  EventKind = "accounts_imported"
	EventDisconnect        EventKind = "network_session_disconnect" // a RADIUS client was asked to end a session
	EventSessionBroken     EventKind = "portal_session_ended"       // a sign-in at the portal, after wrong answers to a second factor
)

// EventKinds are all of them.
var EventKinds = []EventKind{
	EventSignIn,
	EventBreakGlass,
	EventNotRecorded,
	EventAccountAdded,
	EventAccountChanged,
	EventAccountEnabled,
	EventAccountDisabled,
	EventAccountDeleted,
	EventPasswordChanged,
	EventBrakesReleased,
	EventMFAOn,
	EventMFAOff,
	EventMFAReset,
	EventMFAEnrolled,
	EventEnrolCodeMade,
	EventAppPasswordIssued,
	EventAppPasswordEnded,
	EventGroupAdded,
	EventGroupDeleted,
	EventMemberAdded,
	EventMemberRemoved,
	EventAccountsImported,
	EventDisconnect,
	EventSessionBroken,
}

// Event is one line of the record: a sign-in that was decided, or a change
// that was made. It never holds a secret; a login that is no account's is
// held as a keyed hash, because people type passwords into the name field.
type Event struct {
	ID        string    // UUID
	At        time.Time // first of the kind; UTC, milliseconds
	LastAt    time.Time // last of the kind; equal to At where Count is 1
	Count     int64     // how many alike were folded into this one; at least 1
	Kind      EventKind
	AccountID string // "" where no account is known
	Login     string // login of the account at the time; "" for an unknown one
	Unknown   string // keyed hash of a login that is no account's, in hex

	Outcome    string // for sign-ins: policy.Outcome
	Reason     string // for sign-ins: policy.Reason
	Service    string
	Protocol   string // "ldap", "radius", "portal", "cli"
	Method     string // "simple", "pap", "eap-ttls/pap", …
	Client     string // name of the RADIUS client, or LDAP listener
	Source     string // address of the LDAP or RADIUS client, or of the browser
	Reported   string // where carried: the person's own address, as the client reports it
	Credential string // id of the app password that was used or changed
	Actor      string // who made a change: "cli:root", "portal:ann"
	Detail     string // a few plain words, never typed input
}

// EventFilter selects events. Zero fields select all.
type EventFilter struct {
	AccountID string
	Kinds     []EventKind
	Outcomes  []string // of sign-ins
	Since     time.Time
	After     string // id of the last event already seen, for following
	Before    string // id of the last event already shown, for paging back
	Limit     int
}
