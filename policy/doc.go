// Package policy holds the rules. An Attempt becomes a Decision: Decide says
// what the rules say of a set of Facts and is pure; Engine gathers the facts,
// asks Decide and records the answer. No protocol, page or command has rules
// of its own.
//
// # The rules
//
//  1. An account that is unknown, disabled or expired is rejected.
//  2. MFA on, legacy client, primary password right: rejected.
//  3. Legacy client, app password that is live and in scope for this service
//     and network: accepted, whatever the MFA state.
//  4. MFA off, legacy client, primary right: accepted, unless the service or
//     a group demands app passwords.
//  5. An app password is never accepted at an interactive client.
//  6. Interactive client, primary right: MFA off accepts, enforced asks for
//     the second factor, enabled asks to enrol.
//  7. Whatever breaks is unavailable: neither yes nor no.
//
// Three switches soften rules 2 and 4, each off unless spelled out:
// report-only, grace, and the OTP challenge of a RADIUS client.
//
// It may import directory and secret, and never a network, HTTP or SQL
// package, nor any other package of Postern's.
package policy
