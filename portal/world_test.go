package portal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/portal"
	"postern/secret"
	"postern/store"
)

const mainPassword = "correct horse battery"

// world is the portal over the real engine and the real database, with a clock
// that a test moves.
type world struct {
	t        *testing.T
	store    *store.Store
	hasher   *secret.Hasher
	engine   *policy.Engine
	journal  *policy.Journal
	accounts *account.Service
	settings *portal.Settings
	rules    *account.Settings
	portal   *portal.Portal
	log      *bytes.Buffer

	mu        sync.Mutex // covers what follows
	at        time.Time
	decisions []policy.Decision
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, at: time.Now().UTC().Truncate(time.Second), log: new(bytes.Buffer)}
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	w.store = db
	keys, err := secret.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&locked{w: w.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.hasher = secret.NewHasher(secret.Argon2{Memory: 64, Time: 1, Threads: 1}, 4, 64)
	w.journal = policy.NewJournal(db, log)
	t.Cleanup(func() {
		if err := w.journal.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.engine = policy.NewEngine(policy.EngineConfig{
		Records: db, Challengeable: db, Keys: keys, Verifier: w.hasher, Recorder: w.journal, Now: w.now, Log: log,
	})
	w.rules = &account.Settings{
		Rules: policy.Rules{
			Domain: "example.org", MFAGroups: []string{"postern-admins"}, MaxPerAccount: 20,
			Services: []directory.Service{
				{Name: "mail", LDAPNetworks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
				{Name: "vpn", RADIUSClients: []string{"vpn-box"}},
			},
		},
		MaxPerAccount: 20, DefaultServices: []string{"any"}, RevokeOnMFAReset: true,
	}
	w.engine.SetRules(&w.rules.Rules)
	w.accounts = &account.Service{
		Records: db, Keys: keys, Hasher: w.hasher, Random: rand.Reader, Now: w.now,
		Settings: func() *account.Settings { return w.rules },
	}
	w.settings = &portal.Settings{
		PublicURL: &url.URL{Scheme: "http", Host: "localhost:8080"}, AdminGroup: "postern-admins",
		EnrolFrom: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, SelfService: true, Contact: "the help desk",
		Told: portal.Told{VPN: "vpn.example.org"},
	}
	w.portal, err = portal.New(portal.Config{
		Engine: w, Accounts: w.accounts, Sessions: db, Listing: db, Events: db, Directory: db, Primary: db,
		Installation: func() portal.Installation { return portal.Installation{} },
		Keys:         keys, Random: rand.Reader, Now: w.now, Settings: func() *portal.Settings { return w.settings }, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// locked lets several write to one log.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// later moves the clock.
func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// Authenticate is the engine's, remembered.
func (w *world) Authenticate(ctx context.Context, a policy.Attempt) policy.Decision {
	d := w.engine.Authenticate(ctx, a)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.decisions = append(w.decisions, d)
	return d
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// person adds an account with the main password.
func (w *world) person(login string) directory.Account {
	w.t.Helper()
	a, err := w.accounts.Add(w.t.Context(), "cli:test", account.Person{Login: login, Name: "Name of " + login, Secret: secret.NewText(mainPassword)})
	w.must(err)
	return a
}

// demanded adds one with MFA on and nothing enrolled.
func (w *world) demanded(login string) directory.Account {
	w.t.Helper()
	a := w.person(login)
	w.must(w.accounts.MFAOn(w.t.Context(), "cli:test", a.ID))
	return a
}

// app is an authenticator app.
type app struct {
	w    *world
	seed []byte
}

// enrolled adds one with MFA on and an authenticator app.
func (w *world) enrolled(login string) (directory.Account, *app) {
	w.t.Helper()
	a := w.demanded(login)
	return a, w.enrol(a)
}

func (w *world) enrol(a directory.Account) *app {
	w.t.Helper()
	pending, err := w.accounts.StartTOTP(w.t.Context(), a.ID, "Postern")
	w.must(err)
	own := w.appOf(pending.Key.Reveal())
	_, err = w.accounts.FinishTOTP(w.t.Context(), "portal:"+account.Actor(a.Login), a.ID, pending, "Phone", own.code())
	w.must(err)
	return own
}

func (w *world) appOf(key string) *app {
	w.t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	w.must(err)
	return &app{w, seed}
}

// code is a code that was not used before: the clock moves on for it.
func (a *app) code() string {
	a.w.later(30 * time.Second)
	return secret.TOTPCode(a.seed, a.w.now().Unix()/30)
}

// wrong is six digits that are no code for a long while.
func (a *app) wrong() string {
	step := a.w.now().Unix() / 30
	var near []string
	for d := int64(-5); d < 200; d++ {
		near = append(near, secret.TOTPCode(a.seed, step+d))
	}
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%06d", n); !slices.Contains(near, code) {
			return code
		}
	}
}

// issue makes an app password.
func (w *world) issue(a directory.Account, label string, services ...string) account.Issued {
	w.t.Helper()
	issued, err := w.accounts.Issue(w.t.Context(), "cli:test", a.ID, account.Request{Label: label, Services: services})
	w.must(err)
	return issued
}

// legacy presents a password as a mail server's bind does.
func (w *world) legacy(login string, password secret.Text) policy.Decision {
	w.t.Helper()
	d := w.engine.Authenticate(w.t.Context(), policy.Attempt{
		At: w.now(), Login: login, Secret: password, Remote: netip.MustParseAddrPort("192.0.2.25:40000"), Secure: true,
		Client: policy.Client{Kind: policy.Legacy, Protocol: policy.LDAP, Method: "simple", Listener: "127.0.0.1:3389"},
	})
	w.must(w.journal.Flush(w.t.Context()))
	return d
}

// tab keeps cookies.
type tab struct {
	w       *world
	from    string // address and port
	cookies map[string]string
	header  http.Header
}

func (w *world) tab() *tab {
	return &tab{w: w, from: "127.0.0.1:50000", cookies: map[string]string{}, header: http.Header{}}
}

// answer is a reply with its body.
type answer struct {
	t *testing.T
	*http.Response
	Body string
}

func (b *tab) send(method, path string, form url.Values) answer {
	b.w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(b.w.t.Context(), method, "http://"+b.w.settings.PublicURL.Host+path, body)
	r.RemoteAddr = b.from
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	if host := b.header.Get("Host"); host != "" {
		r.Host = host
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	b.w.portal.ServeHTTP(rec, r)
	reply := rec.Result()
	for _, c := range reply.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer{b.w.t, reply, rec.Body.String()}
}

func (b *tab) get(path string) answer {
	b.w.t.Helper()
	return b.send(http.MethodGet, path, nil)
}

func (b *tab) post(path string, pairs ...string) answer {
	b.w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.send(http.MethodPost, path, form)
}

// goes fails unless the reply leads to a place.
func (a answer) goes(to string) {
	a.t.Helper()
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != to {
		a.t.Fatalf("%d to %q, want 303 to %q; it says: %s", a.StatusCode, a.Header.Get("Location"), to, a.words())
	}
}

// is fails unless the reply has that status.
func (a answer) is(status int) answer {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Fatalf("%d to %q, want %d; it says: %s", a.StatusCode, a.Header.Get("Location"), status, a.words())
	}
	return a
}

func (a answer) has(words string) answer {
	a.t.Helper()
	if !strings.Contains(a.words(), words) {
		a.t.Errorf("the page does not say %q but: %s", words, a.words())
	}
	return a
}

func (a answer) hasNot(words string) answer {
	a.t.Helper()
	if strings.Contains(a.words(), words) {
		a.t.Errorf("the page says %q", words)
	}
	return a
}

var tag = regexp.MustCompile(`<[^>]*>`)

// words is the text of the page.
func (a answer) words() string {
	return html.UnescapeString(strings.Join(strings.Fields(tag.ReplaceAllString(a.Body, "")), " "))
}

// value is that of a form's field.
func (a answer) value(name string) string {
	a.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.Body)
	if m == nil {
		a.t.Fatalf("the page has no field %q; it says: %s", name, a.words())
	}
	return html.UnescapeString(m[1])
}

// signIn gives the main password.
func (b *tab) signIn(login string) answer {
	b.w.t.Helper()
	return b.post("/signin", "login", login, "password", mainPassword)
}

// signInWith gives both factors.
func (b *tab) signInWith(login string, own *app) {
	b.w.t.Helper()
	b.signIn(login).goes("/signin/code")
	b.post("/signin/code", "code", own.code()).goes("/home")
}

// in is a browser that is completely signed in.
func (w *world) in(login string, own *app) *tab {
	w.t.Helper()
	b := w.tab()
	b.signInWith(login, own)
	return b
}

// expiring changes when an account ends.
func expiring(at time.Time) account.Fields { return account.Fields{ExpiresAt: &at} }
