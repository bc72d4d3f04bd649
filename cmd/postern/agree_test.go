package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/ldapsrv/wire"
	"postern/policy"
	"postern/secret"
)

// ruleConfigs are what the configuration can say of the rules, in place of
// nothing at all.
var ruleConfigs = map[string]string{
	"as shipped":  "[policy]\n",
	"grace":       "[policy]\ngrace_until = \"2100-01-01\"\n",
	"report-only": "[policy]\nreport_only_groups = [\"*\"]\nreport_only_until = \"2100-01-01\"\n",
}

// ruleStates are the ways a person can stand that the rules ask for.
var ruleStates = map[string]func(r *running, id, login string) error{
	"plain":    func(*running, string, string) error { return nil },
	"disabled": func(r *running, id, _ string) error { return r.people().Disable(r.ctx, "cli:test", id) },
	"expired": func(r *running, id, _ string) error {
		past := time.Now().Add(-time.Hour)
		return r.people().Set(r.ctx, "cli:test", id, account.Fields{ExpiresAt: &past})
	},
	"mfa":      func(r *running, id, _ string) error { return r.people().MFAOn(r.ctx, "cli:test", id) },
	"enrolled": func(r *running, id, _ string) error { return r.enrol(id) },
	"group":    func(r *running, _, login string) error { return r.join("staff", login) },
	"exempt":   func(r *running, _, login string) error { return r.join("staff", login) },
	"demanded": func(r *running, _, login string) error { return r.join("guests", login) },
	"demanded-and-mfa": func(r *running, id, login string) error {
		if err := r.join("guests", login); err != nil {
			return err
		}
		return r.people().MFAOn(r.ctx, "cli:test", id)
	},
}

func (r *running) people() *account.Service { return r.env.accountsOf(r.site) }

func (r *running) enrol(id string) error {
	if err := r.people().MFAOn(r.ctx, "cli:test", id); err != nil {
		return err
	}
	methodID, err := directory.NewID(r.env.random)
	if err != nil {
		return err
	}
	return r.site.store.AddMethod(r.ctx, policy.Method{ID: methodID, AccountID: id, Kind: policy.MethodTOTP, Label: "app", Sealed: []byte("x"), CreatedAt: time.Now()},
		directory.Event{ID: methodID, At: time.Now(), Kind: directory.EventMFAEnrolled})
}

func (r *running) join(group, login string) error {
	m, err := r.people().PersonMember(r.ctx, login)
	if err != nil {
		return err
	}
	_, err = r.people().AddMember(r.ctx, "cli:test", group, m)
	return err
}

// TestExplainAgreesWithTheServer asks for every row what "postern explain" says,
// and then the server, over LDAP, RADIUS and at the portal's own door.
func TestExplainAgreesWithTheServer(t *testing.T) {
	for name, rules := range ruleConfigs {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			text := strings.Replace(demoConfig, "[tls]", rules+"mfa_groups = [\"staff\"]\nexempt = [\"exempt\"]\napp_password_groups = [\"guests\"]\n[tls]", 1)
			text = strings.Replace(text, `listen_tls = ["127.0.0.1:0"]`, `trusted_relays = ["127.0.0.1"]`, 1) // ours are many people
			rewriteFile(t, dir+"/config.toml", text)
			r := open(t, dir)
			r.ctx = t.Context()
			r.run(t)
			for _, group := range []string{"staff", "guests"} {
				if _, err := r.people().AddGroup(r.ctx, "cli:test", group, ""); err != nil {
					t.Fatal(err)
				}
			}
			var all sync.WaitGroup
			for state, stand := range ruleStates {
				all.Go(func() { r.agreeOn(t, state, stand) })
			}
			all.Wait()
		})
	}
}

// explained is what a program reads of "explain --json".
type explained struct {
	Answers []struct {
		ID, Client, Outcome, Reason string
	}
}

func (r *running) agreeOn(t *testing.T, login string, stand func(r *running, id, login string) error) {
	id, primary := r.addPerson(t, login)
	if err := stand(r, id, login); err != nil {
		t.Errorf("%s: %v", login, err)
		return
	}
	presented := map[string]secret.Text{"": primary}
	for label, request := range map[string]account.Request{
		"any": {}, "mail": {Services: []string{"mail"}},
		"elsewhere": {Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
		"revoked":   {},
	} {
		request.Label = label
		issued, err := r.people().Issue(r.ctx, "cli:test", id, request)
		if err != nil {
			continue // a disabled account is issued none
		}
		presented[issued.AppPassword.ID] = issued.Secret
		if label == "revoked" {
			if _, err := r.people().Revoke(r.ctx, "cli:test", id, issued.AppPassword.ID); err != nil {
				t.Error(err)
			}
		}
	}
	for _, door := range []struct{ service, kind string }{{"mail", "legacy"}, {"vpn", "legacy"}, {"default", "interactive"}} {
		code, stdout, stderr := cli(t, "explain", login, "--service", door.service, "--from", "127.0.0.1", "--json", "--config", r.env.configPath)
		var x explained
		if err := json.Unmarshal([]byte(stdout), &x); code != exitDone || err != nil {
			t.Errorf("%s: explain exits %d: %s %v", login, code, stderr, err)
			return
		}
		for credential, typed := range presented {
			i := slices.IndexFunc(x.Answers, func(a struct{ ID, Client, Outcome, Reason string }) bool {
				return a.ID == credential && a.Client == door.kind
			})
			if i < 0 {
				t.Errorf("%s: nothing is said of %q at %s", login, credential, door.kind)
				continue
			}
			said := x.Answers[i]
			if got := r.answer(t, door.service, login, typed); got != said.Outcome && got != said.Outcome+" "+said.Reason {
				t.Errorf("%s through %s with %q: explained as %s %s, the server says %s", login, door.service, credential, said.Outcome, said.Reason, got)
			}
		}
	}
}

// answer is what the server says over the protocol of that service.
func (r *running) answer(t *testing.T, service, login string, typed secret.Text) string {
	switch service {
	case "mail":
		return map[wire.Code]string{wire.Success: "accept", wire.InvalidCredentials: "reject"}[r.bind(t, login, typed.Reveal())]
	case "vpn":
		return map[byte]string{accessAccept: "accept", accessReject: "reject"}[r.pap(t, login, typed.Reveal())]
	}
	d := r.engine.Authenticate(r.ctx, policy.Attempt{
		Login: login, Secret: typed, Remote: netip.MustParseAddrPort("127.0.0.1:1"),
		Client: policy.Client{Kind: policy.Interactive, Protocol: policy.Portal, Method: "password"},
	})
	return fmt.Sprint(d.Outcome, " ", d.Reason)
}
