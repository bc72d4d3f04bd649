package ldapsrv

import (
	"strings"

	"postern/directory"
	"postern/ldapsrv/dn"
)

// bindName is what the name of a bind comes to.
type bindName struct {
	login       string
	naming      directory.Naming
	application string // as configured; "" for none
}

// tree is the naming context and where in it accounts are.
type tree struct {
	base   string // as configured
	normal dn.DN
}

// The containers of accounts, as RDNs below the base.
const (
	peopleUnit = "people"
	systemUnit = "system"
)

// resolve says whom the name of a bind denotes. A distinguished name of an
// account below the base denotes that account's login alone. Every other name
// is taken as typed: a login, a mail address or user@domain, or nobody. It
// reports false for what was meant to be a distinguished name and is none.
// Whether there is such an account plays no part.
func (t *tree) resolve(name string, applications []application) (bindName, bool) {
	if n, ok := t.plain(name); ok {
		return n, true
	}
	return t.takeApart(name, applications)
}

// takeApart is resolve for every name.
func (t *tree) takeApart(name string, applications []application) (bindName, bool) {
	typed := bindName{login: name, naming: directory.AnyName}
	if !strings.Contains(name, "=") {
		return typed, true
	}
	d, err := dn.Parse(name)
	if err != nil {
		return bindName{}, false
	}
	if below, ok := d.Cut(t.normal); ok {
		if n, ok := accountName(below, applications); ok {
			return n, true
		}
	}
	return typed, true
}

// plain resolves a name that is written as this server writes it, with a login
// of letters, digits and a few signs: nearly every bind names somebody so, and
// it need not be taken apart.
func (t *tree) plain(name string) (n bindName, ok bool) {
	if n.login, ok = strings.CutPrefix(name, "uid="); !ok {
		return bindName{}, false
	}
	for _, end := range [...]string{t.base, ",ou=" + peopleUnit + ","} {
		if n.login, ok = strings.CutSuffix(n.login, end); !ok {
			return bindName{}, false
		}
	}
	n.naming = directory.LoginOnly
	return n, isPlain(n.login)
}

// isPlain reports whether a value stands for itself in a distinguished name.
func isPlain(value string) bool {
	for i := range len(value) {
		switch c := value[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == '@':
		default:
			return false
		}
	}
	return value != ""
}

// accountName reads the part of an account's name that is below the base:
// uid=LOGIN,ou=people or cn=NAME,ou=system, or either below an application's
// base.
func accountName(below dn.DN, applications []application) (n bindName, ok bool) {
	if len(below) == 3 {
		if n.application, ok = applicationOf(below[2:], applications); !ok {
			return bindName{}, false
		}
		below = below[:2]
	}
	if len(below) != 2 || below.Multi() || below[1].Type != "ou" {
		return bindName{}, false
	}
	n.login = strings.Trim(below[0].Value, " ")
	switch unit := dn.Fold(below[1].Value); {
	case below[0].Type == "uid" && unit == peopleUnit:
		n.naming = directory.LoginOnly
		return n, true
	case below[0].Type == "cn" && unit == systemUnit:
		n.naming = directory.ServiceAccountOnly
		return n, true
	}
	return bindName{}, false
}

// applicationOf returns the application base that rdn is.
func applicationOf(rdn dn.DN, applications []application) (string, bool) {
	for _, a := range applications {
		if rdn.EqualNormal(a.normal) {
			return a.name, true
		}
	}
	return "", false
}

// entryName writes the distinguished name of the account with that login.
func (t *tree) entryName(login string, naming directory.Naming, application string) string {
	b := []byte("uid=")
	unit := peopleUnit
	if naming == directory.ServiceAccountOnly {
		b, unit = []byte("cn="), systemUnit
	}
	b = dn.AppendValue(b, login)
	b = append(b, ",ou="+unit...)
	for _, part := range []string{application, t.base} {
		if part != "" {
			b = append(append(b, ','), part...)
		}
	}
	return string(b)
}
