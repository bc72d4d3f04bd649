package account

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"postern/directory"
	"postern/secret"
)

// Bounds of what people type. A password fits a RADIUS attribute (RFC 2865
// §5.2: 128 octets).
const (
	MinPassword = 8   // characters
	MaxPassword = 128 // bytes
	MaxLabel    = 64  // characters
	maxText     = 256 // characters of a name, value or description
)

// checkLogin refuses what would need escaping in a distinguished name or a
// filter, or reads like a flag: such a login is no use to anybody.
func checkLogin(login string) *Refusal {
	if why := badName(login); why != "" {
		return refuse(BadLogin, "%q cannot be a login: %s", login, why)
	}
	return nil
}

func checkGroupName(name string) *Refusal {
	if why := badName(name); why != "" {
		return refuse(BadGroupName, "%q cannot be the name of a group: %s", name, why)
	}
	return nil
}

func badName(name string) string {
	switch _, err := directory.NormalizeLogin(name); {
	case name == "":
		return "it is empty"
	case err != nil:
		return "it must be at most 253 bytes of letters, digits and signs, without spaces"
	case strings.ContainsAny(name, `,+"\<>;=*()/`):
		return `none of , + " \ < > ; = * ( ) / may stand in it`
	case name[0] == '-' || name[0] == '#':
		return "it must not begin with - or #"
	}
	return ""
}

// checkText holds for names, values and descriptions.
func checkText(c Code, what, text string, longest int) *Refusal {
	switch {
	case !utf8.ValidString(text):
		return refuse(c, "the %s is not valid UTF-8", what)
	case utf8.RuneCountInString(text) > longest:
		return refuse(c, "the %s is longer than %d characters", what, longest)
	case strings.ContainsFunc(text, unicode.IsControl):
		return refuse(c, "the %s holds a control character", what)
	}
	return nil
}

func checkMail(mail string) *Refusal {
	if mail == "" {
		return nil
	}
	local, domain, _ := strings.Cut(mail, "@")
	if _, err := directory.NormalizeLogin(mail); err != nil || local == "" || domain == "" || strings.Contains(domain, "@") {
		return refuse(BadMail, "%q is not a mail address", mail)
	}
	return nil
}

// governed are attributes that say what Postern itself decides, or that other
// programs read passwords from. Values for them would be ignored or a danger.
var governed = []string{
	"uid", "objectclass", "memberof", "entryuuid", "entrydn", "structuralobjectclass", "subschemasubentry",
	"createtimestamp", "modifytimestamp", "creatorsname", "modifiersname", "hassubordinates",
	"userpassword", "authpassword", "unicodepwd", "sambantpassword", "sambalmpassword",
}

func checkAttribute(name string, values []string) *Refusal {
	if name == "" || !letter(name[0]) || strings.ContainsFunc(name, notInAttribute) || len(name) > 64 {
		return refuse(BadAttribute, "%q is not the name of an attribute: letters, digits and dashes, a letter first", name)
	}
	switch folded := strings.ToLower(name); {
	case folded == "mail" || folded == "cn":
		return refuse(BadAttribute, "attribute %q has a place of its own: the account's name and mail address", name)
	case slices.Contains(governed, folded):
		return refuse(BadAttribute, "attribute %q is Postern's own to say", name)
	}
	for _, v := range values {
		if v == "" {
			return refuse(BadAttribute, "attribute %q has an empty value", name)
		}
		if r := checkText(BadAttribute, "value of "+name, v, 4*maxText); r != nil {
			return r
		}
	}
	return nil
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func notInAttribute(r rune) bool {
	return r > 'z' || !letter(byte(r)) && (r < '0' || r > '9') && r != '-'
}

// checkPassword says whether password may become the primary of login.
func checkPassword(login string, password secret.Text) *Refusal {
	p := password.Reveal()
	switch {
	case utf8.RuneCountInString(p) < MinPassword:
		return refuse(PasswordTooShort, "the password is too short: it needs at least %d characters", MinPassword)
	case len(p) > MaxPassword:
		return refuse(PasswordTooLong, "the password is too long: at most %d bytes fit a RADIUS request", MaxPassword)
	case !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
		return refuse(PasswordForbidden, "the password holds a control character or is not valid UTF-8; some clients could not send it")
	case strings.EqualFold(p, login):
		return refuse(PasswordForbidden, "the password is the login; choose another one")
	case secret.HasAppPasswordShape(password):
		return refuse(PasswordShape, "the password looks like an app password; choose another one")
	}
	return nil
}

func checkLabel(label string) *Refusal {
	if label == "" {
		return refuse(BadLabel, "an app password needs a label: the app or device it is for")
	}
	return checkText(BadLabel, "label", label, MaxLabel)
}
