package schema

// Syntax is the OID of an LDAP syntax (RFC 4517 §3.3).
type Syntax string

// The syntaxes that attribute types here have.
const (
	SyntaxBoolean         Syntax = "1.3.6.1.4.1.1466.115.121.1.7"
	SyntaxDN              Syntax = "1.3.6.1.4.1.1466.115.121.1.12"
	SyntaxDirectoryString Syntax = "1.3.6.1.4.1.1466.115.121.1.15"
	SyntaxGeneralizedTime Syntax = "1.3.6.1.4.1.1466.115.121.1.24"
	SyntaxIA5             Syntax = "1.3.6.1.4.1.1466.115.121.1.26"
	SyntaxInteger         Syntax = "1.3.6.1.4.1.1466.115.121.1.27"
	SyntaxJPEG            Syntax = "1.3.6.1.4.1.1466.115.121.1.28"
	SyntaxOID             Syntax = "1.3.6.1.4.1.1466.115.121.1.38"
	SyntaxOctetString     Syntax = "1.3.6.1.4.1.1466.115.121.1.40"
	SyntaxPostalAddress   Syntax = "1.3.6.1.4.1.1466.115.121.1.41"
	SyntaxTelephone       Syntax = "1.3.6.1.4.1.1466.115.121.1.50"
	SyntaxUUID            Syntax = "1.3.6.1.1.16.1"
	SyntaxAttributeType   Syntax = "1.3.6.1.4.1.1466.115.121.1.3"
	SyntaxObjectClass     Syntax = "1.3.6.1.4.1.1466.115.121.1.37"
	SyntaxMatchingRule    Syntax = "1.3.6.1.4.1.1466.115.121.1.30"
	SyntaxLDAPSyntax      Syntax = "1.3.6.1.4.1.1466.115.121.1.54"
)

// syntaxes describes them, in the order the subschema lists them.
var syntaxes = []struct {
	oid  Syntax
	name string
}{
	{SyntaxUUID, "UUID"},
	{SyntaxAttributeType, "Attribute Type Description"},
	{SyntaxBoolean, "Boolean"},
	{SyntaxDN, "DN"},
	{SyntaxDirectoryString, "Directory String"},
	{SyntaxGeneralizedTime, "Generalized Time"},
	{SyntaxIA5, "IA5 String"},
	{SyntaxInteger, "INTEGER"},
	{SyntaxJPEG, "JPEG"},
	{SyntaxMatchingRule, "Matching Rule Description"},
	{SyntaxObjectClass, "Object Class Description"},
	{SyntaxOID, "OID"},
	{SyntaxOctetString, "Octet String"},
	{SyntaxPostalAddress, "Postal Address"},
	{SyntaxTelephone, "Telephone Number"},
	{SyntaxLDAPSyntax, "LDAP Syntax Description"},
}
