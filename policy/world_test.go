package policy

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/directory"
	"postern/secret"
)

// world is everything around an Engine, in memory: accounts, credentials, a
// hash that is its own password, a record of events, and a count of what was
// asked. Tests change it as they like between attempts.
type world struct {
	keys    *secret.Keys
	now     func() time.Time
	rules   Rules
	log     *bytes.Buffer
	rehash  Rehasher
	slowest func() time.Duration
	atFirst func(context.Context) time.Duration
	marks   Marks
	engine  *Engine
	holders []Holder
	held    []Holding

	mu      sync.Mutex // covers what follows
	queries []string
	hashes  int
	events  []directory.Event
	uses    []Use

	failQuery  map[string]error // by the name of the query
	failHash   error
	duringHash func() // what happens while a hash runs
	stale      bool   // right passwords have stale hashes
}

// noon is when the world is, unless a test says otherwise.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	annPassword = "correct horse"
	bobPassword = "battery staple"
)

// newWorld holds ann (MFA enforced by her own switch), bob (MFA off), a
// service account "mailserver", and two services beside the default.
func newWorld(t testing.TB) *world {
	t.Helper()
	keys, err := secret.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{keys: keys, now: func() time.Time { return noon }, log: new(bytes.Buffer), failQuery: map[string]error{}}
	w.holders = []Holder{
		{Account: directory.Account{ID: "id-ann", Login: "Ann", Mail: "ann@example.org", PasswordChangedAt: noon.Add(-time.Hour)},
			PasswordHash: hashOf(annPassword), MFADemanded: true, Enrolled: true},
		{Account: directory.Account{ID: "id-bob", Login: "bob", PasswordChangedAt: noon.Add(-time.Hour)}, PasswordHash: hashOf(bobPassword)},
		{Account: directory.Account{ID: "id-mailserver", Kind: directory.ServiceAccount, Login: "mailserver"}},
	}
	w.rules = Rules{
		Domain:          "example.org",
		Services:        []directory.Service{{Name: "mail", LDAPNetworks: prefixes("192.0.2.0/24")}, {Name: "vpn", RADIUSClients: []string{"vpn"}}},
		ServiceAccounts: []ServiceAccount{{Name: "mailserver", Networks: prefixes("192.0.2.0/28")}},
		MaxPerAccount:   5,
	}
	w.start()
	return w
}

