package portal

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"postern/directory"
	"postern/policy"
	"postern/secret"
)

type signInView struct {
	Problem string
	Login   string
	Next    string
}

func (signInView) frame() (title, nav, width string) { return "signin.title", "", "slim" }

func nextQuery(to string) string { return url.Values{"next": {to}}.Encode() }

func (p *Portal) signInPage(w http.ResponseWriter, r *http.Request) {
	if of(r) != nil {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	p.show(w, r, http.StatusOK, "signin", signInView{Next: local(r.URL.Query().Get("next"))})
}

// client is the portal as the policy knows it.
func client(method string) policy.Client {
	return policy.Client{Kind: policy.Interactive, Protocol: policy.Portal, Method: method}
}

// signIn is the first leg: the primary password.
func (p *Portal) signIn(w http.ResponseWriter, r *http.Request) {
	d := p.Engine.Authenticate(r.Context(), policy.Attempt{
		At: p.Now(), Login: r.PostFormValue("login"), Naming: directory.AnyName,
		Secret: secret.NewText(r.PostFormValue("password")), Client: client("password"),
		Remote: p.remote(r), Secure: true,
	})
	if !hold(r.Context(), d.ReplyAt, p.Now) {
		return
	}
	p.answer(w, r, d, local(r.PostFormValue("next")))
}

// answer maps a decision to a page: the one place that does.
func (p *Portal) answer(w http.ResponseWriter, r *http.Request, d policy.Decision, to string) {
	var err error
	switch d.Outcome {
	case policy.Accept:
		stage := directory.SessionPrimary
		if d.Reason == policy.ReasonPrimaryAndSecond {
			stage = directory.SessionSecond
		}
		if err = p.begin(w, r, d.Account, stage); err == nil {
			http.Redirect(w, r, to, http.StatusSeeOther)
		}
	case policy.Enrol:
		if err = p.begin(w, r, d.Account, directory.SessionEnrolling); err == nil {
			http.Redirect(w, r, "/home", http.StatusSeeOther)
		}
	case policy.SecondFactor:
		if err = p.half(w, d, to); err == nil {
			http.Redirect(w, r, "/signin/code", http.StatusSeeOther)
		}
	case policy.Busy:
		p.show(w, r, http.StatusServiceUnavailable, "message", message{Title: "busy.title", Text: "busy.text", To: "/signin", Link: "busy.link"})
	case policy.Unavailable:
		p.broken(w, r)
	default:
		p.show(w, r, http.StatusUnauthorized, "signin", signInView{Problem: p.language(r).Text("signin.refused"), Next: to})
	}
	if err != nil {
		p.failed(w, r, err)
	}
}

// half keeps a sign-in that waits for its second factor, under a token of its
// own: it opens nothing but the page that asks for it.
func (p *Portal) half(w http.ResponseWriter, d policy.Decision, to string) error {
	token, err := newToken(p.Random)
	if err != nil {
		return err
	}
	p.pending.put(p.Keys.SessionDigest(token), &halfway{decision: d, to: to, since: p.Now()})
	p.setCookie(w, pendingName, token)
	return nil
}

// hold waits until a reply may leave. It is false where the browser is gone.
func hold(ctx context.Context, until time.Time, now func() time.Time) bool {
	wait := until.Sub(now())
	if until.IsZero() || wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *Portal) signOut(w http.ResponseWriter, r *http.Request) {
	if token := p.cookie(r, sessionName); !token.Empty() {
		if err := p.end(r.Context(), token); err != nil {
			p.failed(w, r, err)
			return
		}
	}
	p.dropCookie(w, sessionName)
	http.Redirect(w, r, "/signin?done=signed-out", http.StatusSeeOther)
}
