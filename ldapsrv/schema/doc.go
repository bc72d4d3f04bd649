// Package schema knows the attribute types, matching rules, syntaxes and object
// classes of the directory: how their values compare and how the subschema
// entry describes them (RFC 4512 §4, RFC 4517, RFC 4519). It holds no entry.
//
// It may import ldapsrv/dn and ldapsrv/filter, and nothing else of Postern's
// own.
package schema
