// Package wire turns bytes into LDAP messages and answers into bytes: the
// requests of RFC 4511 §4 as typed values, validated to the last field, and
// the append-style encoding of the responses. It judges no request and holds
// no state.
//
// What Decode returns aliases the frame it was given.
//
// Of Postern's own it may import ldapsrv/ber and ldapsrv/filter only.
package wire
