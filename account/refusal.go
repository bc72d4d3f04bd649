package account

import "fmt"

// Code says why something asked for was refused. The set is closed; pages
// choose their own words by it.
type Code string

const (
	UnknownAccount    Code = "unknown_account"
	UnknownGroup      Code = "unknown_group"
	UnknownService    Code = "unknown_service"
	UnknownCredential Code = "unknown_app_password"
	UnknownMethod     Code = "unknown_method"
	LastMethod        Code = "last_method" // MFA is demanded and there is no other
	UnknownServiceAcc Code = "unknown_service_account"
	LoginTaken        Code = "login_taken"
	GroupTaken        Code = "group_taken"
	BadLogin          Code = "bad_login"
	BadGroupName      Code = "bad_group_name"
	BadName           Code = "bad_name"
	BadMail           Code = "bad_mail"
	BadAttribute      Code = "bad_attribute"
	BadLabel          Code = "bad_label"
	BadExpiry         Code = "bad_expiry"
	BadCode           Code = "bad_code"
	ForeignSetUp      Code = "foreign_set_up" // of an authenticator app: begun for another account, or damaged
	BadHash           Code = "bad_password_hash"
	PasswordTooShort  Code = "password_too_short"
	PasswordTooLong   Code = "password_too_long"
	PasswordForbidden Code = "password_forbidden" // control characters, or the login itself
	PasswordShape     Code = "password_shape"     // looks like an app password
	TooManyPasswords  Code = "too_many_app_passwords"
	CHAPNotAllowed    Code = "chap_not_allowed"
	CertificateTaken  Code = "certificate_taken"
	MFAByGroup        Code = "mfa_by_group"
	MFAExempt         Code = "mfa_exempt"
	GroupInUse        Code = "group_in_use"
	GroupLoop         Code = "group_loop"
	ChangedMeanwhile  Code = "changed_meanwhile"
)

// Refusal is a request that was refused and changed nothing. Text is a whole
// thought for the person who asked; it names what was wrong and, where it
// depends on nothing but the request, what would be right.
type Refusal struct {
	Code Code
	Text string
}

func (r *Refusal) Error() string { return r.Text }

func refuse(c Code, format string, args ...any) *Refusal {
	return &Refusal{Code: c, Text: fmt.Sprintf(format, args...)}
}
