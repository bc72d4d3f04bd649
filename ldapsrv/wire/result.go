package wire

import "fmt"

// Code is a resultCode (RFC 4511 §4.1.9 and appendix A).
type Code uint8

// The result codes that are used.
const (
	Success                      Code = 0
	OperationsError              Code = 1
	ProtocolError                Code = 2
	AuthMethodNotSupported       Code = 7
	AdminLimitExceeded           Code = 11
	UnavailableCriticalExtension Code = 12
	ConfidentialityRequired      Code = 13
	NoSuchObject                 Code = 32
	InvalidDNSyntax              Code = 34
	InvalidCredentials           Code = 49
	Busy                         Code = 51
	Unavailable                  Code = 52
	UnwillingToPerform           Code = 53
	Other                        Code = 80
	CannotCancel                 Code = 121
	NoSuchOperation              Code = 119
	Canceled                     Code = 118
	InvalidAttributeSyntax       Code = 21
	ConstraintViolation          Code = 19
	InappropriateMatching        Code = 18
	UndefinedAttributeType       Code = 17
	NoSuchAttribute              Code = 16
	CompareTrue                  Code = 6
	CompareFalse                 Code = 5
	SizeLimitExceeded            Code = 4
	TimeLimitExceeded            Code = 3
)

var codeNames = map[Code]string{
	Success:                      "success",
	OperationsError:              "operationsError",
	ProtocolError:                "protocolError",
	AuthMethodNotSupported:       "authMethodNotSupported",
	AdminLimitExceeded:           "adminLimitExceeded",
	UnavailableCriticalExtension: "unavailableCriticalExtension",
	ConfidentialityRequired:      "confidentialityRequired",
	NoSuchObject:                 "noSuchObject",
	InvalidDNSyntax:              "invalidDNSyntax",
	InvalidCredentials:           "invalidCredentials",
	Busy:                         "busy",
	Unavailable:                  "unavailable",
	UnwillingToPerform:           "unwillingToPerform",
	Other:                        "other",
	CannotCancel:                 "cannotCancel",
	NoSuchOperation:              "noSuchOperation",
	Canceled:                     "canceled",
	InvalidAttributeSyntax:       "invalidAttributeSyntax",
	ConstraintViolation:          "constraintViolation",
	InappropriateMatching:        "inappropriateMatching",
	UndefinedAttributeType:       "undefinedAttributeType",
	NoSuchAttribute:              "noSuchAttribute",
	CompareTrue:                  "compareTrue",
	CompareFalse:                 "compareFalse",
	SizeLimitExceeded:            "sizeLimitExceeded",
	TimeLimitExceeded:            "timeLimitExceeded",
}

// String returns the name that RFC 4511 gives the code, and its number.
func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return fmt.Sprintf("%s(%d)", name, uint8(c))
	}
	return fmt.Sprintf("code(%d)", uint8(c))
}

// Result is an LDAPResult (RFC 4511 §4.1.9) without referral. The zero Result
// is success with nothing to say.
type Result struct {
	Code    Code
	Matched string // matchedDN
	Text    string // diagnosticMessage: a constant, never anything of a request
}
