// Package dn reads distinguished names as RFC 4514 writes them, compares them,
// and writes values into them.
//
// Besides RFC 4514 it reads what earlier standards allowed and clients still
// send (RFC 2253 §4): spaces around separators, ";" between RDNs, values in
// quotes, and "OID." before a dotted type.
//
// Of Postern's own it may import ldapsrv/ber only.
package dn
