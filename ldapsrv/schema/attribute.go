package schema

import "strings"

// Usage says whether users or the server keep an attribute (RFC 4512 §4.1.2).
type Usage uint8

const (
	UserApplications Usage = iota
	DirectoryOperation
	DSAOperation
)

// Attribute is an attribute type. It is immutable.
type Attribute struct {
	OID      string
	Names    []string // the first is how it is spelled in answers
	Sup      string   // name of its supertype; "" for none
	Syntax   Syntax
	Single   bool
	ReadOnly bool // NO-USER-MODIFICATION
	Usage    Usage

	Equality, Ordering, Substr *Rule

	number int
}

// Name is how the attribute is spelled in answers.
func (a *Attribute) Name() string { return a.Names[0] }

// Number is its place among all attributes, from 1 to Attributes: by it what is
// known of each can be kept in a list.
func (a *Attribute) Number() int { return a.number }

// Attributes is how many there are.
func Attributes() int { return len(attributes) }

// Operational reports whether "+" asks for it and "*" does not.
func (a *Attribute) Operational() bool { return a.Usage != UserApplications }

// Find returns the attribute type of a description: a name or an OID, options
// behind it left aside. nil: the schema has none of that name.
func Find(description string) *Attribute {
	name, _, _ := strings.Cut(description, ";")
	return attributesByName[strings.ToLower(name)]
}

// IsOrUnder reports whether a is sup or one of its subtypes.
func (a *Attribute) IsOrUnder(sup *Attribute) bool {
	for a != nil {
		if a == sup {
			return true
		}
		a = Find(a.Sup)
	}
	return false
}

var attributesByName = indexAttributes()

func indexAttributes() map[string]*Attribute {
	byName := make(map[string]*Attribute, 3*len(attributes))
	for i, a := range attributes {
		a.number = i + 1
		byName[a.OID] = a
		for _, n := range a.Names {
			byName[strings.ToLower(n)] = a
		}
	}
	return byName
}

func names(n ...string) []string { return n }

// folded is a directory string that compares without regard to case.
func folded(oid string, sup string, n ...string) *Attribute {
	return &Attribute{OID: oid, Names: n, Sup: sup, Syntax: SyntaxDirectoryString,
		Equality: caseIgnore, Substr: caseIgnoreSubstrings}
}

func ia5(oid string, n ...string) *Attribute {
	return &Attribute{OID: oid, Names: n, Syntax: SyntaxIA5, Equality: caseIgnoreIA5, Substr: caseIgnoreIA5Substr}
}

func phone(oid string, n ...string) *Attribute {
	return &Attribute{OID: oid, Names: n, Syntax: SyntaxTelephone, Equality: telephoneNumber, Substr: telephoneSubstrings}
}

func dnValued(oid string, n ...string) *Attribute {
	return &Attribute{OID: oid, Names: n, Syntax: SyntaxDN, Equality: distinguishedName}
}

func number(oid string, n ...string) *Attribute {
	return &Attribute{OID: oid, Names: n, Syntax: SyntaxInteger, Equality: integerMatch, Ordering: integerOrdering, Single: true}
}

func moment(oid string, n ...string) *Attribute {
	return &Attribute{OID: oid, Names: n, Syntax: SyntaxGeneralizedTime, Equality: generalizedTime, Ordering: generalizedOrdering, Single: true}
}

func octets(oid string, n ...string) *Attribute {
	return &Attribute{OID: oid, Names: n, Syntax: SyntaxOctetString, Equality: octetString, Ordering: octetStringOrdering}
}

// one makes a single-valued one of a.
func one(a *Attribute) *Attribute { a.Single = true; return a }

// kept makes an attribute of a that the server keeps.
func kept(a *Attribute) *Attribute {
	a.Usage, a.ReadOnly = DirectoryOperation, true
	return a
}

// ofServer makes an attribute of a that says something of this server.
func ofServer(a *Attribute) *Attribute {
	a.Usage = DSAOperation
	return a
}

func description(oid, name string, syntax Syntax) *Attribute {
	return &Attribute{OID: oid, Names: names(name), Syntax: syntax, Equality: firstComponent, Usage: DirectoryOperation}
}

