// Package brake slows guessing down without locking anybody out.
//
// A guess is counted before it is verified, so that parallel ones do not slip
// through, and taken back where it was right. Three things are counted: what
// one source sends for one account, what all unfamiliar sources together send
// for one account, and what one source sends for all accounts. Where a count
// reaches its limit the brake is on for a while, longer each time; every count
// is forgiven with time. A source from which an account signed in lately is
// familiar to it: strangers elsewhere cannot brake it.
//
// It knows no passwords and decides nothing: the policy asks whether to look at
// a guess at all. Time is an argument.
package brake
