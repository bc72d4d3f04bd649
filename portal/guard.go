package portal

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
)

// maxBody bounds what a request may send: a WebAuthn attestation is the
// largest thing there is.
const maxBody = 64 << 10

// contentPolicy lets the pages load what the portal itself serves and nothing
// else, and runs no script or style that stands in a page.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guard stands in front of every page: headers, the one host name, posts from
// other sites, sizes, and a panic that must not end more than its request.
func (p *Portal) guard(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(p.crossOrigin))
	next = sameOrigin.Handler(p.whole(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer p.recovered(w, r)
		p.headers(w.Header())
		if !strings.EqualFold(r.Host, p.Settings().PublicURL.Host) || !p.private(r) {
			http.Error(w, "This address is not the portal's.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// whole takes the body in before anybody is looked for. Who asks, and what may
// be asked, is judged as of a complete request: one that was begun before its
// session ended, and is finished slowly, is nobody's.
func (p *Portal) whole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			http.Error(w, "This is more than any page of the portal sends.", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "The request did not arrive whole.", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func (p *Portal) headers(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: with it browsers send forms with the origin "null", and
	// those that name no Sec-Fetch-Site could not be told from other sites.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), clipboard-write=(self), publickey-credentials-get=(self), publickey-credentials-create=(self)")
	h.Set("Cache-Control", "no-store")
	if p.https() {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

func (p *Portal) https() bool { return p.Settings().PublicURL.Scheme == "https" }

// private reports whether what travels here cannot be read on the way: where
// people type https, by TLS up to here or up to a proxy that is named.
func (p *Portal) private(r *http.Request) bool {
	if !p.https() || r.TLS != nil {
		return true
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && within(p.Settings().TrustedProxies, peer.Addr())
}

func (p *Portal) recovered(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler {
		panic(cause)
	}
	p.Log.Error("a page failed", "method", r.Method, "route", r.Pattern, slog.String("stack", string(debug.Stack())))
	p.broken(w, r)
}

func (p *Portal) crossOrigin(w http.ResponseWriter, r *http.Request) {
	p.Log.Warn("refused a request that another site sent", "route", r.Pattern, "origin", r.Header.Get("Origin"))
	p.show(w, r, http.StatusForbidden, "message", message{Title: "cross-site.title", Text: "cross-site.text"})
}

// remote is the address of the browser: of the peer, or where that is a
// trusted proxy the last address in X-Forwarded-For that is none.
func (p *Portal) remote(r *http.Request) netip.AddrPort {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{}
	}
	trusted := p.Settings().TrustedProxies
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && within(trusted, peer.Addr()); i-- {
		hop, err := forwarded(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		peer = netip.AddrPortFrom(hop, 0)
	}
	return netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
}

// forwarded reads one hop, which some proxies write with a port.
func forwarded(hop string) (netip.Addr, error) {
	if host, _, err := net.SplitHostPort(hop); err == nil {
		hop = host
	}
	return netip.ParseAddr(strings.Trim(hop, "[]"))
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap()
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
