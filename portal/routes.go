package portal

import (
	"errors"
	"net/http"

	"postern/portal/page"
)

// routes says which page answers what. Behind signedIn stands a complete
// sign-in, behind enrolling also one that has nothing but the set-up open.
func (p *Portal) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/{file}", http.StripPrefix("/static/", cached(page.Static())))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/home", http.StatusSeeOther) })
	mux.HandleFunc("POST /language", p.changeLanguage)

	mux.HandleFunc("GET /signin", p.signInPage)
	mux.HandleFunc("POST /signin", p.signIn)
	mux.HandleFunc("GET /signin/code", p.codePage)
	mux.HandleFunc("POST /signin/code", p.codeEntered)
	mux.HandleFunc("POST /signin/passkey/begin", p.signInPasskeyBegin)
	mux.HandleFunc("POST /signin/passkey/finish", p.signInPasskeyFinish)
	mux.HandleFunc("POST /signout", p.signOut)

	mux.HandleFunc("POST /stay", p.enrolling(func(w http.ResponseWriter, _ *http.Request, _ *visitor) { w.WriteHeader(http.StatusNoContent) }))

	mux.HandleFunc("GET /home", p.enrolling(p.home))
	mux.HandleFunc("GET /confirm", p.signedIn(p.confirmPage))
	mux.HandleFunc("POST /confirm", p.signedIn(p.confirm))
	mux.HandleFunc("POST /confirm/passkey/begin", p.signedIn(p.confirmPasskeyBegin))
	mux.HandleFunc("POST /confirm/passkey/finish", p.signedIn(p.confirmPasskeyFinish))

	mux.HandleFunc("GET /setup", p.settingUp(p.setupPage))
	mux.HandleFunc("POST /setup/code", p.enrolling(p.enrolCodeEntered))
	mux.HandleFunc("GET /setup/app", p.settingUp(p.setupAppPage))
	mux.HandleFunc("POST /setup/app", p.settingUp(p.setupApp))
	mux.HandleFunc("GET /setup/passkey", p.settingUp(p.setupPasskeyPage))
	mux.HandleFunc("POST /setup/passkey/begin", p.settingUp(p.setupPasskeyBegin))
	mux.HandleFunc("POST /setup/passkey/finish", p.settingUp(p.setupPasskeyFinish))
	mux.HandleFunc("GET /setup/done", p.signedIn(p.setupDonePage))
	mux.HandleFunc("POST /setup/recovery", p.proven(p.recoveryCodes))

	mux.HandleFunc("GET /app-passwords", p.signedIn(p.appPasswordsPage))
	mux.HandleFunc("GET /app-passwords/new", p.proven(p.newAppPasswordPage))
	mux.HandleFunc("POST /app-passwords/new", p.proven(p.newAppPassword))
	mux.HandleFunc("POST /app-passwords/{id}/rename", p.signedIn(p.renameAppPassword))
	mux.HandleFunc("GET /app-passwords/{id}/revoke", p.proven(p.revokePage))
	mux.HandleFunc("POST /app-passwords/{id}/revoke", p.proven(p.revoke))
	mux.HandleFunc("GET /app-passwords/revoke-all", p.proven(p.revokeAllPage))
	mux.HandleFunc("POST /app-passwords/revoke-all", p.proven(p.revokeAll))

	mux.HandleFunc("GET /app-passwords/{id}/use", p.signedIn(p.usePage))
	mux.HandleFunc("GET /app-passwords/{id}/live", p.signedIn(p.livePage))

	mux.HandleFunc("GET /activity", p.signedIn(p.activityPage))
	mux.HandleFunc("GET /security", p.signedIn(p.securityPage))
	mux.HandleFunc("GET /security/password", p.proven(p.passwordPage))
	mux.HandleFunc("POST /security/password", p.proven(p.changePassword))
	mux.HandleFunc("POST /security/methods/{id}/rename", p.signedIn(p.renameMethod))
	mux.HandleFunc("GET /security/methods/{id}/remove", p.proven(p.removeMethodPage))
	mux.HandleFunc("POST /security/methods/{id}/remove", p.proven(p.removeMethod))
	mux.HandleFunc("POST /security/sessions/end", p.signedIn(p.endSession))
	mux.HandleFunc("POST /security/sessions/end-others", p.signedIn(p.endOtherSessions))

	p.administration(mux)

	mux.HandleFunc("/", p.notFound)
	return p.visiting(mux)
}

