// Package mail tells people what happened to their account: an app password
// was made, first used from a new network or revoked, or how they sign in was
// changed. It follows the record, so it does not matter whether a change was
// made at the portal, at the command line or on another node. No mail holds a
// secret: none ever reaches this package but the one for the mail server.
//
// It may import directory, policy and secret.
package mail