// start makes the engine, with the world's clock, rules and rehasher.
func (w *world) start() {
	w.engine = NewEngine(EngineConfig{
		Records: w, Challengeable: w, Holdings: w, Marks: w.marks, Keys: w.keys, Verifier: w, Recorder: w, Rehasher: w.rehash,
		Slowest: w.slowest, AtFirst: w.atFirst,
		Now: func() time.Time { return w.now() },
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	w.apply()
}

// apply gives the engine the rules as they are now.
func (w *world) apply() {
	rules := w.rules
	w.engine.SetRules(&rules)
}

// tick lets the world's clock run, from noon, with the clock of the bubble.
func (w *world) tick() {
	began := time.Now()
	w.now = func() time.Time { return noon.Add(time.Since(began)) }
}

func hashOf(password string) secret.Text { return secret.NewText("hash of " + password) }

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// holder returns the account with that id, to be changed in place.
func (w *world) holder(id string) *Holder {
	i := slices.IndexFunc(w.holders, func(h Holder) bool { return h.Account.ID == id })
	return &w.holders[i]
}

// issue gives the account an app password that change may limit, and returns
// it with the row, to be changed in place.
func (w *world) issue(t testing.TB, account string, change func(*directory.AppPassword)) (secret.Text, *Holding) {
	t.Helper()
	text, err := secret.NewAppPassword(rand.Reader, secret.Standard)
	if err != nil {
		t.Fatal(err)
	}
	return text, w.keep(t, account, text, w.keys.Digest(text), change)
}

func (w *world) keep(t testing.TB, account string, text secret.Text, digest secret.Digest, change func(*directory.AppPassword)) *Holding {
	t.Helper()
	h := Holding{Digest: digest, Credential: directory.AppPassword{
		ID: "credential-" + string(rune('1'+len(w.held))), AccountID: account, Label: "phone",
		Services: []string{directory.AnyService}, CreatedAt: noon.Add(-time.Hour),
	}}
	if change != nil {
		change(&h.Credential)
	}
	h.RowMAC = CredentialMAC(w.keys, h)
	var err error
	if h.Sealed, err = w.keys.Seal(rand.Reader, SealedNT, h.Credential.ID, secret.NTHash(text)); err != nil {
		t.Fatal(err)
	}
	if h.SealedClear, err = w.keys.Seal(rand.Reader, SealedClear, h.Credential.ID, []byte(text.Reveal())); err != nil {
		t.Fatal(err)
	}
	w.held = append(w.held, h)
	return &w.held[len(w.held)-1]
}

func (w *world) asked(query string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queries = append(w.queries, query)
	return w.failQuery[query]
}

// denotes says whom name denotes; false for nobody and for more than one.
func (w *world) denotes(name directory.Name) (found Holder, ok bool) {
	for _, h := range w.holders {
		login := strings.ToLower(h.Account.Login)
		meant := h.Account.Kind == name.Kind && name.Valid() && (login == name.Login ||
			name.Mail != "" && h.Account.Mail == name.Mail || name.Local != "" && login == name.Local)
		if meant && found.Account.ID != "" {
			return Holder{}, false
		}
		if meant {
			found = h
		}
	}
	return found, found.Account.ID != ""
}

func (w *world) AppPassword(_ context.Context, digests []secret.Digest, name directory.Name) (Holding, error) {
	if err := w.asked("AppPassword"); err != nil {
		return Holding{}, err
	}
	for _, h := range w.held {
		if slices.Contains(digests, h.Digest) {
			owner := w.holder(h.Credential.AccountID)
			h.Holder = Holder{Account: owner.Account, MFADemanded: owner.MFADemanded}
			named, ok := w.denotes(name)
			h.Named = ok && named.Account.ID == owner.Account.ID
			return h, nil
		}
	}
	return Holding{}, directory.ErrNotFound
}

func (w *world) HolderByName(_ context.Context, name directory.Name) (Holder, error) {
	if err := w.asked("HolderByName"); err != nil {
		return Holder{}, err
	}
	if h, ok := w.denotes(name); ok {
		return h, nil
	}
	return Holder{}, directory.ErrNotFound
}

func (w *world) HolderByID(_ context.Context, id string) (Holder, error) {
	if err := w.asked("HolderByID"); err != nil {
		return Holder{}, err
	}
	for _, h := range w.holders {
		if h.Account.ID == id {
			return h, nil
		}
	}
	return Holder{}, directory.ErrNotFound
}

func (w *world) ChallengeHoldings(_ context.Context, accountID string, _ time.Time, limit int) (list []Holding, err error) {
	if err := w.asked("ChallengeHoldings"); err != nil {
		return nil, err
	}
	for _, h := range w.held {
		if h.Credential.AccountID == accountID && h.Credential.RevokedAt.IsZero() && len(list) < limit {
			list = append(list, h)
		}
	}
	return list, nil
}

func (w *world) Holdings(_ context.Context, accountID string) (list []Holding, err error) {
	for _, h := range w.held {
		if h.Credential.AccountID == accountID {
			list = append(list, h)
		}
	}
	return list, w.asked("Holdings")
}

func (w *world) Verify(ctx context.Context, stored, typed secret.Text) (ok, stale bool, err error) {
	w.mu.Lock()
	w.hashes++
	w.mu.Unlock()
	if w.duringHash != nil {
		w.duringHash()
	}
	if err := ctx.Err(); err != nil {
		return false, false, err
	}
	ok = stored.Equal(hashOf(typed.Reveal()))
	return ok, ok && w.stale, w.failHash
}

func (w *world) Record(ev directory.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, ev)
}

func (w *world) Used(u Use) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.uses = append(w.uses, u)
}

// The doors an attempt comes through in these tests.
var (
	mailClient   = Client{Protocol: LDAP, Method: "simple", Listener: "127.0.0.1:3389"}
	vpnClient    = Client{Protocol: RADIUS, Method: "pap", Name: "vpn"}
	vpnOTPClient = Client{Protocol: RADIUS, Method: "pap", Name: "vpn", Kind: LegacyOTP}
	portalClient = Client{Protocol: Portal, Method: "password", Kind: Interactive}

	mailAddr = netip.MustParseAddrPort("192.0.2.5:40000")
)

// outcome is what an attempt came to and what it cost.
type outcome struct {
	Decision
	hashes  int
	queries []string
	event   directory.Event
}

// attempt presents secret for login from the mail server.
func (w *world) attempt(t testing.TB, c Client, login string, presented secret.Text) outcome {
	t.Helper()
	return w.authenticate(t, Attempt{Client: c, Login: login, Secret: presented, Remote: mailAddr})
}

func (w *world) authenticate(t testing.TB, a Attempt) outcome {
	t.Helper()
	hashes, queries, events := w.hashes, len(w.queries), len(w.events)
	d := w.engine.Authenticate(context.Background(), a)
	if got := len(w.events) - events; got != 1 {
		t.Fatalf("%d events for one attempt", got)
	}
	return outcome{d, w.hashes - hashes, w.queries[queries:], w.events[len(w.events)-1]}
}

// expect checks what an attempt came to.
func (o outcome) expect(t testing.TB, want Outcome, why Reason) {
	t.Helper()
	if o.Outcome != want || o.Reason != why {
		t.Errorf("%v %q, want %v %q", o.Outcome, o.Reason, want, why)
	}
	if o.event.Outcome != want.String() || o.event.Reason != string(why) {
		t.Errorf("the event says %q %q, the decision %v %q", o.event.Outcome, o.event.Reason, want, why)
	}
	known := want == Accept || want == SecondFactor || want == Enrol
	if known != (o.Account != "") || known != (o.Login != "") {
		t.Errorf("%v names account %q and login %q", want, o.Account, o.Login)
	}
}

func text(s string) secret.Text { return secret.NewText(s) }
