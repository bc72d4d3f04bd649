package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"postern/account"
	"postern/policy"
	"postern/secret"
)

// plan reads a CSV file that is right.
func (h *house) plan(file string) *account.ImportPlan {
	h.t.Helper()
	p, err := h.PlanCSV(h.t.Context(), strings.NewReader(file))
	ok(h.t, err)
	return p
}

func (h *house) importCSV(file string) {
	h.t.Helper()
	ok(h.t, h.Import(h.t.Context(), actor, h.plan(file)))
}

func TestAnImportAddsAndChanges(t *testing.T) {
	h := newHouse(t)
	h.group("office")
	ann := h.add("ann", "office")
	phc, err := h.Hasher.Hash(t.Context(), secret.NewText("imported password"), h.Random)
	ok(t, err)
	file := "\ufeffgroups, LOGIN ,mail,name,mfa,password_hash\r\n" +
		"office; staff ;,ann,ann@example.org,,,\r\n" +
		"staff,bob,,Bob,on,\"" + phc.Reveal() + "\"\r\n" +
		",carl,,\"Carl, \"\"the third\"\"\",off,\r\n"
	p := h.plan(file)
	if p.Added != 2 || p.Changed != 1 || p.Same != 0 || !slices.Equal(p.Groups, []string{"staff"}) {
		t.Errorf("planned %+v", p)
	}
	if n := h.changes(func() { h.plan(file) }); n != 0 {
		t.Error("planning changed something")
	}
	before := len(h.events())
	if n := h.changes(func() { ok(t, h.Import(t.Context(), actor, p)) }); n != 1 {
		t.Errorf("importing moved the version by %d, want 1", n)
	}
	if got, want := h.events()[before:], []string{
		"accounts_imported  cli/cli:root 2 accounts added, 1 changed, 1 groups added",
		"account_changed ann cli/cli:root imported, mail, joins staff",
		"account_added bob cli/cli:root imported, with a password, MFA on, joins staff",
		"account_added carl cli/cli:root imported",
	}; !slices.Equal(got, want) {
		t.Errorf("recorded\n%q, want\n%q", got, want)
	}

	a := h.holder(ann)
	if a.Account.Mail != "ann@example.org" || a.Account.Name != "" || !slices.Contains(a.Groups, "staff") || !slices.Contains(a.Groups, "office") {
		t.Errorf("ann is %+v in %q", a.Account, a.Groups)
	}
	h.decided(h.signIn("bob", secret.NewText("imported password")), policy.Reject, policy.ReasonPrimaryWithMFA)
	carl := h.holder(mustFind(h, "carl"))
	if carl.Account.Name != `Carl, "the third"` || carl.MFADemanded || !carl.PasswordHash.Empty() || carl.Account.UIDNumber == 0 {
		t.Errorf("carl is %+v", carl.Account)
	}

	again := h.plan(file)
	if again.Added+again.Changed != 0 || again.Same != 3 || len(again.Groups) != 0 {
		t.Errorf("again it would change %+v", again)
	}
	if n := h.changes(func() { ok(t, h.Import(t.Context(), actor, again)) }); n != 0 {
		t.Error("an import of nothing new changed something")
	}
}

func TestAnImportedPasswordReplacesTheOldOne(t *testing.T) {
	h := newHouse(t)
	h.settings.RevokeOnPasswordChange = true
	id := h.add("ann")
	phone := h.issue(id, account.Request{})
	phc, err := h.Hasher.Hash(t.Context(), secret.NewText("imported password"), h.Random)
	ok(t, err)
	h.importCSV("login,password_hash\nann,\"" + phc.Reveal() + "\"\n")
	h.decided(h.signIn("ann", secret.NewText("imported password")), policy.Accept, policy.ReasonPrimary)
	h.decided(h.signIn("ann", secret.NewText(primary)), policy.Reject, policy.ReasonWrongSecret)
	h.decided(h.signIn("ann", phone.Secret), policy.Reject, policy.ReasonRevoked)
}

