// Package portal is the self-service and administration pages: set up a second
// factor, get an app password, see and revoke what there is. It is an
// interactive client of the policy engine like any other: it maps decisions to
// pages and makes none.
//
// It may import account, policy, directory and secret, and neither the store,
// whose part it declares as interfaces, nor the configuration, nor a protocol
// server.
package portal
