package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"postern/account"
	"postern/ldapsrv/wire"
)

// pap signs in over RADIUS and returns the code of the answer.
func (r *running) pap(t *testing.T, login, password string) byte {
	t.Helper()
	shared, err := r.current.Load().RADIUS.Clients[0].SharedSecret()
	if err != nil {
		t.Fatal(err)
	}
	request := &papRequest{shared: shared.Reveal(), login: login, password: password}
	code, err := request.ask(t.Context(), r.address("radius.listen"), r.env.random)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestAReportOnlyRunIsSummedUp plays a morning of report-only over both
// protocols and asks afterwards who would have been refused.
func TestAReportOnlyRunIsSummedUp(t *testing.T) {
	r := open(t, t.TempDir())
	c := r.current.Load()
	rules := *c.rules
	rules.ReportOnlyGroups, rules.ReportOnlyUntil = []string{"*"}, time.Now().Add(time.Hour)
	r.engine.SetRules(&rules)
	r.run(t)
	began := time.Now().Add(-time.Second)
	people := r.env.accountsOf(r.site)
	ann, annSecret := r.addPerson(t, "ann") // MFA on
	_, bobSecret := r.addPerson(t, "bob")   // MFA off
	eve, eveSecret := r.addPerson(t, "eve") // MFA on, uses her app password
	for _, id := range []string{ann, eve} {
		if err := people.MFAOn(t.Context(), "cli:test", id); err != nil {
			t.Fatal(err)
		}
	}
	app, err := people.Issue(t.Context(), "cli:test", eve, account.Request{Label: "mail"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if code := r.bind(t, "ann", annSecret.Reveal()); code != wire.Success {
			t.Fatalf("under report-only ann is answered %v", code)
		}
	}
	for login, secrets := range map[string][]string{"ann": {annSecret.Reveal()}, "bob": {bobSecret.Reveal(), bobSecret.Reveal()}} {
		for _, s := range secrets {
			if code := r.pap(t, login, s); code != accessAccept {
				t.Fatalf("%s is answered %d over RADIUS", login, code)
			}
		}
	}
	r.bind(t, "eve", app.Secret.Reveal())
	r.bind(t, "ann", "wrong")
	r.bind(t, "nobody", eveSecret.Reveal())
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}

	code, stdout, stderr := cli(t, "report", "legacy", "--json", "--config", r.env.configPath)
	if code != exitDone {
		t.Fatal(stderr)
	}
	var rows []legacyUse
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil {
		t.Fatal(err)
	}
	want := []legacyUse{
		{Login: "ann", Service: "vpn", Protocol: "radius", Method: "pap", Client: "vpn", Source: "127.0.0.1", Count: 1, WouldRefuse: 1, MFA: "enabled", IfDemanded: "reject", WouldBreak: true},
		{Login: "ann", Service: "mail", Protocol: "ldap", Method: "simple", Client: "127.0.0.1:0", Source: "127.0.0.1", Count: 3, WouldRefuse: 3, MFA: "enabled", IfDemanded: "reject", WouldBreak: true},
		{Login: "bob", Service: "vpn", Protocol: "radius", Method: "pap", Client: "vpn", Source: "127.0.0.1", Count: 2, MFA: "off", IfDemanded: "reject", WouldBreak: true},
	}
	if len(rows) != len(want) {
		t.Fatalf("the report lists\n%s", stdout)
	}
	for i, got := range rows {
		if got.First.Before(began) || got.Last.Before(got.First) || got.Last.After(time.Now()) {
			t.Errorf("%s: first %v, last %v", got.Login, got.First, got.Last)
		}
		if got.First, got.Last = (time.Time{}), (time.Time{}); got != want[i] {
			t.Errorf("row %d is %+v, want %+v", i, got, want[i])
		}
	}
	code, stdout, stderr = cli(t, "report", "legacy", "--config", r.env.configPath)
	if code != exitDone || strings.Contains(stdout, "eve") || !strings.Contains(stderr, "accepted and to be refused: 4 sign-ins of 1 accounts") {
		t.Errorf("exit %d, shown\n%s%s", code, stdout, stderr)
	}
	if _, stdout, _ = cli(t, "report", "legacy", "--json", "--since", "2100-01-01", "--config", r.env.configPath); strings.TrimSpace(stdout) != "[]" {
		t.Errorf("since the next century there is %s", stdout)
	}
}

// legacyUse is what a program reads of a row.
type legacyUse struct {
	Login, Service, Protocol, Method, Client, Source, MFA string

	Count       int64
	WouldRefuse int64     `json:"would_have_been_refused"`
	First       time.Time `json:"first_at"`
	Last        time.Time `json:"last_at"`
	IfDemanded  string    `json:"if_mfa_demanded"`
	WouldBreak  bool      `json:"would_break"`
}
