package portal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"postern/directory"
	"postern/policy"
)

// finding is a client that goes on being refused, and what it does wrong.
type finding struct {
	Reason  string // of the last refusal; the key of the words
	Through string // service or protocol
	Client  string // the RADIUS client's name; "" where there is none
	Source  string // address of the LDAP or RADIUS client
	At      time.Time
	Count   int64
	Label   string // of the app password it sends; "" for the main password
}

const (
	diagnoseSince  = 14 * 24 * time.Hour
	diagnoseEvents = 200 // looked through
	diagnoseMost   = 5   // shown
)

// diagnosed are the reasons that the owner can do something about.
var diagnosed = map[policy.Reason]bool{
	policy.ReasonPrimaryWithMFA: true, policy.ReasonPrimaryNotHere: true,
	policy.ReasonWouldRefuseMFA: true, policy.ReasonWouldRefuseHere: true,
	policy.ReasonRevoked: true, policy.ReasonCredentialEnded: true, policy.ReasonUnused: true,
	policy.ReasonOtherService: true, policy.ReasonOtherNetwork: true,
}

// sentPrimary reports whether e is a legacy client that sent the right main
// password and was refused for it.
func sentPrimary(e directory.Event) bool {
	reason := policy.Reason(e.Reason)
	return reason == policy.ReasonPrimaryWithMFA || reason == policy.ReasonPrimaryNotHere
}

// diagnose finds what goes wrong at the account's clients: of each, the last
// that is known.
func (p *Portal) diagnose(ctx context.Context, v *visitor) ([]finding, error) {
	events, err := p.Events.Events(ctx, directory.EventFilter{
		AccountID: v.id(), Kinds: []directory.EventKind{directory.EventSignIn},
		Since: p.Now().Add(-diagnoseSince), Limit: diagnoseEvents,
	})
	if err != nil {
		return nil, fmt.Errorf("reading the sign-ins: %w", err)
	}
	passwords, err := p.Accounts.AppPasswords(ctx, v.id())
	if err != nil {
		return nil, err
	}
	return findings(events, labelsOf(passwords)), nil
}

func labelsOf(passwords []directory.AppPassword) map[string]string {
	labels := make(map[string]string, len(passwords))
	for _, a := range passwords {
		labels[a.ID] = a.Label
	}
	return labels
}

// findings looks through events, newest first. A client that was let in with
// an app password after its refusals has been mended.
func findings(events []directory.Event, labels map[string]string) []finding {
	var found []finding
	seen := map[string]int{} // index into found, -1 for one that is well
	for _, e := range events {
		if e.Protocol == string(policy.Portal) {
			continue
		}
		place := strings.Join([]string{e.Protocol, e.Service, e.Client, e.Source}, "\x00")
		i, known := seen[place]
		switch {
		case known && i >= 0 && found[i].Reason == e.Reason:
			found[i].Count += e.Count
		case known:
		case !diagnosed[policy.Reason(e.Reason)]:
			if e.Outcome == policy.Accept.String() {
				seen[place] = -1
			}
		case len(found) < diagnoseMost:
			seen[place] = len(found)
			found = append(found, finding{
				Reason: e.Reason, Through: through(e), Client: device(e), Source: e.Source,
				At: e.LastAt, Count: e.Count, Label: labels[e.Credential],
			})
		}
	}
	return found
}

// device is the name of the RADIUS client, which people may know. An LDAP
// listener's tells them nothing.
func device(e directory.Event) string {
	if e.Protocol == string(policy.RADIUS) {
		return e.Client
	}
	return ""
}

// through names the service of a sign-in, or where it has none of its own the
// protocol.
func through(e directory.Event) string { return throughService(e.Service, strings.ToUpper(e.Protocol)) }

func throughService(service, protocol string) string {
	if service == "" || service == directory.DefaultService {
		return protocol
	}
	return service
}
