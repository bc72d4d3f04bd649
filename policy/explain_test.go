package policy

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/directory"
	"postern/secret"
)

// explain asks as `postern explain ann --service mail --from ADDRESS` would.
func (w *world) explain(t *testing.T, login string) Explanation {
	t.Helper()
	hashes, events := w.hashes, len(w.events)
	x, err := w.engine.Explain(context.Background(), Question{Login: login, Service: "mail", From: mailAddr.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	if w.hashes != hashes || len(w.events) != events || len(w.uses) != 0 {
		t.Errorf("explaining cost %d hashes, %d events and uses %v", w.hashes-hashes, len(w.events)-events, w.uses)
	}
	return x
}

// at returns what is said of a credential at a kind of client.
func (x Explanation) at(t *testing.T, id string, kind ClientKind) Supposition {
	t.Helper()
	i := slices.IndexFunc(x.Answers, func(s Supposition) bool { return s.ID == id && s.Client == kind.String() })
	if i < 0 {
		t.Fatalf("nothing is said of %q at %v", id, kind)
	}
	return x.Answers[i]
}

// states are the ways an account can stand that rules ask for.
var states = map[string]func(*world, *Holding){
	"as it is":     func(*world, *Holding) {},
	"MFA enabled":  func(w *world, _ *Holding) { w.holder("id-ann").Enrolled = false },
	"MFA off":      func(w *world, _ *Holding) { w.holder("id-ann").MFADemanded = false },
	"MFA by group": func(w *world, _ *Holding) { w.byGroup(&w.rules.MFAGroups) },
	"exempt":       func(w *world, _ *Holding) { w.rules.Exempt = []string{"ann"} },
	"no password":  func(w *world, _ *Holding) { w.holder("id-ann").PasswordHash = secret.Text{} },
	"disabled":     func(w *world, _ *Holding) { w.holder("id-ann").Account.Disabled = true },
	"expired":      func(w *world, _ *Holding) { w.holder("id-ann").Account.ExpiresAt = noon },
	"demanded":     func(w *world, _ *Holding) { w.rules.Services[0].RequireAppPassword = true },
	"demanded, off": func(w *world, _ *Holding) {
		w.holder("id-ann").MFADemanded = false
		w.byGroup(&w.rules.AppPasswordGroups)
	},
	"grace": func(w *world, _ *Holding) {
		w.holder("id-ann").Enrolled, w.rules.GraceUntil = false, noon.Add(time.Hour)
	},
	"grace, demanded": func(w *world, _ *Holding) {
		w.holder("id-ann").Enrolled, w.rules.GraceUntil = false, noon.Add(time.Hour)
		w.byGroup(&w.rules.AppPasswordGroups)
	},
	"report-only": func(w *world, _ *Holding) {
		w.rules.ReportOnlyGroups, w.rules.ReportOnlyUntil = []string{Everybody}, noon.Add(time.Hour)
	},
	"revoked": func(_ *world, h *Holding) { h.Credential.RevokedAt = noon },
	"ended":   func(w *world, h *Holding) { h.Credential.ExpiresAt = noon; h.RowMAC = CredentialMAC(w.keys, *h) },
	"elsewhere": func(w *world, h *Holding) {
		h.Credential.Services = []string{"vpn"}
		h.RowMAC = CredentialMAC(w.keys, *h)
	},
	"other network": func(w *world, h *Holding) {
		h.Credential.Networks = prefixes("198.51.100.0/24")
		h.RowMAC = CredentialMAC(w.keys, *h)
	},
	"forged": func(_ *world, h *Holding) { h.Credential.Services = []string{"mail"} },
	"unused": func(w *world, _ *Holding) { w.rules.UnusedAfter = time.Minute },
}

func (w *world) byGroup(groups *[]string) {
	*groups = []string{"staff"}
	w.holder("id-ann").Groups = []string{"staff"}
}

func TestExplainAgreesWithTheEngine(t *testing.T) {
	for name, set := range states {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			app, row := w.issue(t, "id-ann", nil)
			set(w, row)
			w.apply()
			x := w.explain(t, "ann")
			for _, kind := range []ClientKind{Legacy, LegacyOTP, Interactive} {
				c := mailClient
				c.Kind = kind
				if kind == Interactive {
					c = portalClient
				}
				typed := text(annPassword)
				agree(t, x.at(t, "", kind), w.attempt(t, c, "ann", typed))
				if kind != LegacyOTP {
					agree(t, x.at(t, row.Credential.ID, kind), w.attempt(t, c, "ann", app))
				}
			}
		})
	}
}

func agree(t *testing.T, said Supposition, got outcome) {
	t.Helper()
	if said.Outcome != got.Outcome.String() || said.Reason != got.Reason {
		t.Errorf("%s at %s: explained as %s %q, the engine says %v %q", said.Credential, said.Client, said.Outcome, said.Reason, got.Outcome, got.Reason)
	}
	if len(said.Chain) == 0 || said.Chain[len(said.Chain)-1] != got.Reason.Sentence() {
		t.Errorf("%s at %s: the chain %q does not end with the rule that decided", said.Credential, said.Client, said.Chain)
	}
}