// visiting finds out who asks, once for every request but those for files.
func (p *Portal) visiting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := p.visit(r)
		switch {
		case err == nil:
			r = with(r, v)
		case !errors.Is(err, errNoSession):
			p.failed(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// page is a handler that knows who asks.
type pageFunc func(w http.ResponseWriter, r *http.Request, v *visitor)

// enrolling lets in whoever is signed in at all.
func (p *Portal) enrolling(h pageFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := of(r)
		if v == nil {
			p.toSignIn(w, r)
			return
		}
		h(w, r, v)
	}
}

// signedIn lets in complete sign-ins.
func (p *Portal) signedIn(h pageFunc) http.HandlerFunc {
	return p.enrolling(func(w http.ResponseWriter, r *http.Request, v *visitor) {
		if !v.full() {
			http.Redirect(w, r, "/home", http.StatusSeeOther)
			return
		}
		h(w, r, v)
	})
}

// proven lets in complete sign-ins where what the account asks for was shown
// not long ago, and has others show it again first.
func (p *Portal) proven(h pageFunc) http.HandlerFunc {
	return p.signedIn(func(w http.ResponseWriter, r *http.Request, v *visitor) {
		if !v.proven(p.Now()) {
			p.toConfirm(w, r)
			return
		}
		h(w, r, v)
	})
}

// administering lets in administrators. To everybody else there is no such
// page.
func (p *Portal) administering(h pageFunc) http.HandlerFunc {
	return p.signedIn(func(w http.ResponseWriter, r *http.Request, v *visitor) {
		if !v.admin {
			p.notFound(w, r)
			return
		}
		h(w, r, v)
	})
}

func (p *Portal) toSignIn(w http.ResponseWriter, r *http.Request) {
	to := "/signin"
	if r.Method == http.MethodGet {
		to += "?" + nextQuery(r.URL.RequestURI())
	}
	goTo(w, r, to)
}

// askedFrom are the pages to come back to for what scripts post.
var askedFrom = map[string]string{
	"POST /setup/passkey/begin":  "/setup/passkey",
	"POST /setup/passkey/finish": "/setup/passkey",
}

// toConfirm asks for the second factor again. What was posted is lost; the
// page that posts is where one comes back to.
func (p *Portal) toConfirm(w http.ResponseWriter, r *http.Request) {
	back := "/home"
	if r.Method == http.MethodGet {
		back = r.URL.RequestURI()
	} else if to, ok := askedFrom[r.Pattern]; ok {
		back = to
	} else if from := r.PostFormValue("from"); from != "" {
		back = local(from)
	}
	goTo(w, r, "/confirm?"+nextQuery(back))
}

// goTo sends the browser to another page first. A script, which could not
// follow, is told where.
func goTo(w http.ResponseWriter, r *http.Request, to string) {
	if r.Header.Get("Accept") == "application/json" {
		answerJSON(w, http.StatusUnauthorized, map[string]string{"next": to})
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (p *Portal) notFound(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusNotFound, "message", message{Title: "missing.title", Text: "missing.text", To: "/home", Link: "missing.link"})
}

// cached lets browsers keep files for an hour.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		next.ServeHTTP(w, r)
	})
}

func (p *Portal) changeLanguage(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{
		Name: languageName, Value: page.Choose(r.PostFormValue("language"), ""), Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, Secure: p.https(), SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, local(r.PostFormValue("back")), http.StatusSeeOther)
}
