// Package ldapsrv is the LDAP v3 server (RFC 4510 to 4519): a legacy client's
// simple bind becomes a policy.Attempt, and the Decision a result code.
//
// Inside, one direction holds, and back out by the same door: bytes
// (ldapsrv/ber) become messages (ldapsrv/wire), a session takes a message and
// appends the messages that answer it, and a conn joins a session to a
// socket. A session knows no socket and reads no clock, so that what it says
// can be tested by equality. One goroutine serves a connection, one operation
// at a time and in the order they came: a Bind or a StartTLS is a barrier by
// construction, and what a client sends ahead waits in its own read buffer
// and then in the kernel's.
//
// No byte of a stranger is trusted. A frame is bounded before it is read and
// memory grows with the bytes that came, not with those announced.
//
// Of Postern's own it may import policy, directory, secret and the packages
// beneath it; never store, account, config or another protocol.
package ldapsrv
