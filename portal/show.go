package portal

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"postern/account"
	"postern/portal/page"
)

// message is a page that says one thing.
type message struct {
	Title string // key
	Text  string // key
	To    string // where the one link goes; "" for none
	Link  string // key of the link's words
}

type visitorKey struct{}

// of returns who asks, nil for nobody.
func of(r *http.Request) *visitor {
	v, _ := r.Context().Value(visitorKey{}).(*visitor)
	return v
}

func with(r *http.Request, v *visitor) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}

// titled is what a page's data says of the page around it.
type titled interface {
	frame() (title, nav, width string)
}

func (m message) frame() (title, nav, width string) { return m.Title, "", "slim" }

// language chooses the language of the answer.
func (p *Portal) language(r *http.Request) *page.Language {
	chosen := ""
	if c, err := r.Cookie(languageName); err == nil {
		chosen = c.Value
	}
	return p.pages.Language(page.Choose(chosen, r.Header.Get("Accept-Language")))
}

// show answers with a page.
func (p *Portal) show(w http.ResponseWriter, r *http.Request, status int, name string, data titled) {
	v := page.View{Language: p.language(r), Now: p.Now().UTC(), Path: r.URL.RequestURI(), Data: data, Notice: p.notice(r)}
	v.Title, v.Nav, v.Width = data.frame()
	v.Contact = p.contact(v.Language)
	if r.Method != http.MethodGet {
		v.Path = "/home"
	}
	if _, v.Once = data.(shownOnce); v.Once {
		v.Path = ""
	}
	if who := of(r); who != nil {
		v.Login, v.Name = who.holder.Account.Login, who.holder.Account.Name
		v.Full, v.Admin, v.IdleSeconds = who.full(), who.admin, int(staysFor.Seconds())
	}
	body, err := p.pages.Render(name, v)
	if err != nil {
		p.Log.Error("a page could not be shown", "page", name, "error", err)
		http.Error(w, "This page could not be shown. Try again later.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Tag)
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// shownOnce is the data of a page that holds what is never shown again: it
// offers nothing that would lose it by the way.
type shownOnce interface{ shownOnce() }

// contact is whom people ask, in the reader's language.
func (p *Portal) contact(l *page.Language) string {
	if c := p.Settings().Contact; c != "" {
		return c
	}
	return l.Text("contact.default")
}

// notices are what ?done= may say. Anything else says nothing.
var notices = map[string]bool{
	"password": true, "renamed": true, "revoked": true, "revoked-all": true, "method-removed": true,
	"method-added": true, "sessions-ended": true, "session-ended": true, "signed-out": true, "changed": true,
}

// notice is the key of what was just done, carried over a redirect.
func (p *Portal) notice(r *http.Request) string {
	done := r.URL.Query().Get("done")
	if r.Method != http.MethodGet || !notices[done] {
		return ""
	}
	return "done." + done
}

// broken answers where it is not known what to answer.
func (p *Portal) broken(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusServiceUnavailable, "message", message{Title: "broken.title", Text: "broken.text"})
}

// failed answers an error that is nobody's mistake, and logs it.
func (p *Portal) failed(w http.ResponseWriter, r *http.Request, err error) {
	p.Log.Error("a page failed", "method", r.Method, "route", r.Pattern, "error", err)
	p.broken(w, r)
}

// refusal returns why account refused a change, in the reader's language where
// there are words for it; false where err is no refusal.
func (p *Portal) refusal(r *http.Request, err error) (string, bool) {
	var no *account.Refusal
	if !errors.As(err, &no) {
		return "", false
	}
	l := p.language(r)
	if key := "refusal." + string(no.Code); l.Has(key) {
		return l.Text(key), true
	}
	return no.Error(), true
}
