package portal_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// TestPostsFromOtherSitesAreRefused, told by either header, and change nothing.
func TestPostsFromOtherSitesAreRefused(t *testing.T) {
	w := newWorld(t)
	a, own := w.enrolled("ann")
	issued := w.issue(a, "Outlook")
	b := w.in("ann", own)
	for name, values := range map[string]map[string]string{
		"cross-site":             {"Sec-Fetch-Site": "cross-site"},
		"same-site":              {"Sec-Fetch-Site": "same-site"},
		"another origin":         {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
		"another port":           {"Sec-Fetch-Site": "", "Origin": "http://localhost:9"},
		"an origin that is null": {"Sec-Fetch-Site": "", "Origin": "null"},
	} {
		for key, value := range values {
			b.header.Set(key, value)
		}
		for _, path := range []string{"/app-passwords/revoke-all", "/signout", "/signin", "/confirm", "/security/sessions/end-others", "/language", "/setup/passkey/finish"} {
			if got := b.post(path); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s to %s: %d", name, path, got.StatusCode)
			}
		}
		b.header = http.Header{}
	}
	b.get("/app-passwords").is(http.StatusOK).has("Outlook")
	if got := w.legacy("ann", issued.Secret).Outcome.String(); got != "accept" {
		t.Errorf("the app password: %s", got)
	}
	b.header.Set("Origin", "http://localhost:8080")
	b.header.Set("Sec-Fetch-Site", "")
	b.post("/app-passwords/revoke-all").goes("/app-passwords?done=revoked-all")
}

// TestNothingChangesByGET: links and pictures do nothing.
func TestNothingChangesByGET(t *testing.T) {
	w := newWorld(t)
	_, own := w.enrolled("ann")
	b := w.in("ann", own)
	for _, path := range []string{"/signout", "/app-passwords/x/rename", "/security/sessions/end-others", "/setup/recovery", "/language"} {
		if got := b.get(path); got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, got.StatusCode)
		}
	}
	b.get("/security").is(http.StatusOK)
}

// TestOtherHostsAreNotAnswered: no page is built from a name that a request
// brought along.
func TestOtherHostsAreNotAnswered(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{"evil.example", "localhost", "localhost:9", "127.0.0.1:8080", "localhost:8080.evil.example"} {
		b := w.tab()
		b.header.Set("Host", host)
		b.get("/signin").is(http.StatusMisdirectedRequest)
	}
	b := w.tab()
	b.header.Set("X-Forwarded-Host", "evil.example")
	if got := b.get("/signin").is(http.StatusOK); strings.Contains(got.Body, "evil") {
		t.Error("the page repeats X-Forwarded-Host")
	}
}

// TestCookiesCannotBeReadOrSentInClear: what they carry, under https and on an
// http loopback.
func TestCookiesCannotBeReadOrSentInClear(t *testing.T) {
	for _, c := range []struct {
		scheme, name string
		secure       bool
	}{{"http", "session", false}, {"https", "__Host-session", true}} {
		w := newWorld(t)
		w.person("bob")
		w.settings.PublicURL = &url.URL{Scheme: c.scheme, Host: "localhost:8080"}
		w.settings.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		got := w.tab().signIn("bob")
		got.goes("/home")
		var found *http.Cookie
		for _, k := range got.Cookies() {
			if k.Name == c.name {
				found = k
			}
		}
		if found == nil {
			t.Fatalf("%s: no cookie %s in %v", c.scheme, c.name, got.Header["Set-Cookie"])
		}
		if !found.HttpOnly || found.Secure != c.secure || found.SameSite != http.SameSiteLaxMode || found.Path != "/" || found.Domain != "" || found.MaxAge != 0 {
			t.Errorf("%s: %s", c.scheme, strings.ReplaceAll(found.String(), found.Value, "…"))
		}
		if hsts := got.Header.Get("Strict-Transport-Security") != ""; hsts != c.secure {
			t.Errorf("%s: Strict-Transport-Security is there: %v", c.scheme, hsts)
		}
	}
}

// TestClearTextIsForNamedProxies: behind an https address nobody else is
// answered without TLS.
func TestClearTextIsForNamedProxies(t *testing.T) {
	w := newWorld(t)
	w.settings.PublicURL = &url.URL{Scheme: "https", Host: "id.example.org"}
	w.settings.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}
	for _, c := range []struct {
		from string
		tls  bool
		want int
	}{
		{"10.0.0.1:1000", false, http.StatusOK},
		{"10.0.0.2:1000", false, http.StatusMisdirectedRequest},
		{"10.0.0.2:1000", true, http.StatusOK},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://id.example.org/signin", nil)
		if r.RemoteAddr = c.from; c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		rec := httptest.NewRecorder()
		w.portal.ServeHTTP(rec, r)
		if rec.Code != c.want {
			t.Errorf("from %s, TLS %v: %d, want %d", c.from, c.tls, rec.Code, c.want)
		}
	}
}

// TestEveryAnswerIsGuarded: pages, files, redirects and errors.
func TestEveryAnswerIsGuarded(t *testing.T) {
	w := newWorld(t)
	b := w.tab()
	for _, path := range []string{"/signin", "/", "/home", "/no-such-page", "/static/", "/static/portal.js", "/app-passwords/x/live"} {
		got := b.get(path)
		policy := got.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: no %s in %q", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("%s: %q", path, policy)
		}
		if got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", path)
		}
		if cached := got.Header.Get("Cache-Control"); cached != "no-store" && !strings.HasPrefix(path, "/static/portal") {
			t.Errorf("%s: Cache-Control %q", path, cached)
		}
	}
}

// TestLargeBodiesAreCutOff instead of read into memory.
func TestLargeBodiesAreCutOff(t *testing.T) {
	w := newWorld(t)
	w.person("bob")
	got := w.tab().post("/signin", "login", "bob", "password", mainPassword, "x", strings.Repeat("x", 1<<20))
	if got.StatusCode == http.StatusSeeOther {
		t.Error("a body of a megabyte was read")
	}
}
