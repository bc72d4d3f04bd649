package portal_test

import (
	"crypto/rand"
	"encoding/base32"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/account"
	"postern/directory"
	"postern/policy"
	"postern/portal"
	"postern/secret"
	"postern/store"
)

const (
	primary = "correct horse battery"
	root    = "http://localhost:8080"
	actor   = account.Actor("cli:root")
)

// house is a portal on a database of its own, with a clock that the test
// holds.
type house struct {
	*account.Service
	t        testing.TB
	store    *store.Store
	engine   *policy.Engine
	portal   *portal.Portal
	settings account.Settings
	pages    portal.Settings
	at       time.Time
	from     string // address the browsers are at
	people   *counted
	hasher   *secret.Hasher

	installation portal.Installation
}

// counted counts what a page asks for.
type counted struct {
	db            *store.Store
	queries, rows int
}

func newHouse(t testing.TB) *house {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	ok(t, err)
	t.Cleanup(func() { ok(t, db.Close()) })
	keys, err := secret.NewKeys([]byte("a key of the tests, 32 bytes lon"))
	ok(t, err)
	hasher := secret.NewHasher(secret.Argon2{Memory: 8, Time: 1, Threads: 1}, 1, 4)
	h := &house{t: t, store: db, at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), from: "127.0.0.1:40000", hasher: hasher}
	h.settings = account.Settings{
		Rules: policy.Rules{
			Domain: "example.org", MFAGroups: []string{"admins"}, Exempt: []string{"breakglass"}, MaxPerAccount: 20,
			Services: []directory.Service{{Name: "mail"}, {Name: "vpn", RADIUSClients: []string{"vpn"}}},
		},
		MaxPerAccount: 20, DefaultServices: []string{directory.AnyService},
	}
	public, err := url.Parse(root)
	ok(t, err)
	h.pages = portal.Settings{PublicURL: public, AdminGroup: "admins", SelfService: true, EnrolFrom: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	now := func() time.Time { return h.at }
	h.Service = &account.Service{Records: db, Keys: keys, Hasher: hasher, Random: rand.Reader, Now: now, Settings: func() *account.Settings { return &h.settings }}
	h.engine = policy.NewEngine(policy.EngineConfig{Records: db, Challengeable: db, Keys: keys, Verifier: hasher, Recorder: silent{}, Now: now})
	h.engine.SetRules(&h.settings.Rules)
	h.people = &counted{db: db}
	h.portal, err = portal.New(portal.Config{
		Engine: h.engine, Accounts: h.Service, Sessions: db, Listing: db, Events: db, Directory: h.people, Primary: db,
		Installation: func() portal.Installation { return h.installation },
		Keys:         keys, Random: rand.Reader, Now: now, Settings: func() *portal.Settings { return &h.pages }, Log: slog.New(slog.DiscardHandler),
	})
	ok(t, err)
	return h
}

type silent struct{}

func (silent) Record(directory.Event) {}
func (silent) Used(policy.Use)        {}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

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

// browser keeps cookies and goes through the portal without a network.
type browser struct {
	h *house
	*http.Client
	page string // the body of the last answer
}

func (h *house) browser() *browser {
	jar, err := cookiejar.New(nil)
	ok(h.t, err)
	return &browser{h: h, Client: &http.Client{Jar: jar, Transport: through{h}}}
}

type through struct{ h *house }

func (tr through) RoundTrip(r *http.Request) (*http.Response, error) {
	in := httptest.NewRequest(r.Method, r.URL.String(), r.Body)
	in.Header, in.Host, in.RemoteAddr = r.Header, r.URL.Host, tr.h.from
	if r.Host != "" {
		in.Host = r.Host
	}
	w := httptest.NewRecorder()
	tr.h.portal.ServeHTTP(w, in)
	return w.Result(), nil
}

// get opens a page and returns its status.
func (b *browser) get(path string) int { return b.done(b.Get(root + path)) }

// post sends a form and returns the status of the page it leads to.
func (b *browser) post(path string, fields ...string) int {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.done(b.PostForm(root+path, form))
}

func (b *browser) done(r *http.Response, err error) int {
	b.h.t.Helper()
	ok(b.h.t, err)
	defer func() { ok(b.h.t, r.Body.Close()) }()
	body, err := io.ReadAll(r.Body)
	ok(b.h.t, err)
	b.page = html.UnescapeString(string(body))
	return r.StatusCode
}

// shows says that the last page holds some text.
func (b *browser) shows(text string) {
	b.h.t.Helper()
	if !strings.Contains(b.page, text) {
		b.h.t.Errorf("the page does not show %q:\n%s", text, b.page)
	}
}

func (b *browser) field(name string) string {
	b.h.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(b.page)
	if m == nil {
		b.h.t.Fatalf("the page has no field %s:\n%s", name, b.page)
	}
	return m[1]
}

// enrol signs in somebody who is asked to enrol, sets up an authenticator app
// and returns its seed.
func (b *browser) enrol(login string) (seed []byte) {
	b.h.t.Helper()
	b.post("/signin", "login", login, "password", primary)
	b.get("/setup/app")
	key := regexp.MustCompile(`(?s)id="key"[^>]*>([^<]+)<`).FindStringSubmatch(b.page)
	if key == nil {
		b.h.t.Fatalf("there is no key:\n%s", b.page)
	}
	seed = seedOf(b.h.t, key[1])
	b.post("/setup/app", "id", b.field("id"), "sealed", b.field("sealed"), "label", "app", "code", b.code(seed))
	b.shows("It works")
	return seed
}

func (b *browser) code(seed []byte) string { return secret.TOTPCode(seed, b.h.at.Unix()/30) }

func seedOf(t testing.TB, key string) []byte {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	ok(t, err)
	return seed
}
