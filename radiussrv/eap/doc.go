// Package eap holds EAP conversations (RFC 3748): EAP-TTLS (RFC 5281), PEAPv0,
// EAP-TLS (RFC 5216, RFC 9190), GTC, MS-CHAPv2 and MD5, with the TLS around
// them. It speaks EAP messages, knows no RADIUS packet, and has no rules: what
// is presented inside goes to a Judge.
//
// It may import policy, secret and radiussrv/mschap, and nothing else of
// Postern's own.
package eap
