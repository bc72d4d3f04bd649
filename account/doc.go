// Package account is what people and administrators do to accounts: add,
// change, disable and delete them, set primary passwords, turn MFA on and off,
// enrol second factors, keep groups, and issue and revoke app passwords. The
// command line and the portal share it, so that neither has rules of its own.
//
// Every change is one durable transaction that holds its event; a call that
// returned without an error has been kept.
//
// It may import policy, directory and secret, and neither the store, which
// implements the interfaces declared here, nor any server or page.
package account
