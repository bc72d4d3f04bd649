package portal

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"postern/secret"
)

const (
	sessionName  = "session"
	pendingName  = "signin"
	languageName = "language"
)

// cookieName is name as the browser knows it. The __Host- prefix has the
// browser refuse it from anywhere but this very host over TLS; on an http
// loopback there can be neither prefix nor Secure.
func (p *Portal) cookieName(name string) string {
	if p.https() {
		return "__Host-" + name
	}
	return name
}

// setCookie hands the browser a token until it closes. SameSite is Lax, so that
// a link in a mail finds the session.
func (p *Portal) setCookie(w http.ResponseWriter, name string, token secret.Text) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(name), Value: token.Reveal(), Path: "/",
		HttpOnly: true, Secure: p.https(), SameSite: http.SameSiteLaxMode,
	})
}

func (p *Portal) dropCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookieName(name), Path: "/", MaxAge: -1, Expires: time.Unix(1, 0),
		HttpOnly: true, Secure: p.https(), SameSite: http.SameSiteLaxMode,
	})
}

// cookie is the token the browser sent, empty where it sent none or one that
// cannot be ours.
func (p *Portal) cookie(r *http.Request, name string) secret.Text {
	c, err := r.Cookie(p.cookieName(name))
	if err != nil || len(c.Value) != tokenLength {
		return secret.Text{}
	}
	return secret.NewText(c.Value)
}

// tokenLength is 32 random bytes in base64url.
const tokenLength = 43

// newToken returns a token of 256 random bits.
func newToken(random io.Reader) (secret.Text, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return secret.Text{}, fmt.Errorf("making a session: %w", err)
	}
	return secret.NewText(base64.RawURLEncoding.EncodeToString(b[:])), nil
}

// local returns to where it is a path on this portal, else "/home".
func local(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/home"
	}
	return to
}