func TestAnImportOfAFileThatIsWrongNamesItsLines(t *testing.T) {
	const good = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
	for _, c := range []struct {
		name, file string
		line       int
		text       string
	}{
		{"nothing", "", 1, "the first line names the columns"},
		{"no login column", "name\nAnn\n", 1, `"login" is missing`},
		{"an unknown column", "login,maill\n", 1, `did you mean "mail"?`},
		{"a column like no other", "login,shoe size\n", 1, "there are: login, name"},
		{"a column twice", "login,Login\n", 1, "stands twice"},
		{"semicolons", "login;name\n", 1, "unknown column"},
		{"a field too few", "login,name\nann,Ann\n\nbob\n", 4, "more or fewer fields"},
		{"a field too many", "login\nann,Ann\n", 2, "more or fewer fields"},
		{"a stray quote", "login,name\nann,A\"nn\n", 2, "quote"},
		{"a quote that never ends", "login,name\nann,\"Ann\n\n", 2, "quote"},
		{"no login", "login,name\n,Ann\n", 2, "it is empty"},
		{"a login that can be none", "login\na b\n", 2, "cannot be a login"},
		{"a login twice", "login,name\nann,\n# ,\nANN,\n", 3, "cannot be a login"},
		{"a line after a field of two lines", "login,name\nann,\"A\nnn\"\nbob,b\nb b,\n", 2, "control character"},
		{"a mail address that is none", "login,mail\nann,x\n", 2, "not a mail address"},
		{"mfa", "login,mfa\nann,yes\n", 2, `must be "on", "off" or empty`},
		{"mfa on for an exempt login", "login,mfa\nbreakglass,on\n", 2, "policy.exempt"},
		{"mfa off for a group's member", "login,mfa,groups\nann,off,STAFF\n", 2, `"staff" demands it`},
		{"a group name", "login,groups\nann,a b\n", 2, "cannot be the name of a group"},
		{"a hash that is none", "login,password_hash\nann,{SSHA}x\n", 2, "is malformed, or of a scheme that is not known"},
		{"a hash that costs too much", "login,password_hash\nann,\"" + strings.Replace(good, "m=19456", "m=99999999", 1) + "\"\n", 2, "more than one sign-in may cost"},
		{"a password in clear", "login,password_hash\nann,hunter2hunter2\n", 2, "a password in clear and no hash"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			_, err := h.PlanCSV(t.Context(), strings.NewReader(c.file))
			var wrong *account.ImportError
			if !errors.As(err, &wrong) {
				t.Fatalf("got %v, want an import error", err)
			}
			first := wrong.Problems[0]
			if first.Line != c.line || !strings.Contains(first.Text, c.text) {
				t.Errorf("got %v, want line %d to speak of %q", first, c.line, c.text)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats what may be a password: %v", err)
			}
		})
	}
}

func TestOneWrongLineStopsAnImportWhole(t *testing.T) {
	h := newHouse(t)
	file := "login\nann\n" + strings.Repeat("a b\n", 30)
	_, err := h.PlanCSV(t.Context(), strings.NewReader(file))
	var wrong *account.ImportError
	if !errors.As(err, &wrong) || len(wrong.Problems) != 20 || wrong.More != 10 {
		t.Fatalf("got %v", err)
	}
	if !strings.HasSuffix(err.Error(), "and 10 more") {
		t.Errorf("got %v", err)
	}
	_, err = h.Find(t.Context(), "ann")
	refused(t, err, account.UnknownAccount)
}

func TestAnImportOvertakenByAnotherChangeIsRefused(t *testing.T) {
	h := newHouse(t)
	p := h.plan("login,groups\nann,office\nbob,\n")
	h.add("bob")
	if n := h.changes(func() { refused(t, h.Import(t.Context(), actor, p), account.ChangedMeanwhile) }); n != 0 {
		t.Error("it changed something")
	}
	_, err := h.FindGroup(t.Context(), "office")
	refused(t, err, account.UnknownGroup)
	_, err = h.Find(t.Context(), "ann")
	refused(t, err, account.UnknownAccount)
}

func TestAFileThatBreaksOffIsNoImport(t *testing.T) {
	h := newHouse(t)
	_, err := h.PlanCSV(t.Context(), &breaksOff{strings.NewReader("login\nann\nbob\n")})
	var wrong *account.ImportError
	if !errors.Is(err, errBroken) || errors.As(err, &wrong) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

// breaksOff fails where a file would end.
type breaksOff struct{ r *strings.Reader }

func (b *breaksOff) Read(p []byte) (int, error) {
	if b.r.Len() == 0 {
		return 0, errBroken
	}
	return b.r.Read(p)
}

func BenchmarkPlanAndImport(b *testing.B) {
	var file strings.Builder
	file.WriteString("login,name,mail,groups\n")
	for i := range 10_000 {
		fmt.Fprintf(&file, "user%d,User %d,user%d@example.org,g%d\n", i, i, i, i%50)
	}
	for b.Loop() {
		b.StopTimer()
		h := newHouse(b)
		b.StartTimer()
		p, err := h.PlanCSV(b.Context(), strings.NewReader(file.String()))
		if err == nil {
			err = h.Import(b.Context(), actor, p)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
