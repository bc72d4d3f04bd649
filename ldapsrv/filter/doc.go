// Package filter reads search filters (RFC 4511 §4.5.1.7) and evaluates them
// in the three-valued logic that X.511 and RFC 4511 prescribe. What a leaf is
// worth is for the caller to say, who knows the entry and the matching rules.
//
// Of Postern's own it may import ldapsrv/ber only.
package filter
