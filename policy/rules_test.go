package policy

import (
	"net/netip"
	"testing"
	"time"

	"postern/directory"
)

func TestAnAttemptHasExactlyOneService(t *testing.T) {
	rules := Rules{Services: []directory.Service{
		{Name: "mail", LDAPNetworks: prefixes("192.0.2.0/24", "2001:db8::/32"), LDAPListeners: []string{"127.0.0.1:3389"}},
		{Name: "wiki", LDAPNetworks: prefixes("192.0.2.128/25"), LDAPBase: "app=Wiki"},
		{Name: "vpn", RADIUSClients: []string{"vpn", "vpn2"}, LDAPNetworks: prefixes("::ffff:198.51.100.0/120")},
		{Name: "all", LDAPNetworks: prefixes("0.0.0.0/0")},
	}}
	for _, c := range []struct {
		name   string
		client Client
		from   string
		want   string
	}{
		{"RADIUS by client", Client{Protocol: RADIUS, Name: "vpn2"}, "192.0.2.1", "vpn"},
		{"RADIUS, network is no matter", Client{Protocol: RADIUS, Name: "wifi"}, "192.0.2.1", "default"},
		{"LDAP by base before listener", Client{Protocol: LDAP, Base: "APP=wiki", Listener: "127.0.0.1:3389"}, "203.0.113.1", "wiki"},
		{"LDAP by listener before network", Client{Protocol: LDAP, Listener: "127.0.0.1:3389"}, "192.0.2.200", "mail"},
		{"LDAP by network", Client{Protocol: LDAP}, "192.0.2.1", "mail"},
		{"LDAP by longest network", Client{Protocol: LDAP}, "192.0.2.200", "wiki"},
		{"LDAP by network, mapped address", Client{Protocol: LDAP}, "::ffff:192.0.2.1", "mail"},
		{"LDAP by network, mapped prefix", Client{Protocol: LDAP}, "198.51.100.7", "vpn"},
		{"LDAP by shortest network", Client{Protocol: LDAP}, "203.0.113.9", "all"},
		{"LDAP by network of IPv6", Client{Protocol: LDAP}, "2001:db8::1", "mail"},
		{"LDAP, IPv6 outside", Client{Protocol: LDAP}, "2001:db9::1", "default"},
		{"LDAP, a RADIUS client's name is no matter", Client{Protocol: LDAP, Name: "vpn"}, "2001:db9::1", "default"},
		{"LDAP by a base nobody claims", Client{Protocol: LDAP, Base: "app=other"}, "2001:db9::1", "default"},
		{"portal", Client{Protocol: Portal, Kind: Interactive}, "192.0.2.1", "default"},
	} {
		if got := rules.Service(c.client, netip.MustParseAddr(c.from)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := (&Rules{}).Service(Client{Protocol: LDAP}, netip.Addr{}); got != directory.DefaultService {
		t.Errorf("without services and address: %q", got)
	}
	tie := Rules{Services: []directory.Service{{Name: "a", RADIUSClients: []string{"x"}}, {Name: "b", RADIUSClients: []string{"x"}}}}
	if got := tie.Service(Client{Protocol: RADIUS, Name: "x"}, netip.Addr{}); got != "a" {
		t.Errorf("of two that claim a client: %q, want the first", got)
	}
}

// bobGets is what bob's primary, which is right, comes to after change.
func bobGets(t *testing.T, c Client, change func(*Rules, *Holder)) outcome {
	t.Helper()
	w := newWorld(t)
	change(&w.rules, w.holder("id-bob"))
	w.apply()
	return w.attempt(t, c, "bob", text(bobPassword))
}

func TestMFAIsDemandedByTheSwitchOrByAGroup(t *testing.T) {
	staff := []string{"people", "staff"}
	for _, c := range []struct {
		name   string
		change func(*Rules, *Holder)
		why    Reason
	}{
		{"not at all", func(*Rules, *Holder) {}, ReasonPrimary},
		{"not by another group", func(r *Rules, h *Holder) { r.MFAGroups, h.Groups = []string{"admins"}, staff }, ReasonPrimary},
		{"not by an enrolled method", func(_ *Rules, h *Holder) { h.Enrolled = true }, ReasonPrimary},
		{"by the switch", func(_ *Rules, h *Holder) { h.MFADemanded = true }, ReasonPrimaryWithMFA},
		{"by a group", func(r *Rules, h *Holder) { r.MFAGroups, h.Groups = []string{"staff"}, staff }, ReasonPrimaryWithMFA},
		{"never of an exempt login", func(r *Rules, h *Holder) {
			r.MFAGroups, h.Groups, h.MFADemanded, r.Exempt = []string{"staff"}, staff, true, []string{"bob"}
		}, ReasonPrimary},
		{"of one that only looks like an exempt login", func(r *Rules, h *Holder) { h.MFADemanded, r.Exempt = true, []string{"bobby"} }, ReasonPrimaryWithMFA},
	} {
		if o := bobGets(t, mailClient, c.change); o.Reason != c.why {
			t.Errorf("%s: %v %q, want %q", c.name, o.Outcome, o.Reason, c.why)
		}
	}
}

func TestAppPasswordsAreDemandedByServiceOrGroup(t *testing.T) {
	for _, c := range []struct {
		name   string
		client Client
		change func(*Rules, *Holder)
		why    Reason
	}{
		{"by the service", mailClient, func(r *Rules, _ *Holder) { r.Services[0].RequireAppPassword = true }, ReasonPrimaryNotHere},
		{"not by another service", vpnClient, func(r *Rules, _ *Holder) { r.Services[0].RequireAppPassword = true }, ReasonPrimary},
		{"by a group", vpnClient, func(r *Rules, h *Holder) { r.AppPasswordGroups, h.Groups = []string{"g"}, []string{"g"} }, ReasonPrimaryNotHere},
		{"of an exempt login too", mailClient, func(r *Rules, _ *Holder) { r.Services[0].RequireAppPassword, r.Exempt = true, []string{"bob"} }, ReasonPrimaryNotHere},
		{"never at the portal", portalClient, func(r *Rules, h *Holder) { r.AppPasswordGroups, h.Groups = []string{"g"}, []string{"g"} }, ReasonPrimary},
	} {
		if o := bobGets(t, c.client, c.change); o.Reason != c.why {
			t.Errorf("%s: %v %q, want %q", c.name, o.Outcome, o.Reason, c.why)
		}
	}
}

func TestGraceCountsEnabledAsOffUntilItEnds(t *testing.T) {
	for _, c := range []struct {
		name     string
		until    time.Time
		enrolled bool
		client   Client
		want     Outcome
		why      Reason
	}{
		{"no grace", time.Time{}, false, mailClient, Reject, ReasonPrimaryWithMFA},
		{"in grace", noon.Add(time.Nanosecond), false, mailClient, Accept, ReasonGrace},
		{"at its end", noon, false, mailClient, Reject, ReasonPrimaryWithMFA},
		{"enrolling ends it", noon.Add(time.Hour), true, mailClient, Reject, ReasonPrimaryWithMFA},
		{"not at the portal", noon.Add(time.Hour), false, portalClient, Enrol, ReasonAskEnrol},
	} {
		o := bobGets(t, c.client, func(r *Rules, h *Holder) {
			r.GraceUntil, h.MFADemanded, h.Enrolled = c.until, true, c.enrolled
		})
		if o.Outcome != c.want || o.Reason != c.why {
			t.Errorf("%s: %v %q", c.name, o.Outcome, o.Reason)
		}
	}
}

func TestReportOnlyAcceptsAndSaysWhatItWouldRefuse(t *testing.T) {
	for _, c := range []struct {
		name   string
		groups []string
		until  time.Time
		demand bool
		want   Outcome
		why    Reason
	}{
		{"off", nil, noon.Add(time.Hour), false, Reject, ReasonPrimaryWithMFA},
		{"everybody, no date", []string{"*"}, time.Time{}, false, Reject, ReasonPrimaryWithMFA},
		{"everybody", []string{"*"}, noon.Add(time.Hour), false, Accept, ReasonWouldRefuseMFA},
		{"everybody, at its end", []string{"*"}, noon, false, Reject, ReasonPrimaryWithMFA},
		{"a group of his", []string{"pilot"}, noon.Add(time.Hour), false, Accept, ReasonWouldRefuseMFA},
		{"another group", []string{"others"}, noon.Add(time.Hour), false, Reject, ReasonPrimaryWithMFA},
		{"demanded by the service", []string{"pilot"}, noon.Add(time.Hour), true, Accept, ReasonWouldRefuseHere},
	} {
		o := bobGets(t, mailClient, func(r *Rules, h *Holder) {
			r.ReportOnlyGroups, r.ReportOnlyUntil, h.Groups = c.groups, c.until, []string{"pilot"}
			r.Services[0].RequireAppPassword = c.demand
			h.MFADemanded, h.Enrolled = !c.demand, true
		})
		if o.Outcome != c.want || o.Reason != c.why {
			t.Errorf("%s: %v %q, want %v %q", c.name, o.Outcome, o.Reason, c.want, c.why)
		}
	}
}

func TestNoSwitchTouchesAServiceAccount(t *testing.T) {
	w := newWorld(t)
	app, _ := w.issue(t, "id-mailserver", nil)
	*w.holder("id-mailserver") = Holder{
		Account:     directory.Account{ID: "id-mailserver", Kind: directory.ServiceAccount, Login: "mailserver"},
		MFADemanded: true, Groups: []string{"staff"},
	}
	w.rules.MFAGroups, w.rules.AppPasswordGroups = []string{"staff"}, []string{"staff"}
	w.rules.Exempt = []string{"mailserver"} // means a person of that login
	w.apply()
	o := w.authenticate(t, Attempt{Client: mailClient, Login: "mailserver", Naming: directory.ServiceAccountOnly, Secret: app, Remote: mailAddr})
	o.expect(t, Accept, ReasonAppPassword)
	if o.event.Kind != directory.EventSignIn {
		t.Errorf("event of kind %q", o.event.Kind)
	}
}
