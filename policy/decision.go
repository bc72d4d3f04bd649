package policy

import (
	"slices"
	"time"
)

// Outcome is what a decision comes to. The zero value rejects.
type Outcome uint8

const (
	Reject Outcome = iota
	Accept
	SecondFactor // the primary was right and a second factor must follow
	Enrol        // the primary was right and a second factor must be enrolled
	Busy         // too many passwords are being verified; nothing was decided
	Unavailable  // something broke; nothing was decided
)

var outcomeNames = []string{"reject", "accept", "second_factor", "enrol", "busy", "unavailable"}

// String returns the stable name of the outcome, as events hold it.
func (o Outcome) String() string { return nameOf(o, outcomeNames...) }

// Outcomes returns the names of all outcomes.
func Outcomes() []string { return slices.Clone(outcomeNames) }

// Reason says why. The set is closed. It is for the log and the event and
// never for the wire.
type Reason string

// A Reason is stable: events, reports and exports hold it.
const (
	ReasonNone             Reason = ""
	ReasonUnavailable      Reason = "unavailable"
	ReasonBusy             Reason = "busy"
	ReasonUnknownAccount   Reason = "unknown_account"
	ReasonAccountDisabled  Reason = "account_disabled"
	ReasonAccountExpired   Reason = "account_expired"
	ReasonWrongSecret      Reason = "wrong_secret"
	ReasonBraked           Reason = "braked"
	ReasonAppPassword      Reason = "app_password"
	ReasonRevoked          Reason = "app_password_revoked"
	ReasonCredentialEnded  Reason = "app_password_expired"
	ReasonUnused           Reason = "app_password_unused"
	ReasonOtherService     Reason = "app_password_other_service"
	ReasonOtherNetwork     Reason = "app_password_other_network"
	ReasonForged           Reason = "app_password_forged"
	ReasonNotInteractive   Reason = "app_password_at_portal"
	ReasonServicePrimary   Reason = "service_account_primary"
	ReasonPrimary          Reason = "primary"
	ReasonPrimaryAndSecond Reason = "primary_and_second_factor"
	ReasonWrongSecond      Reason = "second_factor_wrong"
	ReasonPrimaryWithMFA   Reason = "primary_with_mfa"
	ReasonPrimaryNotHere   Reason = "primary_app_password_demanded"
	ReasonWouldRefuseMFA   Reason = "would_refuse_primary_with_mfa"
	ReasonWouldRefuseHere  Reason = "would_refuse_app_password_demanded"
	ReasonGrace            Reason = "primary_in_grace"
	ReasonAskSecondFactor  Reason = "second_factor_needed"
	ReasonAskEnrol         Reason = "enrolment_needed"
)

// Decision is the answer to an Attempt. The zero Decision rejects.
type Decision struct {
	Outcome Outcome
	Reason  Reason
	// Account is the account's id: set where an account was recognised and the
	// outcome is Accept, SecondFactor or Enrol.
	Account string
	// Login is that account's login, beside Account.
	Login string
	// Credential is the id of the app password that was accepted; "" for a
	// primary password.
	Credential string
	// Service is the service the attempt was counted under.
	Service string
	// Ends is when what was accepted ends by itself: the account, or the app
	// password. Zero: not by itself.
	Ends time.Time
	// ReplyAt is the earliest moment the answer may leave. Zero: at once. The
	// caller keeps to it and holds no worker meanwhile.
	ReplyAt time.Time
	// Grant is for Engine.Entitled and for the second leg: set where Account is.
	Grant Grant
}
