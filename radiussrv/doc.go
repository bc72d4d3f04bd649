// Package radiussrv is the RADIUS server: datagrams, their authenticity,
// retransmissions, methods and replies. A datagram becomes a policy.Attempt,
// the Decision becomes a reply in one function (answer), and nothing else in
// this package says yes or no.
//
// layeh.com/radius is the codec: it takes attributes apart and puts replies
// together. Everything a stranger can reach before a packet is known to be
// authentic works on the raw bytes here: the walk over the attributes, the
// Message-Authenticator, the Request Authenticator of accounting.
//
// The way of a datagram:
//
//	look     client by longest prefix · shape · authenticity · duplicates
//	queue    bounded; full is silence
//	work     attributes → Attempt → Decision → reply
//	hold     a refusal waits for its time here and holds nobody
//
// One goroutine looks for requests and works on them, as long as they are
// quick: handing each to another costs more than answering it. A request that
// may take its time has the next one look (see crew).
//
// An EAP conversation (radiussrv/eap) is kept by the State of its last round,
// bounded for each client and in all; its requests come before those that begin
// something. What it presents, or resumes, becomes an Attempt as well.
//
// Silence is an answer of its own: a client that hears nothing asks its next
// server, so it is what a full queue, a busy or a broken policy give. A silent
// end leaves nothing in the duplicate cache, so the retransmission is tried
// afresh.
//
// RFC 2865 and 2866 rule the packets, RFC 3579 §3.2 the Message-Authenticator,
// RFC 5080 §2.2.2 the duplicates, RFC 5997 Status-Server.
//
// It may import policy, directory and secret of Postern's packages, and never
// store, account, config or another server.
package radiussrv
