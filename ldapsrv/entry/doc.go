// Package entry shows accounts and groups as LDAP entries: the tree they stand
// in, what attributes an entry has, which of them a search returns, whether a
// filter matches, and which indexed terms narrow a search down beforehand.
//
// An entry is lazy: no value is made that neither the filter nor the client
// asks for. Entries hold no secret, because what they are made of holds none.
//
// Of Postern's own it may import directory and, of ldapsrv, ber, dn, filter and
// schema.
package entry
