package storetest

import (
	"reflect"
	"testing"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/store"
)

// bind is a sign-in of an account over LDAP with its right primary password.
func bind(t *testing.T, id string, seconds int, outcome string, reason policy.Reason) directory.Event {
	e := signIn(t, id, seconds)
	e.Login, e.Outcome, e.Reason, e.Service, e.Protocol, e.Method, e.Source = "login "+id, outcome, string(reason), "mail", "ldap", "simple", "192.0.2.1"
	return e
}

var primaryUseTests = map[string]func(*testing.T, *store.Store){
	"what came by one way is summed up": func(t *testing.T, s *store.Store) {
		first := bind(t, "a", 1, "accept", policy.ReasonPrimary)
		would := bind(t, "a", 2, "accept", policy.ReasonWouldRefuseMFA)
		would.Count, would.LastAt = 5, would.At.Add(time.Minute)
		refused := bind(t, "a", 3, "reject", policy.ReasonPrimaryWithMFA)
		refused.Kind = directory.EventBreakGlass
		other := bind(t, "a", 9, "accept", policy.ReasonGrace)
		other.Source = "192.0.2.2"
		radius := bind(t, "b", 4, "reject", policy.ReasonPrimaryNotHere)
		radius.Protocol, radius.Method, radius.Client, radius.Reported = "radius", "pap", "vpn", "00-11"
		must(t, s.AppendEvents(t.Context(), []directory.Event{first, would, refused, other, radius}))
		want := []directory.PrimaryUse{
			{AccountID: "a", Login: "login a", Service: "mail", Protocol: "ldap", Method: "simple", Source: "192.0.2.1",
				Count: 7, Refused: 1, WouldRefuse: 5, FirstAt: first.At, LastAt: would.LastAt},
			{AccountID: "a", Login: "login a", Service: "mail", Protocol: "ldap", Method: "simple", Source: "192.0.2.2",
				Count: 1, FirstAt: other.At, LastAt: other.At},
			{AccountID: "b", Login: "login b", Service: "mail", Protocol: "radius", Method: "pap", Client: "vpn", Source: "192.0.2.1", Reported: "00-11",
				Count: 1, Refused: 1, FirstAt: radius.At, LastAt: radius.At},
		}
		got, err := s.PrimaryUses(t.Context(), time.Time{})
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("summed up is\n%+v, want\n%+v", got, want)
		}
		if got, err = s.PrimaryUses(t.Context(), would.LastAt); err != nil || len(got) != 1 || got[0].Count != 5 {
			t.Errorf("since the last one there is %+v (%v)", got, err)
		}
	},
	"what is no primary password at a legacy client is left out": func(t *testing.T, s *store.Store) {
		var events []directory.Event
		for _, reason := range []policy.Reason{
			policy.ReasonWrongSecret, policy.ReasonAppPassword, policy.ReasonBraked, policy.ReasonAskSecondFactor,
			policy.ReasonPrimaryAndSecond, policy.ReasonRevoked, policy.ReasonAccountDisabled, policy.ReasonBusy, "",
		} {
			events = append(events, bind(t, "a", 1, "reject", reason))
		}
		portal, nobody := bind(t, "a", 1, "accept", policy.ReasonPrimary), bind(t, "", 1, "accept", policy.ReasonPrimary)
		portal.Protocol = "portal"
		must(t, s.AppendEvents(t.Context(), append(events, portal, nobody)))
		if got, err := s.PrimaryUses(t.Context(), time.Time{}); err != nil || len(got) > 0 {
			t.Errorf("there is %+v (%v)", got, err)
		}
	},
}
