package mail

import (
	"context"
	"fmt"
	"net/netip"

	"postern/directory"
	"postern/policy"
)

// kindOf says which notice an event is worth, "" for none.
func (w *Watcher) kindOf(ctx context.Context, e directory.Event) (string, error) {
	switch e.Kind {
	case directory.EventSignIn:
		fresh, err := w.freshNetwork(ctx, e)
		if err != nil || !fresh {
			return "", err
		}
		return "new_network", nil
	case directory.EventAppPasswordIssued, directory.EventMFAOn, directory.EventMFAOff, directory.EventMFAReset,
		directory.EventMFAEnrolled, directory.EventPasswordChanged:
		return string(e.Kind), nil
	case directory.EventAppPasswordEnded:
		if e.Credential == "" {
			return "app_passwords_revoked", nil
		}
		return string(e.Kind), nil
	case directory.EventAccountChanged:
		return details[e.Detail], nil
	}
	return "", nil
}

// details are the changes of an account that are told apart by words.
var details = map[string]string{
	"second factor removed": "method_removed",
	"recovery codes made":   "recovery_codes",
}

// freshNetwork reports whether e is a use of an app password from a network it
// was not used from before. Where the one who asked is a relay for many, its
// address is no news.
func (w *Watcher) freshNetwork(ctx context.Context, e directory.Event) (bool, error) {
	source, err := netip.ParseAddr(e.Source)
	if e.Credential == "" || e.Outcome != policy.Accept.String() || err != nil {
		return false, nil
	}
	for _, relay := range w.Settings().TrustedRelays {
		if relay.Contains(source.Unmap()) {
			return false, nil
		}
	}
	before, err := w.Records.Events(ctx, directory.EventFilter{
		AccountID: e.AccountID, Kinds: []directory.EventKind{directory.EventSignIn}, Before: e.ID, Limit: lookedBack,
	})
	if err != nil {
		return false, fmt.Errorf("reading earlier sign-ins: %w", err)
	}
	network := networkOf(source)
	for _, b := range before {
		if earlier, err := netip.ParseAddr(b.Source); err == nil && b.Credential == e.Credential && b.Outcome == e.Outcome && networkOf(earlier) == network {
			return false, nil
		}
	}
	return true, nil
}

// networkOf is the network that addresses of one place share: a /24, or a /48
// of IPv6.
func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 48
	if a.Is4() {
		bits = 24
	}
	network, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