func TestExplainKnowsTheBrakes(t *testing.T) {
	w := newWorld(t)
	app, row := w.issue(t, "id-bob", nil)
	w.guess(t, mailAddr, mailClient, "bob", 10)
	x := w.explain(t, "bob")
	agree(t, x.at(t, "", Legacy), w.attempt(t, mailClient, "bob", text(bobPassword)))
	agree(t, x.at(t, row.Credential.ID, Legacy), w.attempt(t, mailClient, "bob", app))
	if len(x.Brakes) != 1 || x.Brakes[0] != (BrakeOn{From: "192.0.2.5", Until: noon.Add(30 * time.Second)}) {
		t.Errorf("brakes on: %+v", x.Brakes)
	}
	x, err := w.engine.Explain(context.Background(), Question{Login: "bob", From: farAddr.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	agree(t, x.at(t, "", Legacy), w.from(t, farAddr, mailClient, "bob", bobPassword))
}

func TestExplainNamesTheRulesInTheirOrder(t *testing.T) {
	w := newWorld(t)
	w.byGroup(&w.rules.MFAGroups)
	w.apply()
	app, row := w.issue(t, "id-ann", nil)
	x := w.explain(t, "ANN")
	want := []string{
		"The account is active.",
		`MFA is enforced: group "staff" demands it; a second factor is enrolled.`,
		"Rule 2: a legacy client is refused the primary password of an account with MFA on. Give it an app password.",
	}
	if got := x.at(t, "", Legacy).Chain; !slices.Equal(got, want) {
		t.Errorf("chain\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	want = []string{"The account is active.", "The app password is live and in scope.", ReasonAppPassword.Sentence()}
	if got := x.at(t, row.Credential.ID, Legacy).Chain; !slices.Equal(got, want) {
		t.Errorf("chain\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if x.Login != "Ann" || x.Account != "id-ann" {
		t.Errorf("explained for %q %q", x.Login, x.Account)
	}
	for _, hidden := range []string{app.Reveal(), annPassword} {
		if strings.Contains(fmt.Sprintf("%+v", x), hidden) {
			t.Error("a secret is in the explanation")
		}
	}
}

func TestExplainSupposesWhatIsNotSaid(t *testing.T) {
	w := newWorld(t)
	_, row := w.issue(t, "id-ann", func(p *directory.AppPassword) {
		p.Services, p.Networks = []string{"vpn"}, prefixes("198.51.100.0/24")
	})
	x, err := w.engine.Explain(context.Background(), Question{Login: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	got := x.at(t, row.Credential.ID, Legacy)
	if got.Outcome != "accept" || got.Service != "vpn" || got.From != "198.51.100.0" {
		t.Errorf("%+v", got)
	}
	if primary := x.at(t, "", Legacy); primary.Service != directory.DefaultService || primary.From != "" {
		t.Errorf("%+v", primary)
	}
}

func TestExplainKnowsServiceAccounts(t *testing.T) {
	w := newWorld(t)
	_, row := w.issue(t, "id-mailserver", nil)
	ask := func(from string) Explanation {
		q := Question{Login: "mailserver", Naming: directory.ServiceAccountOnly}
		if from != "" {
			q.From = netip.MustParseAddr(from)
		}
		x, err := w.engine.Explain(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if got := ask("").at(t, row.Credential.ID, Legacy); got.Outcome != "accept" || got.From != "192.0.2.0" {
		t.Errorf("%+v", got)
	}
	if got := ask("203.0.113.1").at(t, row.Credential.ID, Legacy); got.Reason != ReasonOtherNetwork {
		t.Errorf("%+v", got)
	}
	if got := ask("").at(t, "", Legacy); got.Outcome != "reject" {
		t.Errorf("%+v", got)
	}
	w.rules.ServiceAccounts = nil
	w.apply()
	if got := ask("192.0.2.0").at(t, row.Credential.ID, Legacy); got.Reason != ReasonUnknownAccount {
		t.Errorf("%+v", got)
	}
}

func TestExplainOfNobodyAndOfWhatIsNotKnown(t *testing.T) {
	w := newWorld(t)
	x := w.explain(t, "nobody")
	if x.Account != "" || len(x.Answers) != 1 || x.Answers[0].Reason != ReasonUnknownAccount {
		t.Errorf("%+v", x)
	}
	for _, query := range []string{"HolderByName", "Holdings"} {
		w := newWorld(t)
		w.failQuery[query] = errors.New("disk on fire")
		if _, err := w.engine.Explain(context.Background(), Question{Login: "ann"}); err == nil {
			t.Errorf("%s fails and Explain does not say so", query)
		}
	}
	if _, err := NewEngine(EngineConfig{Records: w}).Explain(context.Background(), Question{Login: "ann"}); err == nil {
		t.Error("without rules it is explained")
	}
}

func TestEveryReasonHasASentence(t *testing.T) {
	reasons := 0
	for _, decl := range parse(t, "decision.go").Decls {
		block, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range block.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(v.Names[0].Name, "Reason") || v.Names[0].Name == "ReasonNone" {
				continue
			}
			reasons++
			value := strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`)
			if s := Reason(value).Sentence(); !strings.HasSuffix(s, ".") {
				t.Errorf("%s: %q", value, s)
			}
		}
	}
	if reasons != len(sentences) {
		t.Errorf("%d reasons, %d sentences", reasons, len(sentences))
	}
}