// attributes are the types of RFC 4512, 4519, 4524, 2798, 2307, 4530, 5020 and
// 3045, memberOf, and those of the Active Directory profile.
var attributes = []*Attribute{
	{OID: "2.5.4.0", Names: names("objectClass"), Syntax: SyntaxOID, Equality: objectIdentifierMatch},
	folded("2.5.4.41", "", "name"),
	folded("2.5.4.3", "name", "cn", "commonName"),
	folded("2.5.4.4", "name", "sn", "surname"),
	folded("2.5.4.42", "name", "givenName", "gn"),
	folded("2.5.4.43", "name", "initials"),
	folded("2.5.4.44", "name", "generationQualifier"),
	folded("2.5.4.12", "name", "title"),
	folded("2.5.4.10", "name", "o", "organizationName"),
	folded("2.5.4.11", "name", "ou", "organizationalUnitName"),
	folded("2.5.4.7", "name", "l", "localityName"),
	folded("2.5.4.8", "name", "st", "stateOrProvinceName"),
	one(folded("2.5.4.6", "name", "c", "countryName")),
	folded("2.5.4.9", "", "street", "streetAddress"),
	folded("2.5.4.13", "", "description"),
	folded("2.5.4.15", "", "businessCategory"),
	folded("2.5.4.17", "", "postalCode"),
	folded("2.5.4.18", "", "postOfficeBox"),
	folded("2.5.4.19", "", "physicalDeliveryOfficeName"),
	{OID: "2.5.4.16", Names: names("postalAddress"), Syntax: SyntaxPostalAddress, Equality: caseIgnoreList, Substr: caseIgnoreListSubstr},
	{OID: "2.5.4.26", Names: names("registeredAddress"), Sup: "postalAddress", Syntax: SyntaxPostalAddress, Equality: caseIgnoreList, Substr: caseIgnoreListSubstr},
	phone("2.5.4.20", "telephoneNumber"),
	{OID: "2.5.4.23", Names: names("facsimileTelephoneNumber", "fax"), Syntax: SyntaxTelephone, Equality: telephoneNumber, Substr: telephoneSubstrings},
	dnValued("2.5.4.49", "distinguishedName"),
	{OID: "2.5.4.31", Names: names("member"), Sup: "distinguishedName", Syntax: SyntaxDN, Equality: distinguishedName},
	dnValued("2.5.4.50", "uniqueMember"),
	{OID: "2.5.4.32", Names: names("owner"), Sup: "distinguishedName", Syntax: SyntaxDN, Equality: distinguishedName},
	{OID: "2.5.4.34", Names: names("seeAlso"), Sup: "distinguishedName", Syntax: SyntaxDN, Equality: distinguishedName},
	octets("2.5.4.35", "userPassword"),
	folded("0.9.2342.19200300.100.1.1", "", "uid", "userid"),
	{OID: "0.9.2342.19200300.100.1.3", Names: names("mail", "rfc822Mailbox"), Syntax: SyntaxIA5, Equality: caseIgnoreIA5, Substr: caseIgnoreIA5Substr},
	one(ia5("0.9.2342.19200300.100.1.25", "dc", "domainComponent")),
	folded("0.9.2342.19200300.100.1.6", "", "roomNumber"),
	dnValued("0.9.2342.19200300.100.1.10", "manager"),
	dnValued("0.9.2342.19200300.100.1.21", "secretary"),
	phone("0.9.2342.19200300.100.1.20", "homePhone", "homeTelephoneNumber"),
	phone("0.9.2342.19200300.100.1.41", "mobile", "mobileTelephoneNumber"),
	phone("0.9.2342.19200300.100.1.42", "pager", "pagerTelephoneNumber"),
	{OID: "0.9.2342.19200300.100.1.39", Names: names("homePostalAddress"), Syntax: SyntaxPostalAddress, Equality: caseIgnoreList, Substr: caseIgnoreListSubstr},
	{OID: "0.9.2342.19200300.100.1.60", Names: names("jpegPhoto"), Syntax: SyntaxJPEG},
	folded("2.16.840.1.113730.3.1.1", "", "carLicense"),
	folded("2.16.840.1.113730.3.1.2", "", "departmentNumber"),
	one(folded("2.16.840.1.113730.3.1.3", "", "employeeNumber")),
	folded("2.16.840.1.113730.3.1.4", "", "employeeType"),
	one(folded("2.16.840.1.113730.3.1.39", "", "preferredLanguage")),
	one(folded("2.16.840.1.113730.3.1.241", "", "displayName")),
	{OID: "1.3.6.1.4.1.250.1.57", Names: names("labeledURI"), Syntax: SyntaxDirectoryString, Equality: caseExact, Substr: caseExactSubstrings},
	number("1.3.6.1.1.1.1.0", "uidNumber"),
	number("1.3.6.1.1.1.1.1", "gidNumber"),
	one(ia5("1.3.6.1.1.1.1.2", "gecos")),
	{OID: "1.3.6.1.1.1.1.3", Names: names("homeDirectory"), Syntax: SyntaxIA5, Equality: caseExactIA5, Single: true},
	{OID: "1.3.6.1.1.1.1.4", Names: names("loginShell"), Syntax: SyntaxIA5, Equality: caseExactIA5, Single: true},
	{OID: "1.3.6.1.1.1.1.12", Names: names("memberUid"), Syntax: SyntaxIA5, Equality: caseExactIA5, Substr: caseExactIA5Substr},

	kept(one(&Attribute{OID: "2.5.21.9", Names: names("structuralObjectClass"), Syntax: SyntaxOID, Equality: objectIdentifierMatch})),
	kept(moment("2.5.18.1", "createTimestamp")),
	kept(moment("2.5.18.2", "modifyTimestamp")),
	kept(one(dnValued("2.5.18.3", "creatorsName"))),
	kept(one(dnValued("2.5.18.4", "modifiersName"))),
	kept(one(&Attribute{OID: "2.5.18.9", Names: names("hasSubordinates"), Syntax: SyntaxBoolean, Equality: booleanMatch})),
	kept(one(dnValued("2.5.18.10", "subschemaSubentry"))),
	kept(one(dnValued("1.3.6.1.1.20", "entryDN"))),
	kept(one(&Attribute{OID: "1.3.6.1.1.16.4", Names: names("entryUUID"), Syntax: SyntaxUUID, Equality: uuidMatch, Ordering: uuidOrdering})),
	kept(number("1.3.6.1.4.1.453.16.2.103", "numSubordinates")),
	kept(moment("1.3.6.1.4.1.42.2.27.8.1.16", "pwdChangedTime")),
	{OID: "1.2.840.113556.1.2.102", Names: names("memberOf"), Syntax: SyntaxDN, Equality: distinguishedName, ReadOnly: true},

	ofServer(dnValued("1.3.6.1.4.1.1466.101.120.5", "namingContexts")),
	ofServer(&Attribute{OID: "1.3.6.1.4.1.1466.101.120.6", Names: names("altServer"), Syntax: SyntaxIA5}),
	ofServer(&Attribute{OID: "1.3.6.1.4.1.1466.101.120.7", Names: names("supportedExtension"), Syntax: SyntaxOID, Equality: objectIdentifierMatch}),
	ofServer(&Attribute{OID: "1.3.6.1.4.1.1466.101.120.13", Names: names("supportedControl"), Syntax: SyntaxOID, Equality: objectIdentifierMatch}),
	ofServer(&Attribute{OID: "1.3.6.1.4.1.1466.101.120.14", Names: names("supportedSASLMechanisms"), Syntax: SyntaxDirectoryString}),
	ofServer(&Attribute{OID: "1.3.6.1.4.1.1466.101.120.15", Names: names("supportedLDAPVersion"), Syntax: SyntaxInteger, Equality: integerMatch}),
	ofServer(&Attribute{OID: "1.3.6.1.4.1.4203.1.3.5", Names: names("supportedFeatures"), Syntax: SyntaxOID, Equality: objectIdentifierMatch}),
	ofServer(one(&Attribute{OID: "1.3.6.1.1.4", Names: names("vendorName"), Syntax: SyntaxDirectoryString, Equality: caseExact, ReadOnly: true})),
	ofServer(one(&Attribute{OID: "1.3.6.1.1.5", Names: names("vendorVersion"), Syntax: SyntaxDirectoryString, Equality: caseExact, ReadOnly: true})),

	description("2.5.21.4", "matchingRules", SyntaxMatchingRule),
	description("2.5.21.5", "attributeTypes", SyntaxAttributeType),
	description("2.5.21.6", "objectClasses", SyntaxObjectClass),
	description("1.3.6.1.4.1.1466.101.120.16", "ldapSyntaxes", SyntaxLDAPSyntax),

	one(folded("1.2.840.113556.1.4.221", "", "sAMAccountName")),
	one(folded("1.2.840.113556.1.4.656", "", "userPrincipalName")),
	one(octets("1.2.840.113556.1.4.2", "objectGUID")),
	number("1.2.840.113556.1.4.8", "userAccountControl"),
	number("1.2.840.113556.1.4.750", "groupType"),
	number("1.2.840.113556.1.4.302", "sAMAccountType"),
	number("1.2.840.113556.1.4.98", "primaryGroupID"),
	one(dnValued("1.2.840.113556.1.4.782", "objectCategory")),
	moment("1.2.840.113556.1.2.2", "whenCreated"),
	moment("1.2.840.113556.1.2.3", "whenChanged"),
}

// HasSubtypes reports whether other types name a as their supertype.
func HasSubtypes(a *Attribute) bool { return supertypes[a] }

var supertypes = indexSupertypes()

func indexSupertypes() map[*Attribute]bool {
	sups := map[*Attribute]bool{}
	for _, a := range attributes {
		if a.Sup != "" {
			sups[attributesByName[strings.ToLower(a.Sup)]] = true
		}
	}
	return sups
}
