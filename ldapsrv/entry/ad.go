package entry

import (
	"encoding/hex"
	"strings"
	"time"

	"postern/ldapsrv/schema"
)

// What Active Directory's numbers say ([MS-ADTS] §2.2.16, §2.2.12, [MS-SAMR]
// §2.2.1.9).
const (
	normalAccount    = "512"
	disabledAccount  = "514"
	domainUsers      = "513"
	userAccountType  = "805306368"
	groupAccountType = "268435456"
	globalSecurity   = "-2147483646"
)

// adPerson is a person with what clients look for that know Active Directory
// only.
func adPerson() []field {
	return append(personFields("user"), append(adCommon("Person", accountID, accountCreated, accountModified),
		text("sAMAccountName", login),
		text("userPrincipalName", func(e *Entry) string { return e.Account.Login + "@" + e.View.domain }),
		text("userAccountControl", func(e *Entry) string {
			if e.Account.Disabled {
				return disabledAccount
			}
			return normalAccount
		}),
		personal("displayName", fullName),
		constant("primaryGroupID", domainUsers),
		constant("sAMAccountType", userAccountType))...)
}

func adGroup() []field {
	return append(groupFields("group"), append(adCommon("Group", groupID, groupCreated, groupModified),
		text("sAMAccountName", groupName),
		constant("groupType", globalSecurity),
		constant("sAMAccountType", groupAccountType))...)
}

func adCommon(category string, id func(*Entry) string, created, changed func(*Entry) time.Time) []field {
	return []field{
		text("distinguishedName", ownDN),
		text("objectGUID", func(e *Entry) string { return guid(id(e)) }),
		text("objectCategory", func(e *Entry) string { return e.View.category(category) }),
		whenever("whenCreated", created),
		whenever("whenChanged", changed),
	}
}

// whenever writes a time as Active Directory does, with a tenth of a second.
func whenever(name string, at func(*Entry) time.Time) field {
	return text(name, func(e *Entry) string {
		return strings.TrimSuffix(schema.FormatTime(at(e)), "Z") + ".0Z"
	})
}

func (t *Tree) category(name string) string {
	return "CN=" + name + ",CN=Schema,CN=Configuration," + t.base
}

// categories are the names by which filters call a category for short.
var categories = map[string]string{
	"person": "Person", "user": "Person", "contact": "Person", "group": "Group",
	"organizationalunit": "Organizational-Unit", "computer": "Computer",
}

// categoryOf writes out a category that a filter calls by its short name.
func (t *Tree) categoryOf(asserted string) string {
	if name, ok := categories[strings.ToLower(asserted)]; ok {
		return t.category(name)
	}
	return asserted
}

// guid is a UUID in Active Directory's order of bytes: the first three fields
// are little-endian ([MS-DTYP] §2.3.4.2).
func guid(uuid string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(uuid, "-", ""))
	if err != nil || len(b) != 16 {
		return ""
	}
	swapGUID(b)
	return string(b)
}

// uuidOf is the UUID behind an objectGUID; "" where it is none.
func uuidOf(guid string) string {
	if len(guid) != 16 {
		return ""
	}
	b := []byte(guid)
	swapGUID(b)
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func swapGUID(b []byte) {
	b[0], b[1], b[2], b[3] = b[3], b[2], b[1], b[0]
	b[4], b[5] = b[5], b[4]
	b[6], b[7] = b[7], b[6]
}

// IsDomain reports whether name is the domain of the base, or the first label
// of it, which is what Windows calls it for short.
func (t *Tree) IsDomain(name string) bool {
	short, _, _ := strings.Cut(t.domain, ".")
	return short != "" && (strings.EqualFold(name, short) || strings.EqualFold(name, t.domain))
}
