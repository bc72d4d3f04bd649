package account_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/secret"
	"postern/store"
)

// house is a Service on a database of its own, with a clock that the test
// holds, and an engine on the same database that says what a change is worth.
type house struct {
	*account.Service
	t        testing.TB
	store    *store.Store
	engine   *policy.Engine
	settings account.Settings
	at       time.Time
}

const actor account.Actor = "cli:root"

func newHouse(t testing.TB) *house {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	ok(t, err)
	t.Cleanup(func() { ok(t, db.Close()) })
	keys, err := secret.NewKeys([]byte("a key of the tests, 32 bytes lon"))
	ok(t, err)
	hasher := secret.NewHasher(secret.Argon2{Memory: 8, Time: 1, Threads: 1}, 1, 4).WithKeys(keys)
	h := &house{t: t, store: db, at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	h.settings = account.Settings{
		Rules: policy.Rules{
			Domain: "example.org", MFAGroups: []string{"staff"}, Exempt: []string{"breakglass"},
			Services:        []directory.Service{{Name: "mail", LDAPBase: "app=mail"}, {Name: "vpn", RADIUSClients: []string{"vpn"}}},
			ServiceAccounts: []policy.ServiceAccount{{Name: "mailserver", Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}}},
		},
		MaxPerAccount: 3, DefaultServices: []string{directory.AnyService},
	}
	h.Service = &account.Service{
		Records: db, Keys: keys, Hasher: hasher, Random: rand.Reader,
		Now: func() time.Time { return h.at }, Settings: func() *account.Settings { return &h.settings },
	}
	h.engine = policy.NewEngine(policy.EngineConfig{
		Records: db, Challengeable: db, Keys: keys, Verifier: hasher, Recorder: silent{}, Now: func() time.Time { return h.at },
	})
	h.engine.SetRules(&h.settings.Rules)
	return h
}

// silent records nothing: these tests read the events of changes.
type silent struct{}

func (silent) Record(directory.Event) {}
func (silent) Used(policy.Use)        {}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused says that err is a refusal with that code.
func refused(t testing.TB, err error, want account.Code) {
	t.Helper()
	var r *account.Refusal
	switch {
	case !errors.As(err, &r):
		t.Errorf("got %v, want a refusal %s", err, want)
	case r.Code != want:
		t.Errorf("got refusal %s (%s), want %s", r.Code, r.Text, want)
	case r.Text == "":
		t.Errorf("refusal %s says nothing", r.Code)
	}
}

const primary = "correct horse battery"

// add makes an account with the primary password above and returns its id.
func (h *house) add(login string, groups ...string) string {
	h.t.Helper()
	a, err := h.Add(h.t.Context(), actor, account.Person{Login: login, Secret: secret.NewText(primary), Groups: groups})
	ok(h.t, err)
	return a.ID
}

func (h *house) group(name string) {
	h.t.Helper()
	_, err := h.AddGroup(h.t.Context(), actor, name, "")
	ok(h.t, err)
}

func (h *house) issue(id string, r account.Request) account.Issued {
	h.t.Helper()
	if r.Label == "" {
		r.Label = "phone"
	}
	issued, err := h.Issue(h.t.Context(), actor, id, r)
	ok(h.t, err)
	return issued
}

func (h *house) holder(id string) policy.Holder {
	h.t.Helper()
	holder, err := h.store.HolderByID(h.t.Context(), id)
	ok(h.t, err)
	return holder
}

// signIn presents a secret at an LDAP client of service mail, or where base is
// given at that application's.
func (h *house) signIn(login string, text secret.Text, base ...string) policy.Decision {
	client := policy.Client{Protocol: policy.LDAP, Method: "simple", Base: "app=mail"}
	if len(base) > 0 {
		client.Base = base[0]
	}
	return h.engine.Authenticate(h.t.Context(), policy.Attempt{
		Login: login, Secret: text, Client: client, Remote: netip.MustParseAddrPort("192.0.2.1:1024"),
	})
}

// decided says what came of a sign-in.
func (h *house) decided(d policy.Decision, outcome policy.Outcome, reason policy.Reason) {
	h.t.Helper()
	if d.Outcome != outcome || d.Reason != reason {
		h.t.Errorf("decided %s (%s), want %s (%s)", d.Outcome, d.Reason, outcome, reason)
	}
}

// events returns what was recorded, the oldest first.
func (h *house) events() []string {
	h.t.Helper()
	list, err := h.store.Events(h.t.Context(), directory.EventFilter{Limit: 1000})
	ok(h.t, err)
	words := []string{}
	for i := len(list) - 1; i >= 0; i-- {
		ev := list[i]
		words = append(words, fmt.Sprintf("%s %s %s/%s %s", ev.Kind, ev.Login, ev.Protocol, ev.Actor, ev.Detail))
	}
	return words
}

// changes counts the steps of the version row while work runs.
func (h *house) changes(work func()) int64 {
	h.t.Helper()
	before, err := h.store.Version(h.t.Context())
	ok(h.t, err)
	work()
	after, err := h.store.Version(h.t.Context())
	ok(h.t, err)
	return after - before
}

// broken is a database that cannot be read or written any more.
type broken struct{ account.Records }

var errBroken = errors.New("the disk is gone")

func (broken) HolderByName(context.Context, directory.Name) (policy.Holder, error) {
	return policy.Holder{}, errBroken
}
func (broken) HolderByID(context.Context, string) (policy.Holder, error) {
	return policy.Holder{}, errBroken
}
func (broken) Methods(context.Context, string) ([]policy.Method, error) { return nil, errBroken }
func (broken) GroupByName(context.Context, string) (directory.Group, error) {
	return directory.Group{}, errBroken
}
func (broken) SpendCode(context.Context, string, policy.CodePurpose, []secret.Digest, time.Time) error {
	return errBroken
}
