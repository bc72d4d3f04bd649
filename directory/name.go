package directory

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// MaxLogin is the longest login in bytes, after normalisation. It is what
// fits a RADIUS attribute (RFC 2865 §5).
const MaxLogin = 253

// NormalizeLogin returns the form in which logins, group names and mail
// addresses are compared and stored for comparison: PRECIS UsernameCaseMapped
// (RFC 8265 §3.3). It fails on what can be no login: nothing, spaces, control
// characters, invalid UTF-8, more than MaxLogin bytes.
func NormalizeLogin(s string) (string, error) {
	if isNormal(s) {
		return s, nil
	}
	if !utf8.ValidString(s) || len(s) > 4*MaxLogin {
		return "", errors.New("not a valid login")
	}
	if ascii, ok := lowerASCII(s); ok {
		s = ascii
	} else {
		mapped, err := precis.UsernameCaseMapped.String(s)
		if err != nil {
			return "", errors.New("not a valid login")
		}
		s = mapped
	}
	if s == "" || len(s) > MaxLogin {
		return "", errors.New("not a valid login")
	}
	return s, nil
}

// isNormal reports whether s is a login of printable ASCII that is as it is
// compared, which most are.
func isNormal(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return s != "" && len(s) <= MaxLogin
}

// lowerASCII maps a login of printable ASCII without PRECIS, which gives the
// same result for it at a fiftieth of the time.
func lowerASCII(s string) (string, bool) {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return "", false
		}
	}
	return strings.ToLower(s), true
}

// Naming says what a presented name may denote.
type Naming uint8

const (
	// AnyName is a name as a person types it: login, mail address, or
	// login@domain with the domain of base_dn, or DOMAIN\login as Windows sends
	// it, with that domain or its first label. One that could be two accounts
	// denotes none.
	AnyName Naming = iota
	// LoginOnly is a person's login and nothing else, as in uid=LOGIN of a DN.
	LoginOnly
	// ServiceAccountOnly is a service account's name, as in cn=NAME,ou=system.
	ServiceAccountOnly
)

// Name is a presented name, taken apart and normalised. The zero Name denotes
// nobody. Build it with ParseName.
type Name struct {
	Kind  Kind
	Login string // normalised; "" denotes nobody by login
	Mail  string // normalised; "" denotes nobody by mail address
	Local string // normalised local part of login@domain; "" where it is not that
}

// Valid reports whether the name can denote anybody.
func (n Name) Valid() bool { return n.Login != "" }

// Simple reports whether only a login can be meant, so that no second account
// can be denoted by it.
func (n Name) Simple() bool { return n.Mail == "" && n.Local == "" }

// ParseName takes typed apart. domain is the domain of base_dn
// ("example.org"), "" for none; it is compared without regard to case. A name
// that cannot be a login gives the zero Name.
func ParseName(typed string, naming Naming, domain string) Name {
	login, err := NormalizeLogin(typed)
	if err != nil {
		return Name{}
	}
	switch naming {
	case ServiceAccountOnly:
		return Name{Kind: ServiceAccount, Login: login}
	case LoginOnly:
		return Name{Login: login}
	}
	domain = strings.ToLower(domain)
	if before, user, ok := strings.Cut(login, `\`); ok && isOurs(before, domain) {
		return Name{Login: user}
	}
	n := Name{Login: login}
	at := strings.LastIndexByte(login, '@')
	if at < 0 {
		return n
	}
	n.Mail = login
	if domain != "" && login[at+1:] == domain {
		n.Local = login[:at]
	}
	return n
}

// isOurs reports whether what stands before a backslash is domain or its first
// label. No login has a backslash in it.
func isOurs(before, domain string) bool {
	label, _, _ := strings.Cut(domain, ".")
	return before != "" && (before == label || before == domain)
}
