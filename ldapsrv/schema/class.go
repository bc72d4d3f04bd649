package schema

import "strings"

// ClassKind is what an object class is for (RFC 4512 §2.4).
type ClassKind string

const (
	Abstract   ClassKind = "ABSTRACT"
	Structural ClassKind = "STRUCTURAL"
	Auxiliary  ClassKind = "AUXILIARY"
)

// Class is an object class. It is immutable.
type Class struct {
	OID       string
	Name      string
	Sup       string
	Kind      ClassKind
	Must, May string // names, space between
}

// FindClass returns the class of that name or OID, nil where there is none.
func FindClass(name string) *Class { return classesByName[strings.ToLower(name)] }

var classesByName = indexClasses()

func indexClasses() map[string]*Class {
	byName := make(map[string]*Class, 2*len(classes))
	for _, c := range classes {
		byName[c.OID] = c
		byName[strings.ToLower(c.Name)] = c
	}
	return byName
}

const organizational = "street postOfficeBox postalCode postalAddress physicalDeliveryOfficeName l st telephoneNumber facsimileTelephoneNumber registeredAddress"

// classes are those of RFC 4512, 4519, 4524, 2798, 2307, and of the Active
// Directory profile.
var classes = []*Class{
	{"2.5.6.0", "top", "", Abstract, "objectClass", ""},
	{"2.5.17.0", "subentry", "top", Structural, "cn", ""},
	{"2.5.20.1", "subschema", "", Auxiliary, "", "matchingRules attributeTypes objectClasses ldapSyntaxes"},
	{"2.5.6.6", "person", "top", Structural, "sn cn", "userPassword telephoneNumber seeAlso description"},
	{"2.5.6.7", "organizationalPerson", "person", Structural, "", "title ou " + organizational},
	{"2.16.840.1.113730.3.2.2", "inetOrgPerson", "organizationalPerson", Structural, "",
		"businessCategory carLicense departmentNumber displayName employeeNumber employeeType givenName homePhone homePostalAddress initials jpegPhoto labeledURI mail manager mobile o pager preferredLanguage roomNumber secretary uid"},
	{"1.3.6.1.1.1.2.0", "posixAccount", "top", Auxiliary, "cn uid uidNumber gidNumber homeDirectory", "userPassword loginShell gecos description"},
	{"1.3.6.1.1.1.2.2", "posixGroup", "top", Auxiliary, "gidNumber", "cn userPassword memberUid description"},
	{"2.5.6.9", "groupOfNames", "top", Structural, "cn", "member businessCategory seeAlso owner ou o description"},
	{"2.5.6.17", "groupOfUniqueNames", "top", Structural, "cn", "uniqueMember businessCategory seeAlso owner ou o description"},
	{"2.5.6.5", "organizationalUnit", "top", Structural, "ou", "userPassword businessCategory seeAlso description " + organizational},
	{"2.5.6.4", "organization", "top", Structural, "o", "userPassword businessCategory seeAlso description " + organizational},
	{"1.3.6.1.4.1.1466.344", "dcObject", "top", Auxiliary, "dc", ""},
	{"0.9.2342.19200300.100.4.13", "domain", "top", Structural, "dc", "o description"},
	{"0.9.2342.19200300.100.4.5", "account", "top", Structural, "uid", "description seeAlso l o ou"},
	{"2.5.6.11", "applicationProcess", "top", Structural, "cn", "seeAlso ou l description"},
	{"1.2.840.113556.1.5.9", "user", "organizationalPerson", Structural, "", "sAMAccountName userPrincipalName objectGUID userAccountControl memberOf displayName givenName mail primaryGroupID sAMAccountType objectCategory whenCreated whenChanged distinguishedName uid"},
	{"1.2.840.113556.1.5.8", "group", "top", Structural, "cn", "member sAMAccountName objectGUID groupType memberOf objectCategory whenCreated whenChanged distinguishedName description"},
}
