// Package ldif reads and writes LDIF, the LDAP Data Interchange Format
// (RFC 2849), one record at a time. It imports nothing of Postern's.
package ldif
